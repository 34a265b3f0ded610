// `kubeadm join` of a worker (cmd/kubeadm/app/cmd/join.go): finds the cluster with a token, lets the kubelet ask for a
// certificate of its own, and waits until it has one.

import { parseYaml } from '../../api/yaml.ts';
import { fromBase64 } from '../../api/base64.ts';
import type { ConfigMap } from '../../api/generated/types.ts';
import { Client } from '../../client/client.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import type { Os } from '../../machine/process.ts';
import { RuntimeClient } from '../../runtime/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, MINUTE, SECOND } from '../../sim/time.ts';
import { BOOTSTRAP_KUBELET_CONF, KUBELET_CONF, PKI } from './config.ts';
import { waitHealthy } from './health.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { startKubelet } from './kubelet-start.ts';
import { phase, poll } from './phase.ts';

export interface JoinConfig {
  /** `host:port` of the API server. */
  readonly endpoint: string;
  readonly token: string;
  /** Path of the runtime's socket. */
  readonly criSocket: string;
}

interface ClusterInfo {
  readonly server: string;
  readonly ca: string;
}

interface ClusterConfiguration {
  readonly networking: { readonly dnsDomain: string; readonly serviceSubnet: string };
}

/** Runs the phases; throws with kubeadm's message when one fails. */
export function* join(os: Os, config: JoinConfig): Op<void> {
  const runtime = new RuntimeClient(os, config.criSocket);
  let info: ClusterInfo = { server: '', ca: '' };
  let cluster: ClusterConfiguration | null = null;
  let kubelet = '';
  yield* phase(os, 'preflight', 'Running pre-flight checks', function* () {
    yield* runtime.version();
    info = yield* discover(os, config);
    os.log('[preflight] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...');
    const client = new Client(os, { server: info.server, token: config.token, ca: info.ca, userAgent: 'kubeadm/v1.36.0' });
    cluster = parseYaml(
      dataOf(yield* client.get('configmaps', 'kube-system', 'kubeadm-config'), 'ClusterConfiguration'),
    ) as ClusterConfiguration;
    kubelet = dataOf(yield* client.get('configmaps', 'kube-system', 'kubelet-config'), 'kubelet');
  });
  const { networking } = cluster as unknown as ClusterConfiguration;
  yield* phase(os, 'kubelet-start', 'Starting the kubelet', function* () {
    os.files.write(
      BOOTSTRAP_KUBELET_CONF,
      kubeconfigText(info.server, info.ca, 'tls-bootstrap-token-user', { token: config.token }),
      0o600,
    );
    os.files.write(`${PKI}/ca.crt`, info.ca, 0o644);
    yield* startKubelet(os, { ...networking, criSocket: config.criSocket }, kubelet);
  });
  yield* phase(os, 'kubelet-wait-bootstrap', 'Waiting for the kubelet to perform the TLS Bootstrap', function* () {
    yield* waitHealthy(os, [{ name: 'kubelet', host: '127.0.0.1', port: 10_248, path: '/healthz', tls: false }]);
    yield* poll(os, SECOND, 5 * MINUTE, 'timed out waiting for the TLS bootstrap', function* () {
      return os.files.exists(KUBELET_CONF);
    });
    os.files.remove(BOOTSTRAP_KUBELET_CONF);
  });
  os.log('This node has joined the cluster:');
}

/** Reads ConfigMap cluster-info as anybody may, until it is there. */
function* discover(os: Os, config: JoinConfig): Op<ClusterInfo> {
  const client = new Client(os, { server: `https://${config.endpoint}`, userAgent: 'kubeadm/v1.36.0' });
  const tokenId = config.token.slice(0, config.token.indexOf('.'));
  let found: ConfigMap | null = null;
  yield* poll(os, 5 * SECOND, 5 * MINUTE, "couldn't validate the identity of the API Server", function* () {
    try {
      const map = yield* client.get('configmaps', 'kube-public', 'cluster-info');
      if (map.data?.[`jws-kubeconfig-${tokenId}`] !== undefined) found = map;
      else
        os.logError(
          `[discovery] The cluster-info ConfigMap does not yet contain a JWS signature for token ID "${tokenId}", will try again`,
        );
      return found !== null;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      os.logError(`[discovery] Failed to request cluster-info, will try again: ${messageOf(error)}`);
      return false;
    }
  });
  const kubeconfig = parseYaml(dataOf(found as unknown as ConfigMap, 'kubeconfig')) as {
    readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  };
  const cluster = kubeconfig.clusters[0]?.cluster;
  if (!cluster) throw new Error('the cluster-info ConfigMap names no cluster');
  yield* os.sleep(20 * MILLISECOND);
  return { server: cluster.server, ca: fromBase64(cluster['certificate-authority-data']) ?? '' };
}

function dataOf(map: ConfigMap, key: string): string {
  const text = map.data?.[key];
  if (text === undefined) throw new Error(`ConfigMap ${map.metadata.name} has no key ${key}`);
  return text;
}
