// Evaluation of chains: the index gives what reading rule by rule gives; matches one by one; a NodePort; iproute2's views.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CompiledChain, compileChain, evaluate, type MatchContext } from './compile.ts';
import { formatConntrack } from './conntrack.ts';
import type { Interface } from './device.ts';
import { formatIp, parseCidr, parseIp } from './ip.ts';
import { formatAddresses, formatFdb, formatNeighbours, formatRoutes } from './iproute.ts';
import { type Chain, deleteRule, ensureChain, ensureRule, Netfilter, replaceTables, type Rule } from './netfilter.ts';
import { dial, listen } from './socket.ts';
import { type Node, serviceRules, Testbed } from './testbed.ts';
import { walk } from './walk.ts';

const base: MatchContext = {
  src: '10.244.1.5', srcInt: parseIp('10.244.1.5'), dst: '10.96.0.1', dstInt: parseIp('10.96.0.1'), protocol: 'tcp', sport: 40_000, dport: 80,
  mark: 0, inInterface: 'cni0', outInterface: 'eth0', ctState: 'NEW', ctDnat: false,
  isLocal: (a) => a === '192.168.66.21', choose: () => 0.5, recentlySeen: () => false, noteSeen: () => undefined,
};

test('each match', () => {
  const hits = (rule: Omit<Rule, 'target'>, c: Partial<MatchContext> = {}): boolean =>
    evaluate(new Netfilter(), 'filter', compileChain({ name: 'X', rules: [{ ...rule, target: { kind: 'accept' } }] }), { ...base, ...c }, null) !== null;
  const cases: [boolean, Omit<Rule, 'target'>][] = [
    [true, {}],
    [true, { source: '10.244.0.0/16' }], [false, { source: '10.245.0.0/16' }], [false, { notSource: '10.244.0.0/16' }],
    [true, { destination: '10.96.0.1' }], [false, { destination: '10.96.0.2/32' }], [true, { notDestination: '10.96.0.2' }],
    [true, { protocol: 'tcp', destinationPort: 80 }], [false, { protocol: 'udp' }], [false, { protocol: 'tcp', sourcePort: 1 }],
    [true, { inInterface: 'cni+' }], [false, { notInInterface: 'cni0' }], [false, { outInterface: 'eth1' }], [true, { notOutInterface: 'lo' }],
    [false, { destinationType: 'LOCAL' }], [true, { notDestinationType: 'LOCAL' }], [false, { sourceType: 'LOCAL' }],
    [false, { mark: { value: 0x4000, mask: 0x4000 } }], [true, { mark: { value: 0x4000, mask: 0x4000, not: true } }],
    [true, { ctState: ['NEW'] }], [false, { ctState: ['ESTABLISHED', 'RELATED'] }], [false, { ctStatus: 'DNAT' }],
    [true, { probability: 0.51 }], [false, { probability: 0.5 }],
    [false, { recent: { action: 'check', name: 'x' } }], [true, { recent: { action: 'set', name: 'x' } }],
  ];
  expect(cases.filter(([expected, rule]) => hits(rule) !== expected)).toEqual([]);
});

test('the index decides as reading rule by rule does', () => {
  const address = fc.nat(4).map((n) => `10.96.0.${n}`);
  const rule = fc.record({ destination: fc.option(address, { nil: undefined }), destinationPort: fc.option(fc.nat(3), { nil: undefined }), accept: fc.boolean() });
  fc.assert(
    fc.property(fc.array(rule, { minLength: 6, maxLength: 30 }), address, fc.nat(3), (rules, dst, dport) => {
      const chain: Chain = {
        name: 'X',
        rules: rules.map((r, i): Rule => ({
          ...(r.destination === undefined ? {} : { destination: r.destination }),
          ...(r.destinationPort === undefined ? {} : { protocol: 'tcp', destinationPort: r.destinationPort }),
          target: r.accept ? { kind: 'dnat', address: '1.1.1.1', port: i } : { kind: 'mark', value: 0, mask: 0 },
        })),
      };
      const c = { ...base, dst, dstInt: parseIp(dst), dport };
      const indexed = compileChain(chain);
      const plain: CompiledChain = { ...indexed, byAddress: null };
      expect(evaluate(new Netfilter(), 'nat', indexed, c, null)).toEqual(evaluate(new Netfilter(), 'nat', plain, c, null));
    }),
  );
});

test('a NodePort on another node than the backend’s: masqueraded, so that the answer comes back the same way', () => {
  const t = new Testbed(3);
  const [a, b, c] = t.nodes as [Node, Node, Node];
  const y = t.pod(b);
  const chains = serviceRules('10.96.0.20', 80, [y.address], 8080).map((chain) =>
    chain.name === 'KUBE-SERVICES' ? { ...chain, rules: [...chain.rules, { destinationType: 'LOCAL', target: { kind: 'jump', chain: 'KUBE-NODEPORTS' } } as const] } : chain,
  );
  const nodePorts: Chain = {
    name: 'KUBE-NODEPORTS',
    rules: [
      { protocol: 'tcp', destinationPort: 30_080, target: { kind: 'jump', chain: 'KUBE-MARK-MASQ' } },
      { protocol: 'tcp', destinationPort: 30_080, target: { kind: 'jump', chain: 'KUBE-SVC-WEB' } },
    ],
  };
  replaceTables(a.host, { nat: { chains: [...chains, nodePorts] } });
  t.run(y.netns, 'web', function* (os) {
    const connection = yield* listen(os, 8080).accept();
    t.log.push(`from ${connection?.remote.address}`);
    connection?.send('hello');
    yield* os.sleep(1_000);
  });
  t.run(c.host, 'browser', function* (os) {
    const connection = yield* dial(os, '192.168.66.21', 30_080);
    t.log.push(`${String(yield* connection.receive())} from ${connection.remote.address}:${connection.remote.port}`);
  });
  t.sim.runUntil(1_000_000);
  expect(t.log).toEqual(['from 10.244.0.0', 'hello from 192.168.66.21:30080']);
  expect(formatConntrack(a.host.conntrack, t.sim.now).replace(/port=[3-6]\d{4}/g, 'port=N').replace(/dport=\d+ \[A/, 'dport=N [A')).toMatchInlineSnapshot(`
    "tcp      6 120 TIME_WAIT src=192.168.66.23 dst=192.168.66.21 sport=N dport=N src=10.244.1.2 dst=10.244.0.0 sport=8080 dport=N [ASSURED] mark=0 use=1
    udp      17 30 src=192.168.66.21 dst=192.168.66.22 sport=N dport=8472 [UNREPLIED] src=192.168.66.22 dst=192.168.66.21 sport=8472 dport=N mark=0 use=1
    udp      17 30 src=192.168.66.22 dst=192.168.66.21 sport=N dport=8472 [UNREPLIED] src=192.168.66.21 dst=192.168.66.22 sport=8472 dport=N mark=0 use=1
    "
  `);
  expect(walk(c.host, { src: '192.168.66.23', dst: '192.168.66.21', protocol: 'tcp', sport: 1_234, dport: 30_081 }).process).toBeUndefined();
});

test('iptables -A, -I, -D', () => {
  const { host } = new Testbed(1).nodes[0] as Node;
  const rule: Rule = { source: '10.244.0.0/16', target: { kind: 'jump', chain: 'MINE' } };
  ensureChain(host, 'filter', 'MINE');
  expect(ensureRule(host, 'filter', 'FORWARD', rule)).toBe(true);
  expect(ensureRule(host, 'filter', 'FORWARD', { ...rule })).toBe(false);
  expect(ensureRule(host, 'filter', 'FORWARD', { target: { kind: 'accept' } }, 'prepend')).toBe(true);
  expect(host.rules.chain('filter', 'FORWARD')?.rules.map((r) => r.target.kind)).toEqual(['accept', 'jump']);
  expect(deleteRule(host, 'filter', 'FORWARD', { ...rule })).toBe(true);
  expect(deleteRule(host, 'filter', 'FORWARD', rule)).toBe(false);
  expect(() => ensureRule(host, 'filter', 'NOPE', rule)).toThrow('No chain/target/match by that name');
});

test('what ip and bridge print', () => {
  const t = new Testbed(2);
  const [a] = t.nodes as [Node];
  const x = t.pod(a);
  t.run(x.netns, 'curl', function* (os) {
    yield* dial(os, '10.244.0.1', 22);
  });
  t.sim.runUntil(1_000);
  const host = a.host;
  expect([formatRoutes(host), formatNeighbours(host), formatFdb(host.interfaces.get('flannel.1') as Interface), formatNeighbours(x.netns), formatAddresses(host)].join('\n')).toMatchInlineSnapshot(`
    "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1 
    10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink 
    192.168.66.0/24 dev eth0 proto kernel scope link src 192.168.66.21 

    10.244.0.2 dev cni0 lladdr a2:62:a2:18:00:08 REACHABLE 
    10.244.1.0 dev flannel.1 lladdr 3a:3a:0c:ac:00:06 PERMANENT 

    3a:3a:0c:ac:00:06 dst 192.168.66.22 self permanent

    10.244.0.1 dev eth0 lladdr 16:25:1f:2c:00:02 REACHABLE 

    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default 
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
        inet 127.0.0.1/8 scope host lo
           valid_lft forever preferred_lft forever
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default 
        link/ether 62:64:7e:62:00:01 brd ff:ff:ff:ff:ff:ff
        inet 192.168.66.21/24 brd 192.168.66.255 scope global eth0
           valid_lft forever preferred_lft forever
    3: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default 
        link/ether 16:25:1f:2c:00:02 brd ff:ff:ff:ff:ff:ff
        inet 10.244.0.1/24 brd 10.244.0.255 scope global cni0
           valid_lft forever preferred_lft forever
    4: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default 
        link/ether 6e:d3:c3:bf:00:03 brd ff:ff:ff:ff:ff:ff
        inet 10.244.0.0/32 scope global flannel.1
           valid_lft forever preferred_lft forever
    5: veth2@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP group default 
        link/ether 4a:65:89:e2:00:07 brd ff:ff:ff:ff:ff:ff link-netns cni-2
    "
  `);
});

test('addresses as text and as numbers', () => {
  for (const text of ['0.0.0.0', '10.244.1.5', '255.255.255.255']) expect(formatIp(parseIp(text))).toBe(text);
  for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', 'a.b.c.d', '1..2.3', '1.2.3.']) expect(parseIp(text)).toBe(-1);
  expect(() => parseCidr('10.0.0.0/33')).toThrow('invalid CIDR address: 10.0.0.0/33');
});
