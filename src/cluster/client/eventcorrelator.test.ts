// Event correlation as client-go's tools/record/events_cache.go does it; cases of our own.

import { describe, expect, it } from 'vitest';
import type { Event } from '../api/generated/types.ts';
import { Simulation } from '../sim/simulation.ts';
import { MINUTE } from '../sim/time.ts';
import { EventCorrelator } from './eventcorrelator.ts';

let serial = 0;
const event = (message: string, name = 'web'): Event => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: `${name}.${++serial}`, namespace: 'default' },
  involvedObject: { kind: 'ReplicaSet', namespace: 'default', name, uid: name },
  source: { component: 'replicaset-controller' },
  type: 'Normal',
  reason: 'SuccessfulCreate',
  message,
  count: 1,
});

describe('EventCorrelator', () => {
  it('turns a repeat into a patch of the first with a higher count', () => {
    const correlator = new EventCorrelator(new Simulation());
    const first = correlator.correlate(event('same'));
    const second = correlator.correlate(event('same'));
    expect(first.patch).toBeNull();
    expect(second.patch).toMatchObject({ count: 2, message: 'same' });
    expect(second.event.metadata.name).toBe(first.event.metadata.name);
  });

  it('folds the tenth and later messages of one kind into one event', () => {
    const correlator = new EventCorrelator(new Simulation());
    const results = Array.from({ length: 12 }, (_, i) => correlator.correlate(event(`Created pod: web-${i}`)));
    expect(results.slice(0, 9).every((r) => r.patch === null && r.event.message?.startsWith('Created pod'))).toBe(true);
    expect(results[9]?.event.message).toBe('(combined from similar events): Created pod: web-9');
    expect(results[9]?.patch).toBeNull();
    expect(results[11]?.patch).toMatchObject({ count: 3, message: '(combined from similar events): Created pod: web-11' });
  });

  it('starts anew when nothing similar came for ten minutes', () => {
    const sim = new Simulation();
    const correlator = new EventCorrelator(sim);
    for (let i = 0; i < 12; i++) correlator.correlate(event(`m${i}`));
    sim.runUntil(11 * MINUTE);
    expect(correlator.correlate(event('later')).event.message).toBe('later');
  });

  it('drops what comes after 25 events about one object, then lets one through in five minutes', () => {
    const sim = new Simulation();
    const correlator = new EventCorrelator(sim);
    const skipped = Array.from({ length: 30 }, () => correlator.correlate(event('same')).skip);
    expect(skipped.filter((skip) => !skip)).toHaveLength(25);
    expect(correlator.correlate(event('same', 'other')).skip).toBe(false);
    sim.runUntil(5 * MINUTE);
    expect([correlator.correlate(event('same')).skip, correlator.correlate(event('same')).skip]).toEqual([false, true]);
  });
});
