// ping as busybox has it: says nothing of errors, and counts from 0.

import { ping, type PingResult } from '../../../network/echo.ts';
import { lookupHost } from '../../../network/resolver.ts';
import { netnsOf } from '../../../network/socket.ts';
import { sourceAddress } from '../../../network/walk.ts';
import { Channel, TIMED_OUT } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { type Applet, AppletError, parseFlags } from '../applet.ts';

interface Answer {
  readonly sequence: number;
  readonly result: PingResult;
}

export const busyboxPing: Applet = function* (c) {
  const flags = parseFlags(c.args, 'c:W:w:i:q4s:t:I:A');
  const { os } = c;
  const { sim } = os;
  const host = flags.rest[0] ?? '';
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) throw new AppletError(`bad address '${host}'`);
  const size = Number(flags.value('s') ?? 56);
  const count = Number(flags.value('c') ?? Number.POSITIVE_INFINITY);
  const linger = Number(flags.value('W') ?? 10) * SECOND;
  const interval = Number(flags.value('i') ?? 1) * SECOND;
  const deadline = sim.now + Number(flags.value('w') ?? Number.POSITIVE_INFINITY) * SECOND;
  const ttl = flags.value('t');
  const netns = netnsOf(os);
  yield* c.stdout.write(`PING ${host} (${address}): ${size} data bytes\n`);
  if (sourceAddress(netns, address) === null) throw new AppletError('sendto: Network unreachable');
  const id = netns.ephemeralPort('udp');
  const answers = new Channel<Answer>(sim);
  const times: number[] = [];
  let sent = 0;
  let open = 0;
  /** Takes answers until then. */
  const take = function* (until: number, all: boolean): Op<void> {
    while (sim.now < until && (!all || open > 0)) {
      const answer = yield* answers.receiveWithin(until - sim.now);
      if (answer === TIMED_OUT || answer === undefined) return;
      open--;
      const { result, sequence } = answer;
      if (!result.ok) continue;
      const ms = result.rtt / 1000;
      times.push(ms);
      if (!flags.has('q')) yield* c.stdout.write(`${size + 8} bytes from ${address}: seq=${sequence} ttl=${result.ttl ?? 64} time=${ms.toFixed(3)} ms\n`);
    }
  };
  while (sent < count && sim.now < deadline) {
    const sequence = sent++;
    open++;
    os.go('request', function* () {
      const result = yield* ping(os, address, linger, { id, sequence, size, ...(ttl === undefined ? {} : { ttl: Number(ttl) }) });
      answers.send({ sequence, result });
    });
    if (sent < count) yield* take(Math.min(sim.now + interval, deadline), false);
  }
  yield* take(Math.min(sim.now + linger, deadline), true);
  const loss = sent === 0 ? 0 : Math.floor(((sent - times.length) * 100) / sent);
  yield* c.stdout.write(`\n--- ${host} ping statistics ---\n${sent} packets transmitted, ${times.length} packets received, ${loss}% packet loss\n`);
  if (times.length > 0) {
    const mean = times.reduce((a, b) => a + b, 0) / times.length;
    yield* c.stdout.write(`round-trip min/avg/max = ${Math.min(...times).toFixed(3)}/${mean.toFixed(3)}/${Math.max(...times).toFixed(3)} ms\n`);
  }
  return times.length > 0 ? 0 : 1;
};
