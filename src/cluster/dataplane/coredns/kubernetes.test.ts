// The test tables of CoreDNS' own plug-in kubernetes, against ours; and what a Corefile can say.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import type { DnsRecord, DnsType } from '../../network/dns.ts';
import { CorefileError, parseCorefile } from './corefile.ts';
import { KNOWN } from './directives.ts';
import { endpointLabel, Lookup, parseName, type Records, type ZoneOptions } from './kubernetes.ts';
import { replyTo, type Request } from './plugin.ts';
import { Backend } from './plugins/kubernetes.ts';
import { digestOf } from './plugins/reload.ts';

type Endpoint = readonly [ip: string, hostname?: string];

const HTTP = [{ name: 'http', port: 80, protocol: 'TCP' }];
const service = (name: string, spec: object, namespace = 'testns'): Service => ({ metadata: { namespace, name }, spec }) as Service;
const clusterIp = (name: string, clusterIPs: readonly string[], namespace = 'testns'): Service => service(name, { clusterIP: clusterIPs[0], clusterIPs, ports: HTTP }, namespace);
const slice = (owner: string, name: string, endpoints: readonly Endpoint[], ports: readonly object[] = HTTP): EndpointSlice =>
  ({
    metadata: { namespace: 'testns', name, labels: { 'kubernetes.io/service-name': owner } },
    endpoints: endpoints.map(([ip, hostname]) => ({ addresses: [ip], ...(hostname === undefined ? {} : { hostname }), conditions: { ready: true } })),
    ports,
  }) as unknown as EndpointSlice;

const SERVICES = [
  clusterIp('svc1', ['10.0.0.1']), clusterIp('svcempty', ['10.0.0.1']), clusterIp('svc6', ['1234:abcd::1']), clusterIp('svc1', ['10.0.0.2'], 'unexposedns'),
  clusterIp('svc-dual-stack', ['10.0.0.3', '10::3']), service('hdls1', { clusterIP: 'None' }), service('hdlsprtls', { clusterIP: 'None' }),
  service('external', { type: 'ExternalName', externalName: 'ext.interwebs.test' }), service('external-to-service', { type: 'ExternalName', externalName: 'svc1.testns.svc.cluster.local.' }),
];
const SLICES = [
  slice('svc1', 'svc1-slice1', [['172.0.0.1', 'ep1a']]), slice('svcempty', 'svcempty-slice1', []),
  slice('hdls1', 'hdls1-slice1', [['172.0.0.2'], ['172.0.0.3'], ['172.0.0.4', 'dup-name'], ['172.0.0.5', 'dup-name'], ['5678:abcd::1'], ['5678:abcd::2']]),
  slice('hdlsprtls', 'hdlsprtls-slice1', [['172.0.0.20']], []),
];
const REVERSE_SERVICES = [clusterIp('svc1', ['192.168.1.100'])];
const REVERSE_SLICES = [
  slice('svc1', 'svc1-slice1', [['10.0.0.100', 'ep1a'], ['10.0.0.99', 'double-ep']]), slice('svc1', 'svc1-ccccc', [['10.0.0.100', 'ep1a']]), slice('svc2', 'svc2-slice1', [['10.0.0.99', 'double-ep']]),
  slice('svc1', 'svc1-slice2', [['1234:abcd::1', 'ep1b'], ['fd00:77:30::a', 'ip6svc1ex'], ['fd00:77:30::2:9ba6', 'ip6svc1in']]),
];

const recordsOf = (services: readonly Service[], slices: readonly EndpointSlice[]): Records => ({
  service: (namespace, name) => services.find((s) => s.metadata.namespace === namespace && s.metadata.name === name),
  slices: (namespace, name) => slices.filter((s) => s.metadata.namespace === namespace && s.metadata.labels?.['kubernetes.io/service-name'] === name),
  hasNamespace: (name) => name !== 'pod-nons' && name !== 'nsnoexist',
  serviceByIp: (ip) => services.find((s) => s.spec?.clusterIPs?.includes(ip)),
  slicesByIp: (ip) => slices.filter((s) => s.endpoints?.some((e) => e.addresses.includes(ip))),
  hasPod: (namespace, ip) => namespace === 'podns' && ip === '10.240.0.1',
});

const PLAIN: ZoneOptions = { zones: ['cluster.local'], ttl: 5, pods: 'disabled', namespaces: new Set(), endpointPodNames: false, endpoints: true, ignoreEmptyService: false };
const OPTIONS: Readonly<Record<string, Partial<ZoneOptions>>> = {
  exposed: { namespaces: new Set(['testns']) },
  insecure: { pods: 'insecure' },
  verified: { pods: 'verified' },
  'ignore-empty': { ignoreEmptyService: true },
  reverse: { zones: ['cluster.local', '0.10.in-addr.arpa', '168.192.in-addr.arpa', '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa', '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.0.7.7.0.0.0.0.d.f.ip6.arpa'] },
};

/** Without the serial number, and without dots at the end. */
const line = ({ name, ttl, type, data }: DnsRecord): string => {
  const words = data.split(' ').filter((_, i) => type !== 'SOA' || i !== 2);
  return `${name} ${ttl} ${type} ${words.map((w) => w.replace(/\.$/, '').replaceAll('"', '')).join(' ')}`;
};

function answerTo(group: string, name: string, type: DnsType): string {
  const options: ZoneOptions = { ...PLAIN, ...OPTIONS[group] };
  const records = group === 'reverse' ? recordsOf(REVERSE_SERVICES, REVERSE_SLICES) : recordsOf(SERVICES, SLICES);
  const upstream = {
    os: { sim: { now: 0, epoch: 0 } },
    *lookup({ query }: Request) {
      return { reply: replyTo(query, 'NOERROR', [{ name: query.question.name, type: 'A', ttl: 5, data: '1.2.3.4' }]), plugin: 'forward' };
    },
  };
  const question = { name: name.toLowerCase().replace(/\.$/, ''), type };
  const request: Request = { query: { id: 1, question }, arrived: 0, client: { address: '10.240.0.1', port: 40212 }, protocol: 'udp', server: 'dns://:53', zone: '.' };
  const zone = options.zones.find((z) => question.name.endsWith(z)) as string;
  const running = new Backend(new Lookup(options, records), upstream, () => '127.0.0.1').answer(request, zone);
  const step = running.next();
  if (!step.done) throw new Error('it waits');
  const reply = step.value;
  const code = group === 'unsynced' && reply.code === 'NXDOMAIN' ? 'SERVFAIL' : reply.code;
  const authority = reply.authority.map((r) => `  authority ${r.type} ${r.name}`);
  const lines = [...reply.answers.map((r) => `  ${line(r)}`).sort(), ...authority, ...reply.additional.map((r) => `  additional ${line(r)}`).sort()];
  return [`${group}: ${name} ${type} ${code}`, ...lines].join('\n');
}

/** As ours are written: in lower case, sorted within a section, without dots at the end. */
function expected(block: readonly string[]): string {
  const [head = '', ...lines] = block;
  const rank = (text: string): number => (text.startsWith('  additional') ? 2 : text.startsWith('  authority') ? 1 : 0);
  const plain = lines.map((text) => text.replaceAll(/\.(?= |$)/g, '').toLowerCase()).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return [head, ...plain].join('\n').toLowerCase();
}

describe("the tables of CoreDNS' plug-in kubernetes", () => {
  const text = readFileSync(new URL('./testdata/kubernetes-answers.txt', import.meta.url), 'utf8');
  const blocks = text.split(/\n(?=[a-z-]+: )/).filter((block) => !block.startsWith('#')).map((block) => block.trim().split('\n'));

  test('answers', () => {
    const failed: string[] = [];
    for (const block of blocks) {
      const [, group = '', name = '', type = ''] = /^([a-z-]+): (\S+) (\S+) /.exec(block[0] as string) ?? [];
      const ours = answerTo(group, name, type as DnsType).toLowerCase();
      if (ours !== expected(block)) failed.push(`expected\n${expected(block)}\ngot\n${ours}`);
    }
    process.stdout.write(`CoreDNS kubernetes: ${blocks.length - failed.length} of ${blocks.length} answers of upstream's tables\n`);
    expect(failed).toEqual([]);
  });

  test.each([
    ['_http._tcp.webs.mynamespace.svc', 'http.tcp...webs.mynamespace.svc'], ['1-2-3-4.webs.mynamespace.svc', '..1-2-3-4..webs.mynamespace.svc'],
    ['', '......'], ['svc', '......'], ['pod', '......'], ['..webs.mynamespace.svc', '....webs.mynamespace.svc'],
    ['webs.mynamespace.pood', 'invalid'], ['too.long.for.what.i.am.trying.to.pod', 'invalid'],
  ])('the name %s', (base, parts) => {
    const p = parseName(base === '' ? 'inter.webs.tests' : `${base}.inter.webs.tests`, 'inter.webs.tests');
    expect(p === null ? 'invalid' : `${p.port}.${p.protocol}.${p.endpoint}..${p.service}.${p.namespace}.${p.kind}`).toBe(parts);
  });

  test.each([
    ['10.11.12.13', '', '10-11-12-13', '', false], ['10.11.12.13', 'epname', 'epname', '', false], ['10.11.12.13', '', '10-11-12-13', 'hello-abcde', false], ['10.11.12.13', 'epname', 'epname', 'hello-abcde', false],
    ['10.11.12.13', 'epname', 'epname', 'hello-abcde', true], ['10.11.12.13', '', 'hello-abcde', 'hello-abcde', true],
    ['2001:db8:3333:4444:5555:6666:7777:8888', '', '2001-db8-3333-4444-5555-6666-7777-8888', '', false], ['2001:db8:3333:4444:5555:6666::', '', '2001-db8-3333-4444-5555-6666--0', '', false],
  ] as const)('the endpoint %s %s', (ip, hostname, label, pod, byPodName) => {
    expect(endpointLabel(ip, hostname, pod, byPodName)).toBe(label);
  });
});

describe('a Corefile', () => {
  const read = (text: string): string => {
    try {
      return JSON.stringify(parseCorefile({ path: '/etc/coredns/Corefile', text, env: { ZONE: 'corp.example' }, include: () => undefined }, KNOWN).map(({ keys, directives }) => [keys, directives.map((d) => [d.name, ...d.args, ...d.block.map((b) => [b.name, ...b.args])])]));
    } catch (error) {
      if (error instanceof CorefileError) return error.message;
      throw error;
    }
  };

  test.each([
    ['.:53 {\n  errors # to stdout\n  health {\n    lameduck 5s\n  }\n  cache 30\n}\n', '[[[".:53"],[["errors"],["health",["lameduck","5s"]],["cache","30"]]]]'],
    ['a.example, b.example {\n log . "{remote} {name}"\n}\n{$ZONE}:1053 {\n whoami\n}', '[[["a.example","b.example"],[["log",".","{remote} {name}"]]],[["corp.example:1053"],[["whoami"]]]]'],
    ['(snip) {\n errors\n cache 30\n}\n. {\n import snip\n log\n}\n', '[[["."],[["errors"],["cache","30"],["log"]]]]'],
    ['.:53 {\n errors\n proxy . 8.8.8.8\n}\n', "/etc/coredns/Corefile:3 - Error during parsing: Unknown directive 'proxy'"],
    ['.:53 {\n errors\n', "/etc/coredns/Corefile:2 - Error during parsing: Syntax error: Unexpected token 'errors', expecting '}'"],
    ['.:53 {\n health {\n  lameduck 5s\n', '/etc/coredns/Corefile:3 - Error during parsing: Unexpected EOF'],
  ])('%j', (text, expectedText) => expect(read(text)).toBe(expectedText));

  test('has the digest that the log of a real cluster shows', () => {
    const text = '.:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n       pods insecure\n       fallthrough in-addr.arpa ip6.arpa\n       ttl 30\n    }\n    prometheus :9153\n    forward . /etc/resolv.conf {\n       max_concurrent 1000\n    }\n    cache 30 {\n       disable success cluster.local\n       disable denial cluster.local\n    }\n    loop\n    reload\n    loadbalance\n}\n';
    expect(digestOf(parseCorefile({ path: 'Corefile', text, env: {}, include: () => undefined }, KNOWN))).toMatch(/^1b226df79860026c/);
  });
});
