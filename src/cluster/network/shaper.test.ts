// Cables that are not as they should be: what TCP and datagrams make of loss, delay, a rate and a narrow frame; the same in every run.

import { expect, test } from 'vitest';
import { MINUTE, SECOND } from '../sim/time.ts';
import { impairBetween, impairLink, impairOutput } from './impair.ts';
import type { Impairment } from './shaper.ts';
import { dial, listen, udpSocket } from './socket.ts';
import { type Node, Testbed } from './testbed.ts';

/** Sends messages from a Pod on one node to one on the other; gives when each came, in milliseconds. */
function transfer(impair: (a: Node, b: Node) => void, messages: readonly string[]): string[] {
  const t = new Testbed(2);
  const [a, b] = t.nodes as [Node, Node];
  const [x, y] = [t.pod(a), t.pod(b)];
  t.run(y.netns, 'server', function* (os) {
    const connection = yield* listen(os, 80).accept();
    for (let m = yield* connection?.receive() ?? nobody(); m !== undefined; m = yield* connection?.receive() ?? nobody()) t.log.push(`${String(m).slice(0, 2)} at ${Math.round(os.sim.now / 1000)}`);
  });
  impair(a, b);
  t.run(x.netns, 'client', function* (os) {
    try {
      const connection = yield* dial(os, y.address, 80);
      for (const message of messages) {
        connection.send(message);
        yield* os.sleep(SECOND / 10);
      }
    } catch (error) {
      t.log.push(`${(error as Error).message} at ${Math.round(os.sim.now / 1000)}`);
    }
  });
  t.sim.runUntil(5 * MINUTE);
  return t.log;
}

function* nobody(): Generator<never, undefined> {}

const cable = (impairment: Impairment) => (_: Node, b: Node): void => impairLink(b.machine, impairment);
const LARGE = `L${'x'.repeat(125_000)}`;

test('TCP over bad cables', () => {
  expect(transfer(cable({}), ['a', LARGE, 'b'])).toEqual(['a at 1', 'Lx at 101', 'b at 201']);
  expect(transfer(cable({ delay: 50_000 }), ['a', 'b'])).toEqual(['a at 151', 'b at 251']);
  // A megabit in a second and a little for the headers; what follows waits for it.
  expect(transfer(cable({ rate: 1_000_000 }), [LARGE, 'b'])).toEqual(['Lx at 1076', 'b at 1077']);
  expect(transfer(cable({ mtu: 1_400 }), ['a', LARGE, 'b'])).toEqual(['a at 1']);
  expect(transfer(cable({ blocked: [{ protocol: 'udp', port: 8472 }] }), ['a'])[0]).toMatch(/connection timed out at 127000$/);
  const lossy = transfer(cable({ loss: 0.4 }), ['a', 'b', 'c', 'd', 'e', 'f']);
  expect(lossy.map((line) => line[0])).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(transfer(cable({ loss: 0.4 }), ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual(lossy);
});

test('a queueing discipline is for one way only, a fault between two machines for nobody else', () => {
  expect(transfer((a) => impairOutput(a.eth0, { delay: 100_000 }), ['a'])).toEqual(['a at 201']);
  expect(transfer((a, b) => impairBetween(a.machine, b.machine, { delay: 100_000 }), ['a'])).toEqual(['a at 301']);
});

test('datagrams are lost as often as asked', () => {
  const t = new Testbed(2);
  const [a, b] = t.nodes as [Node, Node];
  const [x, y] = [t.pod(a), t.pod(b)];
  let came = 0;
  t.run(y.netns, 'server', function* (os) {
    udpSocket(os, 53).onDatagram = () => void came++;
    yield* os.sleep(MINUTE);
  });
  impairLink(b.machine, { loss: 0.25 });
  t.run(x.netns, 'client', function* (os) {
    const socket = udpSocket(os, 0);
    for (let i = 0; i < 1_000; i++) socket.send(y.address, 53, i);
    yield* os.sleep(SECOND);
  });
  t.sim.runUntil(2 * SECOND);
  expect(came).toBeGreaterThan(700);
  expect(came).toBeLessThan(800);
});
