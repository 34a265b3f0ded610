// The command line of kube-controller-manager, as far as it is modelled; defaults as upstream.

import type { Os } from '../machine/process.ts';
import { type Micros, SECOND } from '../sim/time.ts';

export interface ManagerFlags {
  readonly kubeconfig: string;
  readonly securePort: number;
  readonly leaderElect: boolean;
  /** Which controllers run: `*`, `name`, `-name`. */
  readonly controllers: readonly string[];
  readonly allocateNodeCidrs: boolean;
  readonly clusterCidr: string;
  readonly nodeCidrMaskSize: number;
  readonly rootCaFile: string;
  readonly serviceAccountPrivateKeyFile: string;
  readonly clusterSigningCertFile: string;
  readonly clusterSigningKeyFile: string;
  readonly useServiceAccountCredentials: boolean;
  readonly nodeMonitorPeriod: Micros;
  readonly nodeMonitorGracePeriod: Micros;
  readonly nodeStartupGracePeriod: Micros;
  readonly terminatedPodGcThreshold: number;
  readonly kubeApiQps: number;
  readonly kubeApiBurst: number;
  readonly concurrent: Readonly<Record<string, number>>;
}

/** Reads `--name=value` (and `--name` for true). Unknown flags are ignored, as many of kubeadm's are not modelled. */
export function parseFlags(os: Os): ManagerFlags {
  const given = new Map<string, string>();
  for (const arg of os.argv.slice(1)) {
    if (!arg.startsWith('--')) continue;
    const equals = arg.indexOf('=');
    if (equals < 0) given.set(arg.slice(2), 'true');
    else given.set(arg.slice(2, equals), arg.slice(equals + 1));
  }
  const text = (name: string, fallback: string): string => given.get(name) ?? fallback;
  const yes = (name: string, fallback: boolean): boolean => (given.has(name) ? given.get(name) === 'true' : fallback);
  const number = (name: string, fallback: number): number => (given.has(name) ? Number(given.get(name)) : fallback);
  const duration = (name: string, fallback: Micros): Micros => (given.has(name) ? parseDuration(given.get(name) as string) : fallback);
  return {
    kubeconfig: text('kubeconfig', ''),
    securePort: number('secure-port', 10_257),
    leaderElect: yes('leader-elect', true),
    controllers: text('controllers', '*').split(','),
    allocateNodeCidrs: yes('allocate-node-cidrs', false),
    clusterCidr: text('cluster-cidr', ''),
    nodeCidrMaskSize: number('node-cidr-mask-size', 24),
    rootCaFile: text('root-ca-file', ''),
    serviceAccountPrivateKeyFile: text('service-account-private-key-file', ''),
    clusterSigningCertFile: text('cluster-signing-cert-file', ''),
    clusterSigningKeyFile: text('cluster-signing-key-file', ''),
    useServiceAccountCredentials: yes('use-service-account-credentials', false),
    nodeMonitorPeriod: duration('node-monitor-period', 5 * SECOND),
    nodeMonitorGracePeriod: duration('node-monitor-grace-period', 50 * SECOND),
    nodeStartupGracePeriod: duration('node-startup-grace-period', 60 * SECOND),
    terminatedPodGcThreshold: number('terminated-pod-gc-threshold', 12_500),
    kubeApiQps: number('kube-api-qps', 20),
    kubeApiBurst: number('kube-api-burst', 30),
    concurrent: {
      deployment: number('concurrent-deployment-syncs', 5),
      replicaset: number('concurrent-replicaset-syncs', 5),
      replicationcontroller: number('concurrent-rc-syncs', 5),
      daemonset: number('concurrent-daemonset-syncs', 2),
      endpoints: number('concurrent-endpoint-syncs', 5),
      endpointslice: number('concurrent-service-endpoint-syncs', 5),
      namespace: number('concurrent-namespace-syncs', 10),
      gc: number('concurrent-gc-syncs', 20),
    },
  };
}

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };
const PART = /(\d+(?:\.\d+)?)(ms|h|m|s)/g;

/** Go durations such as `40s` or `1m30s`. */
function parseDuration(text: string): Micros {
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(PART)) seconds += Number(amount) * (UNITS[unit as string] as number);
  return Math.round(seconds * SECOND);
}
