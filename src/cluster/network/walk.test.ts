// Transcripts of walks over a flannel cluster's tables.

import { expect, test } from 'vitest';
import { deleteInterface } from './device.ts';
import { replaceTables } from './netfilter.ts';
import type { Netns } from './netns.ts';
import type { Packet } from './packet.ts';
import { deleteFdbEntry, deleteNeighbour, deleteRoute } from './route.ts';
import { setLink } from './switch.ts';
import { installService, type Node, serviceRules, Testbed } from './testbed.ts';
import { track, walk, walkBack, type WalkTrace } from './walk.ts';

const tcp = (src: string, dst: string, dport = 80, sport = 40_000): Packet => ({ src, dst, protocol: 'tcp', sport, dport });
const show = (p: Packet): string => `${p.src}:${p.sport}>${p.dst}:${p.dport}${p.outer === undefined ? '' : ` in ${p.outer.src}>${p.outer.dst}`}`;

function transcript(result: WalkTrace): string[] {
  const out = result.hops.map((h) => {
    const where = `${h.machine}/${h.netns}${h.interface === undefined ? '' : `/${h.interface}`}`;
    const why = [h.table, h.rule].filter((x) => x !== undefined).join(' ');
    return [where, h.action, why, show(h.after)].filter((x) => x !== '').join(' | ');
  });
  return [...out, `${result.delivered ? 'delivered' : result.reason} after ${result.latency} µs`];
}

function go(from: Netns, packet: Packet): string[] {
  return transcript(walk(from, packet));
}

const [W1, W2] = [0, 1];
const bed = (n = 2): { bed: Testbed; a: Node; b: Node } => {
  const t = new Testbed(n);
  return { bed: t, a: t.nodes[W1] as Node, b: t.nodes[W2] as Node };
};

test('same pod: over lo', () => {
  const { bed: t, a } = bed(1);
  const pod = t.pod(a);
  expect(go(pod.netns, tcp('127.0.0.1', '127.0.0.1'))).toMatchInlineSnapshot(`
    [
      "worker-1/cni-2 | send | 127.0.0.1:40000>127.0.0.1:80",
      "worker-1/cni-2 | deliver | 127.0.0.1:40000>127.0.0.1:80",
      "delivered after 30 µs",
    ]
  `);
});

test('same node: over the bridge', () => {
  const { bed: t, a } = bed(1);
  const [x, y] = [t.pod(a), t.pod(a)];
  expect(go(x.netns, tcp(x.address, y.address))).toMatchInlineSnapshot(`
    [
      "worker-1/cni-2 | send | 10.244.0.2:40000>10.244.0.3:80",
      "worker-1/cni-2/eth0 | route | main 10.244.0.0/24 dev eth0 | 10.244.0.2:40000>10.244.0.3:80",
      "worker-1/cni-2/eth0 | transmit | peer host/veth2 | 10.244.0.2:40000>10.244.0.3:80",
      "worker-1/host/cni0 | bridge | port veth3 | 10.244.0.2:40000>10.244.0.3:80",
      "worker-1/cni-3 | deliver | 10.244.0.2:40000>10.244.0.3:80",
      "delivered after 50 µs",
    ]
  `);
});

test('another node: VXLAN', () => {
  const { bed: t, a, b } = bed();
  const [x, y] = [t.pod(a), t.pod(b)];
  expect(go(x.netns, tcp(x.address, y.address))).toMatchInlineSnapshot(`
    [
      "worker-1/cni-2 | send | 10.244.0.2:40000>10.244.1.3:80",
      "worker-1/cni-2/eth0 | route | main default via 10.244.0.1 dev eth0 | 10.244.0.2:40000>10.244.1.3:80",
      "worker-1/cni-2/eth0 | transmit | peer host/veth2 | 10.244.0.2:40000>10.244.1.3:80",
      "worker-1/host/flannel.1 | route | main 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink | 10.244.0.2:40000>10.244.1.3:80",
      "worker-1/host/flannel.1 | neighbour | 10.244.1.0 lladdr 3a:3a:0c:ac:00:06 PERMANENT | 10.244.0.2:40000>10.244.1.3:80",
      "worker-1/host/flannel.1 | encapsulate | 3a:3a:0c:ac:00:06 dst 192.168.66.22 | 10.244.0.2:40000>10.244.1.3:80 in 192.168.66.21>192.168.66.22",
      "worker-1/host | send | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-1/host/eth0 | route | main 192.168.66.0/24 dev eth0 | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-1/host/eth0 | transmit | 192.168.66.22 lladdr 8e:84:07:bf:00:04 | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-2/host | deliver | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-2/host/flannel.1 | decapsulate | 10.244.0.2:40000>10.244.1.3:80",
      "worker-2/host/cni0 | route | main 10.244.1.0/24 dev cni0 | 10.244.0.2:40000>10.244.1.3:80",
      "worker-2/host/cni0 | bridge | port veth3 | 10.244.0.2:40000>10.244.1.3:80",
      "worker-2/cni-3 | deliver | 10.244.0.2:40000>10.244.1.3:80",
      "delivered after 280 µs",
    ]
  `);
});

test('a Service: DNAT on the way there, undone on the way back', () => {
  const { bed: t, a, b } = bed();
  const [x, y] = [t.pod(a), t.pod(b)];
  installService(a, serviceRules('10.96.0.20', 80, [y.address], 8080));
  const there = walk(x.netns, tcp(x.address, '10.96.0.20'));
  expect(transcript(there)).toMatchInlineSnapshot(`
    [
      "worker-1/cni-2 | send | 10.244.0.2:40000>10.96.0.20:80",
      "worker-1/cni-2/eth0 | route | main default via 10.244.0.1 dev eth0 | 10.244.0.2:40000>10.96.0.20:80",
      "worker-1/cni-2/eth0 | transmit | peer host/veth2 | 10.244.0.2:40000>10.96.0.20:80",
      "worker-1/host | nat | nat/PREROUTING -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES | 10.244.0.2:40000>10.96.0.20:80",
      "worker-1/host | nat | nat/KUBE-SERVICES -A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-WEB | 10.244.0.2:40000>10.96.0.20:80",
      "worker-1/host | nat | nat/KUBE-SVC-WEB -A KUBE-SVC-WEB -m comment --comment "default/web" -j KUBE-SEP-10.96.0.20-0 | 10.244.0.2:40000>10.96.0.20:80",
      "worker-1/host | nat | nat/KUBE-SEP-10.96.0.20-0 -A KUBE-SEP-10.96.0.20-0 -p tcp -m comment --comment "default/web" -j DNAT --to-destination 10.244.1.3:8080 | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-1/host/flannel.1 | route | main 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-1/host | nat | nat/POSTROUTING -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-1/host | nat | nat/POSTROUTING -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-1/host/flannel.1 | neighbour | 10.244.1.0 lladdr 3a:3a:0c:ac:00:06 PERMANENT | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-1/host/flannel.1 | encapsulate | 3a:3a:0c:ac:00:06 dst 192.168.66.22 | 10.244.0.2:40000>10.244.1.3:8080 in 192.168.66.21>192.168.66.22",
      "worker-1/host | send | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-1/host/eth0 | route | main 192.168.66.0/24 dev eth0 | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-1/host | nat | nat/OUTPUT -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-1/host | nat | nat/POSTROUTING -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-1/host | nat | nat/POSTROUTING -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-1/host/eth0 | transmit | 192.168.66.22 lladdr 8e:84:07:bf:00:04 | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-2/host | deliver | 192.168.66.21:32771>192.168.66.22:8472 in 192.168.66.21>192.168.66.22",
      "worker-2/host/flannel.1 | decapsulate | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-2/host/cni0 | route | main 10.244.1.0/24 dev cni0 | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-2/host/cni0 | bridge | port veth3 | 10.244.0.2:40000>10.244.1.3:8080",
      "worker-2/cni-3 | deliver | 10.244.0.2:40000>10.244.1.3:8080",
      "delivered after 280 µs",
    ]
  `);
  track(there, 0);
  const back = walk(y.netns, { src: y.address, dst: x.address, protocol: 'tcp', sport: 8080, dport: there.packet.sport });
  expect(transcript(back)).toMatchInlineSnapshot(`
    [
      "worker-2/cni-3 | send | 10.244.1.3:8080>10.244.0.2:40000",
      "worker-2/cni-3/eth0 | route | main default via 10.244.1.1 dev eth0 | 10.244.1.3:8080>10.244.0.2:40000",
      "worker-2/cni-3/eth0 | transmit | peer host/veth3 | 10.244.1.3:8080>10.244.0.2:40000",
      "worker-2/host/flannel.1 | route | main 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink | 10.244.1.3:8080>10.244.0.2:40000",
      "worker-2/host/flannel.1 | neighbour | 10.244.0.0 lladdr 6e:d3:c3:bf:00:03 PERMANENT | 10.244.1.3:8080>10.244.0.2:40000",
      "worker-2/host/flannel.1 | encapsulate | 6e:d3:c3:bf:00:03 dst 192.168.66.21 | 10.244.1.3:8080>10.244.0.2:40000 in 192.168.66.22>192.168.66.21",
      "worker-2/host | send | 192.168.66.22:32771>192.168.66.21:8472 in 192.168.66.22>192.168.66.21",
      "worker-2/host/eth0 | route | main 192.168.66.0/24 dev eth0 | 192.168.66.22:32771>192.168.66.21:8472 in 192.168.66.22>192.168.66.21",
      "worker-2/host/eth0 | transmit | 192.168.66.21 lladdr 62:64:7e:62:00:01 | 192.168.66.22:32771>192.168.66.21:8472 in 192.168.66.22>192.168.66.21",
      "worker-1/host | nat | nat/PREROUTING -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES | 192.168.66.22:32771>192.168.66.21:8472 in 192.168.66.22>192.168.66.21",
      "worker-1/host | deliver | 192.168.66.22:32771>192.168.66.21:8472 in 192.168.66.22>192.168.66.21",
      "worker-1/host/flannel.1 | decapsulate | 10.244.1.3:8080>10.244.0.2:40000",
      "worker-1/host/cni0 | route | main 10.244.0.0/24 dev cni0 | 10.244.1.3:8080>10.244.0.2:40000",
      "worker-1/host | conntrack | conntrack tcp      6 120 SYN_SENT src=10.244.0.2 dst=10.96.0.20 sport=40000 dport=80 [UNREPLIED] src=10.244.1.3 dst=10.244.0.2 sport=8080 dport=40000 mark=0 use=1 | 10.96.0.20:80>10.244.0.2:40000",
      "worker-1/host/cni0 | bridge | port veth2 | 10.96.0.20:80>10.244.0.2:40000",
      "worker-1/cni-2 | deliver | 10.96.0.20:80>10.244.0.2:40000",
      "delivered after 280 µs",
    ]
  `);
});

test('a Service whose backend is on the same node: the answer is translated as it passes the bridge', () => {
  const { bed: t, a } = bed(1);
  const [x, y] = [t.pod(a), t.pod(a)];
  installService(a, serviceRules('10.96.0.20', 80, [y.address], 8080));
  const there = walk(x.netns, tcp(x.address, '10.96.0.20'), { live: true });
  expect(show(there.packet)).toBe(`${x.address}:40000>${y.address}:8080`);
  track(there, 0);
  const answer: Packet = { src: y.address, dst: x.address, protocol: 'tcp', sport: 8080, dport: 40_000 };
  expect(show(walk(y.netns, answer).packet)).toBe(`10.96.0.20:80>${x.address}:40000`);
  a.host.bridgeCallsIptables = false; // the classic: the client sees an answer from a stranger
  expect(show(walk(y.netns, answer).packet)).toBe(`${y.address}:8080>${x.address}:40000`);
});

test('hairpin: a Pod that reaches itself through its Service is masqueraded', () => {
  const { bed: t, a } = bed(1);
  const x = t.pod(a);
  installService(a, serviceRules('10.96.0.20', 80, [x.address], 8080));
  const there = walk(x.netns, tcp(x.address, '10.96.0.20'), { live: true });
  expect(there.delivered).toBe(true);
  expect(there.packet.src).toBe('10.244.0.1');
  track(there, 0);
  const back = walk(x.netns, { src: x.address, dst: '10.244.0.1', protocol: 'tcp', sport: 8080, dport: there.packet.sport });
  expect(show(back.packet)).toBe(`10.96.0.20:80>${x.address}:40000`);
  expect(back.netns).toBe(x.netns);
});

test('statistic rules spread connections evenly; a known connection keeps its choice', () => {
  const { bed: t, a } = bed(1);
  const x = t.pod(a);
  const backends = [t.pod(a), t.pod(a), t.pod(a)].map((p) => p.address);
  installService(a, serviceRules('10.96.0.20', 80, backends, 8080));
  const hits = new Map<string, number>();
  for (let port = 30_000; port < 33_000; port++) {
    const first = walk(x.netns, tcp(x.address, '10.96.0.20', 80, port), { live: true });
    track(first, 0);
    hits.set(first.packet.dst, (hits.get(first.packet.dst) ?? 0) + 1);
    expect(walk(x.netns, tcp(x.address, '10.96.0.20', 80, port), { live: true }).packet.dst).toBe(first.packet.dst);
  }
  for (const b of backends) expect(Math.abs((hits.get(b) ?? 0) - 1_000)).toBeLessThan(100);
});

test('every table that is missing an entry fails in its own way', () => {
  const outcome = (break_: (t: Testbed, a: Node, b: Node) => void): string => {
    const { bed: t, a, b } = bed();
    const [x, y] = [t.pod(a), t.pod(b)];
    break_(t, a, b);
    const result = walk(x.netns, tcp(x.address, y.address));
    const last = result.hops.findLast((h) => h.action !== 'drop');
    return `${result.delivered ? 'delivered' : result.reason} at ${last?.machine}/${last?.netns}`;
  };
  const drop = { policy: 'DROP', rules: [] } as const;
  const table = {
    nothing: outcome(() => undefined),
    'no route': outcome((_, a) => deleteRoute(a.host, '10.244.1.0/24')),
    'no neighbour': outcome((_, a) => deleteNeighbour(a.host, a.flannel, '10.244.1.0')),
    'no fdb entry': outcome((_, a, b) => deleteFdbEntry(a.flannel, b.flannel.mac)),
    'no vtep': outcome((_, __, b) => deleteInterface(b.flannel)),
    'no bridge': outcome((_, __, b) => deleteInterface(b.cni0)),
    'cut link': outcome((_, __, b) => setLink(b.machine, { up: false })),
    'power off': outcome((_, __, b) => b.machine.powerOff()),
    'forwarding off': outcome((_, a) => (a.host.ipForward = false)),
    'forward policy': outcome((_, __, b) => replaceTables(b.host, { filter: { chains: [{ name: 'FORWARD', ...drop }] } })),
    reject: outcome((_, a) => replaceTables(a.host, { filter: { chains: [{ name: 'FORWARD', rules: [{ destination: '10.244.1.0/24', target: { kind: 'reject' } }] }] } })),
  };
  expect(table).toMatchInlineSnapshot(`
    {
      "cut link": "no-outer-route at worker-1/host",
      "forward policy": "dropped at worker-2/host",
      "forwarding off": "not-for-us at worker-1/cni-2",
      "no bridge": "network-unreachable at worker-2/host",
      "no fdb entry": "no-fdb at worker-1/host",
      "no neighbour": "host-unreachable at worker-1/host",
      "no route": "network-unreachable at worker-1/cni-2",
      "no vtep": "no-vtep at worker-2/host",
      "nothing": "delivered at worker-2/cni-3",
      "power off": "no-outer-route at worker-1/host",
      "reject": "rejected at worker-1/host",
    }
  `);
});

test('a way that is remembered gives what a full walk gives, until a table on it changes', () => {
  const { bed: t, a } = bed();
  const pod = t.pod(a);
  installService(a, serviceRules('10.96.0.9', 80, ['10.244.0.99'], 80));
  const from = pod.netns.machine.hostNetns as Netns;
  const source = from.interfaces.get('cni0')?.primary as string;
  const send = (sport: number): { forth: WalkTrace; full: WalkTrace } => {
    const packet = tcp(source, pod.address, 80, sport);
    const full = walk(from, packet, { live: true, record: true });
    return { forth: walk(from, packet, { live: true }), full };
  };
  const same = (x: WalkTrace): unknown => ({ delivered: x.delivered, netns: x.netns?.name, packet: x.packet, latency: x.latency, visited: x.visited.map((n) => n.name), entries: x.tracked.map((e) => e.entry) });
  for (const sport of [40_001, 40_002, 40_003]) {
    const { forth, full } = send(sport);
    expect(forth.plain).toBeDefined();
    expect(same(forth)).toEqual(same(full));
    track(forth, t.sim.now);
    const back = walkBack(forth);
    expect(same(back)).toEqual(same(walk(pod.netns, back.packet, { live: true, record: true })));
  }
  replaceTables(from, { filter: { chains: [{ name: 'OUTPUT', policy: 'DROP', rules: [] }] } });
  expect(send(40_004).forth.delivered).toBe(false);
});
