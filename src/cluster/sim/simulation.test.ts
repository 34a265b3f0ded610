import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Channel, Deferred, receiveAny, TIMED_OUT } from './channel.ts';
import { Simulation, type Op, type Task } from './simulation.ts';
import { formatMicroTime, formatTime, MILLISECOND, parseTime, SECOND } from './time.ts';
import { DETAIL, hashRecords, Trace } from './trace.ts';

/** Runs a scene and returns what it logged, each line with its instant. */
function transcript(scene: (sim: Simulation, log: (line: string) => void) => void): string {
  const sim = new Simulation();
  const lines: string[] = [];
  scene(sim, (line) => lines.push(`${String(sim.now / MILLISECOND).padStart(5)} ms  ${line}`));
  sim.runUntil(60 * SECOND);
  return `${lines.join('\n')}\n`;
}

describe('a simulation', () => {
  it('runs processes in one total order', async () => {
    await expect(
      transcript((sim, log) => {
        const greet = function* (name: string, every: number): Op<void> {
          for (let i = 1; i <= 3; i++) {
            yield* sim.sleep(every * MILLISECOND);
            log(`${name} ${i}`);
          }
        };
        sim.spawn('a', () => greet('a', 10));
        sim.spawn('b', () => greet('b', 5));
        sim.after(10 * MILLISECOND, () => log('a timer armed before a and b slept'));
        sim.after(0, () => log('a timer of now'));
      }),
    ).toMatchFileSnapshot('testdata/order.txt');
  });

  it('hands values over channels, with time limits and closing', async () => {
    await expect(
      transcript((sim, log) => {
        const left = new Channel<string>(sim);
        const right = new Channel<string>(sim);
        sim.spawn('taker', function* () {
          for (;;) {
            const got = yield* receiveAny(sim, [left, right], 20 * MILLISECOND);
            if (got === TIMED_OUT) log('nothing for 20 ms');
            else if (got.value === undefined) {
              log(`channel ${got.index} closed`);
              return;
            } else log(`channel ${got.index}: ${got.value}`);
          }
        });
        sim.spawn('giver', function* () {
          right.send('r1');
          left.send('l1');
          yield* sim.sleep(30 * MILLISECOND);
          right.send('r2');
          left.close();
          left.send('lost');
        });
      }),
    ).toMatchFileSnapshot('testdata/channels.txt');
  });

  it('kills a process where it waits and runs its cleanup', async () => {
    await expect(
      transcript((sim, log) => {
        const server: Task = sim.spawn(
          'server',
          function* () {
            try {
              for (;;) {
                yield* sim.sleep(10 * MILLISECOND);
                log('server works');
              }
            } finally {
              log('server cleans up');
            }
          },
          (task) => log(`server ended, killed: ${task.killed}`),
        );
        sim.spawn('killer', function* () {
          yield* sim.sleep(25 * MILLISECOND);
          server.kill();
          yield* server.join();
          log('killer joined');
        });
        const suicide: Task = sim.spawn('suicide', function* () {
          suicide.kill();
          log('still here until the next wait');
          yield* sim.sleep(1);
          log('never');
        });
      }),
    ).toMatchFileSnapshot('testdata/kill.txt');
  });

  it('carries the cause from giver to taker and restores nothing by itself', () => {
    const sim = new Simulation();
    const channel = new Channel<number>(sim);
    const seen: (number | undefined)[] = [];
    sim.spawn('taker', function* () {
      yield* channel.receive();
      seen.push(sim.cause?.id);
      yield* sim.sleep(5);
      seen.push(sim.cause?.id);
      yield* channel.receive();
      seen.push(sim.cause?.id);
    });
    sim.after(1, () => {
      sim.cause = sim.trace.emit(null, { kind: 'input', verb: 'apply', from: 'me', start: sim.now });
      channel.send(1);
      sim.cause = null;
      channel.send(2);
    });
    sim.runUntil(SECOND);
    expect(seen).toEqual([1, 1, undefined]);
  });

  it('gives an error to whoever joins, and stops the run when nobody does', () => {
    const sim = new Simulation();
    const caught: unknown[] = [];
    const failing = sim.spawn('failing', function* () {
      yield* sim.sleep(1);
      throw new Error('broken');
    });
    sim.spawn('joiner', function* () {
      try {
        yield* failing.join();
      } catch (error) {
        caught.push(error);
      }
    });
    sim.runUntil(SECOND);
    expect(caught).toEqual([new Error('broken')]);
    sim.spawn('unheard', function* () {
      throw new Error('unheard');
    });
    expect(() => sim.runUntil(2 * SECOND)).toThrow('unheard');
  });

  it('resolves a Deferred once, for those who wait before and after', () => {
    const sim = new Simulation();
    const got: unknown[] = [];
    const deferred = new Deferred<string>(sim);
    for (const delay of [0, 10]) {
      sim.spawn('waiter', function* () {
        yield* sim.sleep(delay);
        got.push(yield* deferred.wait());
      });
    }
    sim.spawn('impatient', function* () {
      got.push(yield* deferred.waitWithin(2));
    });
    sim.after(5, () => {
      deferred.resolve('first');
      deferred.reject(new Error('too late'));
    });
    sim.runUntil(SECOND);
    expect(got).toEqual([TIMED_OUT, 'first', 'first']);
  });
});

describe('properties', () => {
  it('timers fire in (time, arming order), whatever else was cancelled', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.nat(50), cancel: fc.boolean() }), { maxLength: 3000 }), (plan) => {
        const sim = new Simulation();
        const fired: { at: number; index: number }[] = [];
        const timers = plan.map(({ at }, index) => sim.after(at, () => fired.push({ at: sim.now, index })));
        for (const [i, { cancel }] of plan.entries()) if (cancel) sim.cancel(timers[i] as (typeof timers)[number]);
        sim.runUntil(100);
        const expected = plan
          .map(({ at, cancel }, index) => ({ at, cancel, index }))
          .filter((p) => !p.cancel)
          .sort((a, b) => a.at - b.at || a.index - b.index)
          .map(({ at, index }) => ({ at, index }));
        expect(fired).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('a run is a function of its seed', () => {
    const run = (seed: number): string => {
      const sim = new Simulation({ seed });
      const random = sim.random('walkers');
      for (let i = 0; i < 20; i++) {
        sim.spawn(`w${i}`, function* () {
          for (let k = 0; k < 20; k++) {
            yield* sim.sleep(random.int(1000));
            sim.trace.emit(null, { kind: 'process', verb: 'step', from: `w${i}`, start: sim.now, detail: { k } });
          }
        });
      }
      sim.runUntil(SECOND);
      return hashRecords(sim.trace.records);
    };
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(run(seed)).toBe(run(seed));
      }),
      { numRuns: 10 },
    );
    expect(run(1)).not.toBe(run(2));
  });

  it('times survive printing and parsing, and agree with the platform', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), fc.nat(999_999), (secs, micros) => {
        const t = secs * SECOND + micros;
        expect(parseTime(formatMicroTime(t))).toBe(t);
        expect(formatTime(t)).toBe(new Date(secs * 1000).toISOString().replace('.000Z', 'Z'));
      }),
    );
    expect(parseTime('2026-05-04T03:00:00+02:00')).toBe(parseTime('2026-05-04T01:00:00Z'));
    expect(parseTime('2026-13-04T03:00:00Z')).toBeUndefined();
  });
});

describe('a trace', () => {
  it('forgets the oldest tenth when full and says so', () => {
    const trace = new Trace(100);
    const dropped: number[] = [];
    trace.onDrop = (records) => dropped.push(...records.map((r) => r.id));
    for (let i = 0; i < 101; i++) trace.emit(null, { kind: 'process', verb: 'x', from: 'p', start: i });
    expect(dropped).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(trace.get(10)).toBeUndefined();
    expect(trace.get(11)?.id).toBe(11);
    expect(trace.get(101)?.id).toBe(101);
  });

  it('keeps details only for what a person asked for', () => {
    const trace = new Trace();
    const input = trace.emit(null, { kind: 'input', verb: 'apply', from: 'me', start: 0 });
    const child = trace.emit(input, { kind: 'http', verb: 'POST', from: 'me', to: 'apiserver', start: 0, end: 5 });
    expect(child).toMatchObject({ flow: input.id, cause: input.id });
    expect(trace.wants(DETAIL, child)).toBe(true);
    expect(trace.wants(DETAIL, null)).toBe(false);
  });
});
