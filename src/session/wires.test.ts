// What is done to a wire is an input of the session: it has a flow, and a replay does it again.

import { expect, test } from 'vitest';
import { SECOND } from '../cluster/sim/time.ts';
import { NEW_SESSION, Session } from './session.ts';
import { tools } from './tools.ts';
import { wireOf } from './wires.ts';

test('a cable that is cut and mended', () => {
  const session = new Session({ ...NEW_SESSION, topology: { controlPlanes: 1, workers: 1 } }, tools);
  session.wire(wireOf('worker-1 delay=10ms loss=5%'));
  session.seek(session.live + 5 * SECOND);
  session.wire(wireOf('worker-1 cut'));
  session.seek(session.live + 60 * SECOND);
  const log = session.log();
  expect(log.inputs.map((i) => i.action)).toEqual([{ type: 'wire', machine: 'worker-1', delay: 10_000, loss: 0.05 }, { type: 'wire', machine: 'worker-1', cut: true }]);
  expect(session.flows().map((f) => f.action.type)).toEqual(['wire', 'wire']);
  expect(new Session(log, tools).traceHash()).toBe(session.traceHash());
}, 60_000);
