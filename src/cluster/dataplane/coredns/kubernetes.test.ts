import { describe, expect, test } from 'vitest';
import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import type { DnsType } from '../../network/dns.ts';
import { parseCorefile } from './corefile.ts';
import { answerInZone, answerReverse, type Records } from './kubernetes.ts';

const services: readonly Service[] = [
  {
    metadata: { namespace: 'default', name: 'web' },
    spec: { clusterIP: '10.96.7.7', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  },
  { metadata: { namespace: 'db', name: 'pg' }, spec: { clusterIP: 'None', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] } },
  { metadata: { namespace: 'db', name: 'empty' }, spec: { clusterIP: 'None' } },
  { metadata: { namespace: 'default', name: 'ext' }, spec: { type: 'ExternalName', externalName: 'example.com' } },
] as unknown as readonly Service[];

const pg = {
  metadata: { namespace: 'db', name: 'pg-1', labels: { 'kubernetes.io/service-name': 'pg' } },
  addressType: 'IPv4',
  endpoints: [
    { addresses: ['10.244.1.5'], hostname: 'pg-0', conditions: { ready: true } },
    { addresses: ['10.244.2.5'], conditions: { ready: true } },
    { addresses: ['10.244.3.5'], hostname: 'pg-2', conditions: { ready: false } },
  ],
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
} as unknown as EndpointSlice;

const records: Records = {
  service: (namespace, name) => services.find((s) => s.metadata.namespace === namespace && s.metadata.name === name),
  slices: (namespace, name) => (namespace === 'db' && name === 'pg' ? [pg] : []),
  hasNamespace: (name) => name === 'default' || name === 'db',
  serviceByIp: (ip) => services.find((s) => s.spec?.clusterIP === ip),
  slicesByIp: (ip) => (pg.endpoints?.some((e) => e.addresses[0] === ip) ? [pg] : []),
};
const OPTIONS = { domain: 'cluster.local', ttl: 30, podNames: true };

const ask = (name: string, type: DnsType): string => {
  const answer = answerInZone({ name, type }, OPTIONS, records) ?? answerReverse({ name, type }, OPTIONS, records);
  return answer === undefined ? 'not mine' : `${answer.code} ${answer.answers.map((a) => `${a.type} ${a.data}`).join(', ')}`.trim();
};

describe('CoreDNS kubernetes', () => {
  test.each<[string, DnsType, string]>([
    ['web.default.svc.cluster.local', 'A', 'NOERROR A 10.96.7.7'],
    ['web.default.svc.cluster.local', 'AAAA', 'NOERROR'],
    ['_http._tcp.web.default.svc.cluster.local', 'SRV', 'NOERROR SRV 0 100 80 web.default.svc.cluster.local'],
    ['_https._tcp.web.default.svc.cluster.local', 'SRV', 'NXDOMAIN'],
    ['web.db.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['web.nowhere.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['default.svc.cluster.local', 'A', 'NOERROR'],
    ['pg.db.svc.cluster.local', 'A', 'NOERROR A 10.244.1.5, A 10.244.2.5'],
    ['pg-0.pg.db.svc.cluster.local', 'A', 'NOERROR A 10.244.1.5'],
    ['10-244-2-5.pg.db.svc.cluster.local', 'A', 'NOERROR A 10.244.2.5'],
    ['pg-2.pg.db.svc.cluster.local', 'A', 'NXDOMAIN'],
    [
      '_sql._tcp.pg.db.svc.cluster.local',
      'SRV',
      'NOERROR SRV 0 50 5432 pg-0.pg.db.svc.cluster.local, SRV 0 50 5432 10-244-2-5.pg.db.svc.cluster.local',
    ],
    ['empty.db.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['ext.default.svc.cluster.local', 'A', 'NOERROR CNAME example.com'],
    ['10-244-1-9.default.pod.cluster.local', 'A', 'NOERROR A 10.244.1.9'],
    ['dns-version.cluster.local', 'TXT', 'NOERROR TXT "1.1.0"'],
    ['7.7.96.10.in-addr.arpa', 'PTR', 'NOERROR PTR web.default.svc.cluster.local'],
    ['5.1.244.10.in-addr.arpa', 'PTR', 'NOERROR PTR pg-0.pg.db.svc.cluster.local'],
    ['example.com', 'A', 'not mine'],
  ])('%s %s', (name, type, expected) => {
    expect(ask(name, type)).toBe(expected);
  });

  test('a Corefile is read with its blocks', () => {
    const [block] = parseCorefile('.:53 {\n  errors # to stdout\n  health {\n    lameduck 5s\n  }\n  cache 30\n}\n');
    expect(block).toEqual({
      zones: ['.:53'],
      plugins: [
        { name: 'errors', args: [], block: [] },
        { name: 'health', args: [], block: [{ name: 'lameduck', args: ['5s'], block: [] }] },
        { name: 'cache', args: ['30'], block: [] },
      ],
    });
  });
});
