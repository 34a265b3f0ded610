// A phase of kubeadm: a named step with a trace record; what it does hangs below.

import type { Os } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Micros } from '../../sim/time.ts';

/** Runs one phase. Its record is emitted when it begins; `line` is what kubeadm prints. */
export function* phase(os: Os, name: string, line: string, body: () => Op<void>): Op<void> {
  const { sim } = os;
  const outer = sim.cause;
  sim.cause = sim.trace.emit(outer, { kind: 'process', verb: 'phase', from: os.place, start: sim.now, detail: { phase: name } });
  if (line !== '') os.log(`[${name}] ${line}`);
  yield* body();
  sim.cause = outer;
}

/** Tries again every `interval` until it gives true; throws `message` after `limit`. */
export function* poll(os: Os, interval: Micros, limit: Micros, message: string, attempt: () => Op<boolean>): Op<void> {
  const deadline = os.sim.now + limit;
  for (;;) {
    if (yield* attempt()) return;
    if (os.sim.now + interval > deadline) throw new Error(message);
    yield* os.sleep(interval);
  }
}
