// The leader writes the addresses at which the Ingresses can be reached into their status, once a minute
// (internal/ingress/status/status.go).

import type { Ingress, Node, Service } from '../../api/generated/types.ts';
import type { Client } from '../../client/client.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import type { Os } from '../../machine/process.ts';
import { parseIp } from '../../network/ip.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { Klog } from '../klog.ts';

type Address = { readonly ip?: string; readonly hostname?: string };

const UPDATE_INTERVAL = 60 * SECOND;

export interface StatusOptions {
  readonly os: Os;
  readonly client: Client;
  readonly log: Klog;
  readonly flag: (name: string) => string | undefined;
  readonly pod: { readonly namespace: string; readonly labels: string };
  readonly ingresses: () => readonly Ingress[];
}

/** As long as it leads. */
export function* keepStatus(options: StatusOptions): Op<void> {
  for (;;) {
    try {
      yield* publish(options, yield* runningAddresses(options));
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      options.log.error('queue.go:131', `"requeuing" err="${messageOf(error)}" key="&ObjectMeta{Name:sync status,...}"`);
    }
    yield* options.os.sleep(UPDATE_INTERVAL);
  }
}

export function* publish({ client, log, ingresses }: StatusOptions, addresses: readonly Address[]): Op<void> {
  for (const { metadata } of ingresses()) {
    const { namespace = '', name } = metadata;
    const current = yield* client.get('ingresses.networking.k8s.io', namespace, name);
    const before = current.status?.loadBalancer?.ingress ?? [];
    if (JSON.stringify(before.map(({ ip, hostname }) => [ip, hostname])) === JSON.stringify(addresses.map(({ ip, hostname }) => [ip, hostname]))) continue;
    log.info('status.go:311', `"updating Ingress status" namespace="${namespace}" ingress="${name}" currentValue=${shown(before)} newValue=${shown(addresses)}`);
    yield* client.updateStatus('ingresses.networking.k8s.io', { ...current, status: { loadBalancer: { ingress: addresses } } });
  }
}

const shown = (addresses: readonly Address[]): string => (addresses.length === 0 ? 'null' : JSON.stringify(addresses));

export function* runningAddresses({ client, flag, pod }: StatusOptions): Op<readonly Address[]> {
  const fixed = flag('publish-status-address');
  if (fixed !== undefined) return fixed.split(/,\s*/).map((a) => (parseIp(a) >= 0 ? { ip: a } : { hostname: a }));
  const service = flag('publish-service');
  if (service !== undefined) {
    const [namespace = '', name = ''] = service.replace('$(POD_NAMESPACE)', pod.namespace).split('/');
    return ofService(yield* client.get('services', namespace, name));
  }
  const pods = yield* client.list('pods', pod.namespace, { labelSelector: pod.labels });
  const found = new Set<string>();
  for (const one of pods.items) {
    if (one.status?.phase !== 'Running' || one.status.conditions?.find((c) => c.type === 'Ready')?.status !== 'True') continue;
    const node: Node = yield* client.get('nodes', '', one.spec.nodeName ?? '');
    const addresses = node.status?.addresses ?? [];
    const external = addresses.filter((a) => a.type === 'ExternalIP');
    for (const a of external.length > 0 ? external : addresses.filter((b) => b.type === 'InternalIP')) found.add(a.address);
  }
  return [...found].toSorted().map((ip) => ({ ip }));
}

function ofService({ spec, status }: Service): readonly Address[] {
  const external = (spec.externalIPs ?? []).map((ip) => ({ ip }));
  switch (spec.type) {
    case 'ExternalName':
      return [{ hostname: spec.externalName ?? '' }];
    case 'LoadBalancer':
      return [...(status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ({ ...(ip ? { ip } : {}), ...(hostname ? { hostname } : {}) })), ...external];
    default:
      return external.length > 0 ? external : [{ ip: spec.clusterIP ?? '' }];
  }
}
