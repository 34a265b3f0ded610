// The ports of a port-forward: `[LOCAL:]REMOTE`, names of ports of Pods and Services, the addresses to listen on
// (kubectl/pkg/cmd/portforward, client-go tools/portforward).

import type { Pod, Service } from '../../cluster/api/generated/types.ts';
import { CommandError } from '../print/error.ts';
import type { Info } from '../resource/builder.ts';

export interface ForwardedPort {
  /** 0: any. */
  readonly local: number;
  readonly remote: number;
}

function splitPort(spec: string): readonly [local: string, remote: string] {
  const parts = spec.split(':');
  return parts.length === 2 ? (parts as [string, string]) : [parts[0] as string, parts[0] as string];
}

const NUMBER = /^[+-]?\d+$/;

function servicePort({ metadata, spec }: Service, name: string): number {
  const port = spec?.ports?.find((p) => p.name === name)?.port;
  if (port === undefined) throw new CommandError(`Service '${metadata.name}' does not have a named port '${name}'`);
  return port;
}

function containerPort({ metadata, spec }: Pod, name: string): number {
  for (const { ports = [] } of [...spec.containers, ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')]) {
    const port = ports.find((p) => p.name === name)?.containerPort;
    if (port !== undefined) return port;
  }
  throw new CommandError(`Pod '${metadata.name}' does not have a named port '${name}'`);
}

function targetPort(service: Service, pod: Pod, port: number): number {
  const found = service.spec?.ports?.find((p) => p.port === port);
  if (found === undefined) throw new CommandError(`Service ${service.metadata.name} does not have a service port ${port}`);
  if (service.spec?.clusterIP === 'None') return port;
  const { targetPort: target } = found;
  if (typeof target === 'string') return NUMBER.test(target) ? Number(target) : containerPort(pod, target);
  return target || port;
}

function forbidUdp(specs: readonly string[], ports: readonly { readonly protocol?: string; readonly number: number }[], byName: (name: string) => number): void {
  const tcp = new Set(ports.filter((p) => (p.protocol ?? 'TCP') === 'TCP').map((p) => p.number));
  const udp = new Set(ports.filter((p) => p.protocol === 'UDP' && !tcp.has(p.number)).map((p) => p.number));
  for (const spec of specs) {
    const [, remote] = splitPort(spec);
    if (udp.has(NUMBER.test(remote) ? Number(remote) : byName(remote))) throw new CommandError(`UDP protocol is not supported for ${remote}`);
  }
}

/** `LOCAL:REMOTE` with numbers for names. @throws CommandError */
export function portNumbers(specs: readonly string[], info: Info, pod: Pod): string[] {
  const joined = (local: string, remote: string): string => (local === remote ? remote : `${local}:${remote}`);
  if (info.mapping.group === '' && info.mapping.resource === 'services') {
    const service = info.object as unknown as Service;
    forbidUdp(specs, (service.spec?.ports ?? []).map(({ protocol, port }) => ({ ...(protocol ? { protocol } : {}), number: port })), (name) => servicePort(service, name));
    return specs.map((spec) => {
      const [local, remote] = splitPort(spec);
      const number = NUMBER.test(remote) ? Number(remote) : servicePort(service, remote);
      return joined(local === remote ? String(number) : local, String(targetPort(service, pod, number)));
    });
  }
  const ports = pod.spec.containers.flatMap((c) => c.ports ?? []).map(({ protocol, containerPort: number }) => ({ ...(protocol ? { protocol } : {}), number }));
  forbidUdp(specs, ports, (name) => containerPort(pod, name));
  return specs.map((spec) => {
    const [local, remote] = splitPort(spec);
    if (remote === '') throw new CommandError('remote port cannot be empty');
    const number = NUMBER.test(remote) ? remote : String(containerPort(pod, remote));
    return local === remote ? number : `${local}:${number}`;
  });
}

function parseUint(text: string, which: string): number {
  const why = text === '' || !/^\d+$/.test(text) ? 'invalid syntax' : Number(text) > 65535 ? 'value out of range' : '';
  if (why !== '') throw new CommandError(`error parsing ${which} port '${text}': strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
  return Number(text);
}

/** @throws CommandError */
export function parsePorts(specs: readonly string[]): ForwardedPort[] {
  return specs.map((spec) => {
    const parts = spec.split(':');
    if (parts.length > 2) throw new CommandError(`invalid port format '${spec}'`);
    const [first = '', second] = parts;
    const local = second !== undefined && first === '' ? 0 : parseUint(first, 'local');
    const remote = parseUint(second ?? first, 'remote');
    if (remote === 0) throw new CommandError('remote port must be > 0');
    return { local, remote };
  });
}

/** Addresses to listen on, as given; localhost becomes 127.0.0.1 (there is no IPv6 here). @throws CommandError */
export function parseAddresses(given: readonly string[]): readonly string[] {
  if (given.length === 0) throw new CommandError('you must specify at least 1 address');
  const addresses = new Set<string>();
  for (const address of given) {
    if (address === 'localhost') addresses.add('127.0.0.1');
    else if (/^(\d{1,3}\.){3}\d{1,3}$/.test(address) || address.includes(':')) addresses.add(address);
    else throw new CommandError(`${address} is not a valid IP`);
  }
  return [...addresses];
}
