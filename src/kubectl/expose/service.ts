// The Service of `kubectl expose` and `kubectl run --expose` (kubectl/pkg/cmd/expose createService, pkg/generate/versioned/service.go),
// and what of it a workload tells by itself: its selector, ports and protocols (kubectl/pkg/polymorphichelpers).

import { CommandError } from '../print/error.ts';
import { goPrint } from '../print/json.ts';
import type { Mapping } from '../resource/discovery.ts';
import type { LiveObject } from '../rest.ts';
import type { PodSpec } from '../set/pod-spec.ts';

type Labels = Readonly<Record<string, string>>;

interface Exposable extends LiveObject {
  readonly spec?: {
    readonly selector?: Labels & { readonly matchLabels?: Labels; readonly matchExpressions?: readonly unknown[] };
    readonly template?: { readonly spec?: PodSpec };
    readonly containers?: PodSpec['containers'];
    readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
  };
}

const EXPOSABLE = ['ReplicationController', 'Service', 'Pod', 'Deployment.apps', 'ReplicaSet.apps'];

/** Throws CommandError for kinds that no Service can stand before. */
export function mustBeExposable({ group, kind }: Mapping): void {
  const name = group === '' ? kind : `${kind}.${group}`;
  if (!EXPOSABLE.includes(name)) throw new CommandError(`cannot expose a ${name}`);
}

/** Throws CommandError when the object has no selector. */
export function selectorOfObject(object: LiveObject): Labels {
  const { kind, metadata, spec } = object as Exposable;
  const fail = (text: string): CommandError => new CommandError(`couldn't retrieve selectors via --selector flag or introspection: ${text}`);
  if (kind === 'ReplicationController') return spec?.selector ?? {};
  if (kind === 'Pod') {
    if (Object.keys(metadata?.labels ?? {}).length === 0) throw fail('the pod has no labels and cannot be exposed');
    return metadata?.labels ?? {};
  }
  if (kind === 'Service') {
    if (spec?.selector === undefined) throw fail('the service has no pod selector set');
    return spec.selector;
  }
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  if (Object.keys(matchLabels).length === 0) throw fail(`invalid ${(kind ?? '').toLowerCase()}: no selectors, therefore cannot be exposed`);
  if (matchExpressions.length > 0) throw fail(`couldn't convert expressions - "${goPrint(matchExpressions)}" to map-based selector format`);
  return matchLabels;
}

/** The ports of an object with their protocols, in order. */
export function portsOfObject(object: LiveObject): ReadonlyMap<string, readonly string[]> {
  const { kind, spec } = object as Exposable;
  const containers = (kind === 'Pod' ? spec?.containers : spec?.template?.spec?.containers) ?? [];
  const all = kind === 'Service' ? (spec?.ports ?? []) : containers.flatMap((c) => (c.ports ?? []).map((p) => ({ port: p.containerPort, protocol: p.protocol })));
  const ports = new Map<string, string[]>();
  for (const { port, protocol = 'TCP' } of all) {
    const known = ports.get(String(port));
    if (known) known.push(protocol);
    else ports.set(String(port), [protocol]);
  }
  return ports;
}

/** `a=b,c=d`. Throws CommandError. */
export function parseLabels(text: string): Labels {
  if (text === '') throw new CommandError('no label spec passed');
  const labels: Record<string, string> = {};
  for (const spec of text.split(',')) {
    const [key, value, ...more] = spec.split('=');
    if (value === undefined || more.length > 0) throw new CommandError(`unexpected label spec: ${spec}`);
    if (!key) throw new CommandError('unexpected empty label key');
    labels[key] = value;
  }
  return labels;
}

export interface ServiceWanted {
  readonly name: string;
  readonly labels: Labels | null;
  readonly selector: Labels;
  /** '' = the protocol that the object's own port has. */
  readonly protocol: string;
  /** `80` or `80,443`. */
  readonly ports: string;
  readonly protocols: ReadonlyMap<string, readonly string[]>;
  readonly targetPort: string;
  readonly type: string;
  readonly externalIP: string;
  readonly loadBalancerIP: string;
  readonly sessionAffinity: string;
  readonly clusterIP: string;
}

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
}

/** Throws CommandError for what is no number. */
export function integerOf(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new CommandError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function portsOf({ ports, protocol, protocols }: ServiceWanted): readonly Port[] {
  if (ports === '') return [];
  const all = ports.split(',');
  return all.flatMap((text, i): Port[] => {
    const port = integerOf(text);
    const named = all.length > 1 ? { name: `port-${i + 1}` } : {};
    if (protocol !== '') return [{ ...named, port, protocol }];
    const own = protocols.get(text) ?? ['TCP'];
    return own.length === 1 ? [{ ...named, port, protocol: own[0] as string }] : own.map((p) => ({ name: `port-${i + 1}-${p.toLowerCase()}`, port, protocol: p }));
  });
}

export function serviceOf(wanted: ServiceWanted): LiveObject {
  const { name, labels, selector, targetPort, type, externalIP, loadBalancerIP, sessionAffinity, clusterIP } = wanted;
  const target = /^[+-]?\d+$/.test(targetPort) ? Number(targetPort) : targetPort;
  const ports = portsOf(wanted).map((p) => ({ ...p, targetPort: target === '' ? p.port : target }));
  if (!['', 'None', 'ClientIP'].includes(sessionAffinity)) throw new CommandError(`unknown session affinity: ${sessionAffinity}`);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, ...(labels && Object.keys(labels).length > 0 ? { labels } : {}) },
    spec: {
      ...(ports.length > 0 ? { ports } : {}),
      selector,
      ...(clusterIP === '' ? {} : { clusterIP }),
      ...(type === '' ? {} : { type }),
      ...(externalIP === '' ? {} : { externalIPs: [externalIP] }),
      ...(sessionAffinity === '' ? {} : { sessionAffinity }),
      ...(type === 'LoadBalancer' && loadBalancerIP !== '' ? { loadBalancerIP } : {}),
    },
  } as LiveObject;
}
