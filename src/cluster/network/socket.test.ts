// Sockets: dialling and its failures, messages, the end of processes, links and machines.

import { expect, test } from 'vitest';
import type { Os, Program } from '../machine/process.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { replaceTables } from './netfilter.ts';
import { iptablesSave } from '../network-tools/iptables-save.ts';
import { dial, listen, SocketError } from './socket.ts';
import { addRoute } from './route.ts';
import { setLink } from './switch.ts';
import { echoServer, installService, type Node, serviceRules, Testbed } from './testbed.ts';
import { dialUnix, listenUnix } from './unix.ts';

function bed(nodes = 2): { t: Testbed; a: Node; b: Node } {
  const t = new Testbed(nodes);
  return { t, a: t.nodes[0] as Node, b: (t.nodes[1] ?? t.nodes[0]) as Node };
}

const server =
  (port: number): Program =>
  (os) =>
    echoServer(os, listen(os, port));

/** Runs `body`; notes what it ends with and when. */
function note(t: Testbed, name: string, body: (os: Os) => Generator<undefined, unknown, unknown>): Program {
  return function* (os) {
    try {
      const got = yield* body(os);
      t.log.push(`${name}: ${String(got)} @${os.sim.now}`);
    } catch (error) {
      t.log.push(`${name}: ${error instanceof SocketError ? `${error.code} ${error.message}` : String(error)} @${os.sim.now}`);
    }
  };
}

test('a Service connection over VXLAN: addresses as each side sees them, one round trip to connect, one to ask', () => {
  const { t, a, b } = bed();
  const [x, y] = [t.pod(a), t.pod(b)];
  installService(a, serviceRules('10.96.0.20', 80, [y.address], 8080));
  t.run(y.netns, 'web', server(8080));
  t.run(x.netns, 'curl', note(t, 'curl', function* (os) {
    const c = yield* dial(os, '10.96.0.20', 80);
    const connected = os.sim.now;
    c.send('GET');
    const answer = yield* c.receive();
    c.close();
    return `${answer} via ${c.remote.address}:${c.remote.port} connected @${connected}`;
  }));
  t.sim.runUntil(SECOND);
  expect(t.log).toEqual(['curl: web got GET via 10.96.0.20:80 connected @560 @1120']);
  expect(a.host.conntrack.list(t.sim.now).filter((e) => e.protocol === 'tcp').map((e) => [e.original.dst, e.reply.src, e.state])).toEqual([['10.96.0.20', y.address, 'TIME_WAIT']]);
  t.sim.runUntil(3 * MINUTE);
  expect(a.host.conntrack.list(t.sim.now)).toEqual([]);
});

test('a process of the host reaches Services: a Pod on another node, a Pod on its own, a server on the host itself', () => {
  const { t, a, b } = bed();
  for (const [i, backend] of [t.pod(b), t.pod(a), { netns: a.host, address: '192.168.66.21' }].entries()) {
    const clusterIp = `10.96.0.${20 + i}`;
    addRoute(a.host, { destination: clusterIp, device: a.eth0 });
    installService(a, serviceRules(clusterIp, 443, [backend.address], 6443));
    t.run(backend.netns, `web${i}`, server(6443));
    t.run(a.host, `curl${i}`, note(t, `curl${i}`, function* (os) {
      const c = yield* dial(os, clusterIp, 443);
      c.send('GET');
      return `${yield* c.receive()} from ${c.remote.address}:${c.remote.port}`;
    }));
    t.sim.runUntil((i + 1) * SECOND);
  }
  expect(t.log.map((l) => l.split(' @')[0])).toEqual([0, 1, 2].map((i) => `curl${i}: web${i} got GET from 10.96.0.${20 + i}:443`));
});

test('how dialling fails', () => {
  const { t, a, b } = bed();
  const [x, y] = [t.pod(a), t.pod(b)];
  replaceTables(b.host, { filter: { chains: [{ name: 'FORWARD', rules: [{ destination: y.address, protocol: 'tcp', destinationPort: 81, target: { kind: 'drop' } }, { destination: y.address, protocol: 'tcp', destinationPort: 82, target: { kind: 'reject' } }] }] } });
  const tries: [string, string, number, number | undefined][] = [
    ['nobody listens', y.address, 80, undefined],
    ['DROP', y.address, 81, undefined],
    ['DROP, with a deadline', y.address, 81, 5 * SECOND],
    ['REJECT', y.address, 82, undefined],
    ['no such pod', '10.244.1.99', 80, undefined],
    ['no route', '8.8.8.8', 80, undefined],
    ['no such neighbour', '10.244.0.99', 80, undefined],
  ];
  for (const [name, host, port, timeout] of tries) t.run(x.netns, name, note(t, name, (os) => dial(os, host, port, timeout === undefined ? {} : { timeout })));
  t.sim.runUntil(5 * MINUTE);
  expect(t.log.sort()).toMatchInlineSnapshot(`
    [
      "DROP, with a deadline: ETIMEDOUT dial tcp 10.244.1.3:81: i/o timeout @5000000",
      "DROP: ETIMEDOUT dial tcp 10.244.1.3:81: connect: connection timed out @127000000",
      "REJECT: ECONNREFUSED dial tcp 10.244.1.3:82: connect: connection refused @510",
      "no route: ENETUNREACH dial tcp 8.8.8.8:80: connect: network is unreachable @50",
      "no such neighbour: EHOSTUNREACH dial tcp 10.244.0.99:80: connect: no route to host @3070000",
      "no such pod: EHOSTUNREACH dial tcp 10.244.1.99:80: connect: no route to host @3070510",
      "nobody listens: ECONNREFUSED dial tcp 10.244.1.3:80: connect: connection refused @560",
    ]
  `);
});

test('a SYN is sent again: dialling survives a link that comes back', () => {
  const { t, a, b } = bed();
  const [x, y] = [t.pod(a), t.pod(b)];
  t.run(y.netns, 'web', server(80));
  t.sim.runUntil(1);
  setLink(b.machine, { up: false });
  t.run(x.netns, 'curl', note(t, 'curl', function* (os) {
    const c = yield* dial(os, y.address, 80);
    return c.remote.address;
  }));
  t.sim.after(5 * SECOND, () => setLink(b.machine, { up: true }));
  t.sim.runUntil(20 * SECOND);
  expect(t.log).toEqual([`curl: ${y.address} @${7 * SECOND + 1 + 560}`]);
});

test('a process that ends closes its sockets; a machine without power says nothing', () => {
  const { t, a, b } = bed();
  const client = t.pod(a);
  const pods = [t.pod(b), t.pod(b)];
  const servers = pods.map((p, i) => t.run(p.netns, `web${i}`, server(80)));
  for (const [i, p] of pods.entries()) {
    t.run(client.netns, `curl${i}`, note(t, `curl${i}`, function* (os) {
      const c = yield* dial(os, p.address, 80);
      return yield* c.receive();
    }));
  }
  t.sim.runUntil(SECOND);
  servers[0]?.kill('SIGKILL');
  t.sim.runUntil(2 * SECOND);
  expect(t.log).toEqual(['curl0: undefined @1000280']);
  b.machine.powerOff();
  t.sim.runUntil(10 * MINUTE);
  // keep-alive: 15 s idle, nine probes 15 s apart
  expect(t.log[1]).toMatch(/^curl1: ETIMEDOUT read tcp 10\.244\.0\.2:\d+->10\.244\.1\.4:80: read: connection timed out @150000280$/);
});

test('what is sent while a link is cut arrives when it is mended, in order', () => {
  const { t, a, b } = bed();
  const [x, y] = [t.pod(a), t.pod(b)];
  t.run(y.netns, 'web', server(80));
  t.run(x.netns, 'curl', note(t, 'curl', function* (os) {
    const c = yield* dial(os, y.address, 80);
    setLink(b.machine, { up: false });
    c.send('one');
    c.send('two');
    os.sim.after(SECOND, () => setLink(b.machine, { up: true }));
    return `${yield* c.receive()}, ${yield* c.receive()}`;
  }));
  t.sim.runUntil(MINUTE);
  // retransmissions after 0.2, 0.6, 1.4 s
  expect(t.log).toEqual([`curl: web got one, web got two @${560 + 1_400_000 + 560}`]);
});

test('ports: taken, bound to one address, free again', () => {
  const { t, a } = bed(1);
  const p = t.pod(a);
  t.run(p.netns, 'web', note(t, 'web', function* (os) {
    const first = listen(os, 80, { address: '127.0.0.1' });
    listen(os, 80, { address: p.address });
    first.close();
    listen(os, 80, { address: '127.0.0.1' });
    yield* os.sleep(0);
    return listen(os, 80).port;
  }));
  t.sim.runUntil(SECOND);
  t.run(p.netns, 'again', note(t, 'again', function* (os) {
    yield* os.sleep(0);
    return listen(os, 80).port;
  }));
  t.sim.runUntil(2 * SECOND);
  expect(t.log).toEqual(['web: EADDRINUSE listen tcp :80: bind: address already in use @0', `again: 80 @${SECOND}`]);
});

test('unix sockets are files', () => {
  const { t, a } = bed(1);
  const path = '/run/containerd/containerd.sock';
  const ask = note(t, 'kubelet', function* (os) {
    const c = yield* dialUnix(os, path);
    c.send('Version');
    return yield* c.receive();
  });
  t.run(a.host, 'kubelet', ask);
  t.sim.runUntil(SECOND);
  const containerd = t.run(a.host, 'containerd', (os) => echoServer(os, listenUnix(os, path)));
  t.sim.runUntil(2 * SECOND);
  t.run(a.host, 'kubelet', ask);
  t.sim.runUntil(3 * SECOND);
  containerd.kill('SIGKILL');
  t.run(a.host, 'kubelet', ask);
  t.sim.runUntil(4 * SECOND);
  expect(t.log).toEqual([
    `kubelet: ENOENT dial unix ${path}: connect: no such file or directory @0`,
    `kubelet: containerd got Version @${2 * SECOND + 45}`,
    `kubelet: ECONNREFUSED dial unix ${path}: connect: connection refused @${3 * SECOND}`,
  ]);
});

test('iptables-save', () => {
  const { a } = bed(1);
  installService(a, serviceRules('10.96.0.20', 80, ['10.244.0.2', '10.244.0.3'], 8080));
  expect(iptablesSave(a.host)).toMatchInlineSnapshot(`
    "# Generated by iptables-save v1.8.9 (nf_tables) on Mon May  4 01:00:00 2026
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    :FLANNEL-POSTRTG - [0:0]
    :KUBE-MARK-MASQ - [0:0]
    :KUBE-POSTROUTING - [0:0]
    :KUBE-SEP-10.96.0.20-0 - [0:0]
    :KUBE-SEP-10.96.0.20-1 - [0:0]
    :KUBE-SERVICES - [0:0]
    :KUBE-SVC-WEB - [0:0]
    -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
    -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
    -A FLANNEL-POSTRTG -s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN
    -A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully
    -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
    -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
    -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
    -A KUBE-POSTROUTING -j MASQUERADE --random-fully
    -A KUBE-SEP-10.96.0.20-0 -s 10.244.0.2/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
    -A KUBE-SEP-10.96.0.20-0 -p tcp -m comment --comment "default/web" -j DNAT --to-destination 10.244.0.2:8080
    -A KUBE-SEP-10.96.0.20-1 -s 10.244.0.3/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
    -A KUBE-SEP-10.96.0.20-1 -p tcp -m comment --comment "default/web" -j DNAT --to-destination 10.244.0.3:8080
    -A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-WEB
    -A KUBE-SVC-WEB ! -s 10.244.0.0/16 -d 10.96.0.20/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
    -A KUBE-SVC-WEB -m comment --comment "default/web" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-10.96.0.20-0
    -A KUBE-SVC-WEB -m comment --comment "default/web" -j KUBE-SEP-10.96.0.20-1
    COMMIT
    # Completed on Mon May  4 01:00:00 2026
    "
  `);
});
