// UDP through a Service (as DNS is asked), errors of a connected socket, ping.

import { expect, test } from 'vitest';
import { TIMED_OUT } from '../sim/channel.ts';
import { SECOND } from '../sim/time.ts';
import { setLink } from './switch.ts';
import { installService, type Node, serviceRules, Testbed } from './testbed.ts';
import { ping } from './echo.ts';
import { udpSocket } from './udp.ts';

test('a question to a Service is answered from the Service address', () => {
  const t = new Testbed(2);
  const [a, b] = t.nodes as [Node, Node];
  const [x, y] = [t.pod(a), t.pod(b)];
  const udp = serviceRules('10.96.0.10', 53, [y.address], 53).map((c) => ({ ...c, rules: c.rules.map((r) => (r.protocol === 'tcp' ? { ...r, protocol: 'udp' as const } : r)) }));
  installService(a, udp);
  t.run(y.netns, 'coredns', function* (os) {
    const socket = udpSocket(os, 53);
    for (let d = yield* socket.receive(); d !== undefined; d = yield* socket.receive()) socket.send(d.address, d.port, { answer: d.payload }, { from: d.to });
  });
  t.run(x.netns, 'dig', function* (os) {
    const socket = udpSocket(os, 0);
    socket.connect('10.96.0.10', 53);
    socket.send('10.96.0.10', 53, 'web');
    const got = yield* socket.receiveWithin(SECOND);
    t.log.push(got === TIMED_OUT || got === undefined ? 'nothing' : `${JSON.stringify(got.payload)} from ${got.address}:${got.port} @${os.sim.now}`);
    socket.connect('10.96.0.10', 54);
    socket.send('10.96.0.10', 54, 'nobody has that port');
    t.log.push(String(yield* socket.receiveWithin(SECOND)));
    socket.connect(y.address, 54);
    socket.send(y.address, 54, 'refused');
    yield* socket.receiveWithin(SECOND);
  });
  t.sim.runUntil(5 * SECOND);
  expect(t.log.map((l) => l.split('\n')[0])).toEqual([
    '{"answer":"web"} from 10.96.0.10:53 @560',
    'Symbol(timed out)',
    expect.stringMatching(/^dig: panic: SocketError: read udp 0\.0\.0\.0:\d+->10\.244\.1\.3:54: read: connection refused/),
  ]);
});

test('ping', () => {
  const t = new Testbed(2);
  const [a, b] = t.nodes as [Node, Node];
  const [x, y] = [t.pod(a), t.pod(b)];
  t.run(x.netns, 'ping', function* (os) {
    for (const host of [y.address, '10.244.0.1', '192.168.66.22', '10.244.0.77', '1.1.1.1']) t.log.push(`${host} ${JSON.stringify(yield* ping(os, host, 4 * SECOND))}`);
    setLink(b.machine, { up: false });
    t.log.push(`cut ${JSON.stringify(yield* ping(os, y.address))}`);
  });
  t.sim.runUntil(10 * SECOND);
  expect(t.log).toMatchInlineSnapshot(`
    [
      "10.244.1.3 {"ok":true,"rtt":560,"ttl":62}",
      "10.244.0.1 {"ok":true,"rtt":50,"ttl":64}",
      "192.168.66.22 {"ok":true,"rtt":480,"ttl":63}",
      "10.244.0.77 {"ok":false,"rtt":3070000,"reason":"Destination Host Unreachable"}",
      "1.1.1.1 {"ok":false,"rtt":50,"reason":"Destination Net Unreachable","from":"10.244.0.1"}",
      "cut {"ok":false,"rtt":0}",
    ]
  `);
});
