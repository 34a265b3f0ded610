import { expect, it } from 'vitest';
import { TIMED_OUT } from '../sim/channel.ts';
import { Simulation, type Task } from '../sim/simulation.ts';
import { Deadlines } from './deadlines.ts';

it('ends each wait at its own instant, also when lengths mix, come out of order, or are overtaken by an answer', () => {
  const sim = new Simulation();
  const ends: string[] = [];
  const wait = (name: string, at: number, length: number, answerAt?: number): void => {
    sim.spawn(name, function* () {
      const task = sim.current as Task;
      Deadlines.of(sim).add(length, at, task);
      if (answerAt !== undefined) sim.wakeAt(task, task.park, answerAt, 'answer');
      const got = yield;
      ends.push(`${name} ${got === TIMED_OUT ? 'timed out' : String(got)} ${sim.now}`);
    });
  };
  wait('a', 100, 100);
  wait('b', 90, 100);
  wait('c', 100, 100, 50);
  wait('d', 95, 60);
  sim.after(120, () => wait('e', 220, 100));
  sim.runUntil(1_000);
  expect(ends).toEqual(['c answer 50', 'b timed out 90', 'd timed out 95', 'a timed out 100', 'e timed out 220']);
});
