// Waiting until objects are gone, as delete, replace --force and apply --force do (kubectl/pkg/cmd/wait/delete.go).

import type { HttpStream } from '../../cluster/network/http.ts';
import type { Op, Task } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Target } from '../rest.ts';

/** A watch that ends by itself after `micros`; Infinity never. */
export function expiring(context: Context, stream: HttpStream, micros: number): Task | null {
  if (!Number.isFinite(micros)) return null;
  return context.os.go('timeout', function* () {
    yield* context.os.sleep(micros);
    stream.cancel();
  });
}

/** True once the object (of that uid, if it is known) is gone; false after `micros`. */
export function* waitUntilGone(context: Context, target: Target, uid: string | undefined, micros = Infinity): Op<boolean> {
  const deadline = context.os.sim.now + micros;
  for (;;) {
    const live = yield* context.rest.find(target);
    if (live === undefined || (uid !== undefined && uid !== '' && live.metadata?.uid !== uid)) return true;
    if (context.os.sim.now >= deadline) return false;
    const query = { fieldSelector: `metadata.name=${target.name}`, resourceVersion: live.metadata?.resourceVersion ?? '' };
    const stream = yield* context.rest.watch(target, query, { subjectName: target.name });
    const timer = expiring(context, stream, deadline - context.os.sim.now);
    let gone = false;
    for (let event = yield* stream.read(); event !== undefined && !gone; event = gone ? undefined : yield* stream.read()) gone = (event as { type?: string }).type === 'DELETED';
    stream.cancel();
    timer?.kill();
    if (gone) return true;
  }
}

/** Deletes an object and waits until it is gone. */
export function* removeAndWait(context: Context, target: Target, options: object, micros = Infinity): Op<void> {
  const answer = yield* context.rest.delete(target, options);
  yield* waitUntilGone(context, target, answer.details?.uid ?? answer.metadata?.uid, micros);
}
