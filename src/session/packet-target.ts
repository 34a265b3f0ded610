// What a person means by the other end of a packet: `http://web:8080/x`, `10.96.0.10`, `db.default:3306`, `service/default/web`.

import type { Pod, Service } from '../cluster/api/generated/types.ts';
import { parseIp } from '../cluster/network/ip.ts';
import type { PacketQuestion } from './packet-types.ts';

export interface Target {
  /** A name or an address. */
  readonly host: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** 0 for ICMP. */
  readonly port: number;
  /** Of a URL: its scheme and path. */
  readonly scheme: string;
  readonly path: string;
}

/** Looks up an object by the key of its changes. */
export type ObjectAt = (key: string) => unknown;

const SCHEMES: Readonly<Record<string, { readonly protocol: Target['protocol']; readonly port: number }>> = {
  http: { protocol: 'tcp', port: 80 },
  https: { protocol: 'tcp', port: 443 },
  tcp: { protocol: 'tcp', port: 80 },
  udp: { protocol: 'udp', port: 53 },
  dns: { protocol: 'udp', port: 53 },
  ping: { protocol: 'icmp', port: 0 },
  icmp: { protocol: 'icmp', port: 0 },
};

const WRITTEN = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:[^@/]*@)?\[?([A-Za-z0-9_.:-]*?)\]?(?::(\d{1,5}))?(\/.*)?$/i;
const REFERENCE = /^(pod|service|machine)\/([^/:]+)(?:\/([^/:]+))?(?::(\d{1,5}))?$/;

interface Meant {
  readonly host: string;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

/** What `pod/…`, `service/…` or `machine/…` stands for. */
function meantBy(kind: string, first: string, second: string | undefined, objectAt: ObjectAt, addressOf: (machine: string) => string | undefined): Meant | null {
  if (kind === 'machine') {
    const host = addressOf(first);
    return host === undefined ? null : { host, ports: [] };
  }
  if (kind === 'pod') {
    const pod = objectAt(`object/pods/${first}/${second ?? ''}`) as Pod | undefined;
    const ports = (pod?.spec?.containers ?? []).flatMap((c) => (c.ports ?? []).map((p) => ({ port: p.containerPort, protocol: p.protocol ?? 'TCP' })));
    return pod?.status?.podIP ? { host: pod.status.podIP, ports } : null;
  }
  const service = objectAt(`object/services/${first}/${second ?? ''}`) as Service | undefined;
  const host = service?.spec?.clusterIP;
  if (service === undefined) return null;
  const ports = (service.spec?.ports ?? []).map((p) => ({ port: p.port, protocol: p.protocol ?? 'TCP' }));
  // A headless Service has no address of its own, but a name.
  return { host: host && parseIp(host) >= 0 ? host : `${second ?? ''}.${first}.svc.cluster.local`, ports };
}

/** Null: that means nothing. */
export function readTarget(question: PacketQuestion, objectAt: ObjectAt, addressOf: (machine: string) => string | undefined): Target | null {
  const text = question.to.trim();
  const reference = REFERENCE.exec(text);
  if (reference) {
    const [, kind = '', first = '', second, given] = reference;
    const meant = meantBy(kind, first, second, objectAt, addressOf);
    if (meant === null) return null;
    const wanted = question.protocol;
    const usual = meant.ports.find((p) => wanted === null || p.protocol.toLowerCase() === wanted);
    const protocol = wanted ?? (usual?.protocol === 'UDP' ? 'udp' : 'tcp');
    const port = protocol === 'icmp' ? 0 : (question.port ?? (given === undefined ? (usual?.port ?? 80) : Number(given)));
    return port > 65_535 ? null : { host: meant.host, protocol, port, scheme: '', path: '' };
  }
  const written = WRITTEN.exec(text);
  const [, scheme = '', host = '', given, path = ''] = written ?? [];
  if (host === '' || host.length > 253) return null;
  const usual = SCHEMES[scheme.toLowerCase()];
  const protocol = question.protocol ?? usual?.protocol ?? 'tcp';
  const port = protocol === 'icmp' ? 0 : (question.port ?? (given === undefined ? (usual?.port || (protocol === 'udp' ? 53 : 80)) : Number(given)));
  return port > 65_535 ? null : { host, protocol, port, scheme: scheme.toLowerCase(), path };
}

/** Command lines that would really do what was asked. */
export function commandsFor(question: PacketQuestion, target: Target, image: string): readonly string[] {
  const { host, protocol, port, path } = target;
  const small = /busybox|alpine/.test(image);
  const web = target.scheme === 'https' ? `https://${host}${port === 443 ? '' : `:${port}`}${path}` : `http://${host}${port === 80 ? '' : `:${port}`}${path}`;
  const plain =
    protocol === 'icmp' ? `ping -c 1 ${question.size === undefined ? '' : `-M do -s ${Math.max(0, question.size - 28)} `}${host}`
    : protocol === 'udp' ? (port === 53 ? `nslookup kubernetes.default.svc.cluster.local ${host}` : `nc -u -w 2 ${host} ${port}`)
    : small ? `wget -qO- -T 3 ${web}`
    : `curl -m 3 ${web}`;
  const commands = [plain, ...(protocol === 'tcp' ? [`traceroute -n ${host}`] : [])];
  const [kind, first = '', name = ''] = question.from.split('/');
  if (kind === 'pod') return commands.map((c) => `kubectl exec ${first === 'default' ? '' : `-n ${first} `}${name} -- ${c}`);
  return first === 'operator' ? commands : commands.map((c) => `ssh ${first} ${c}`);
}
