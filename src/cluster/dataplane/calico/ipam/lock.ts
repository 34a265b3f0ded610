// The lock of calico-ipam on one machine (/var/run/calico/ipam.lock): Pods that start at the same time ask one after another, so that
// they do not each claim a block.

import type { Machine } from '../../../machine/machine.ts';
import type { Os } from '../../../machine/process.ts';
import { Deferred } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';

interface Lock {
  held: boolean;
  readonly waiting: Deferred<void>[];
}

const locks = new WeakMap<Machine, Lock>();

/** Waits for the lock; gives what lets it go. A process that ends lets it go too. */
export function* lockHost(os: Os): Op<() => void> {
  let lock = locks.get(os.machine);
  if (lock === undefined) locks.set(os.machine, (lock = { held: false, waiting: [] }));
  const own = lock;
  while (own.held) {
    const turn = new Deferred<void>(os.sim);
    own.waiting.push(turn);
    yield* turn.wait();
  }
  own.held = true;
  let done = false;
  const unlock = (): void => {
    if (done) return;
    done = true;
    own.held = false;
    own.waiting.shift()?.resolve();
  };
  os.process.onExit(unlock);
  return unlock;
}
