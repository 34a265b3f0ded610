// What a person typed about a cable, as an action.

import { expect, test } from 'vitest';
import { wireAction } from './cable.ts';

const nothing = { delay: '', loss: '', rate: '', mtu: '', drop: '' };

test('fields of the cable panel', () => {
  expect(wireAction('worker-1', '', nothing)).toEqual({ type: 'wire', machine: 'worker-1' });
  expect(wireAction('worker-1', 'worker-2', { delay: '100', loss: '10', rate: '1.5', mtu: '1400', drop: 'UDP/8472' })).toEqual({
    type: 'wire', machine: 'worker-1', to: 'worker-2', delay: 100_000, loss: 0.1, rate: 1_500_000, mtu: 1400, blocked: [{ protocol: 'udp', port: 8472 }],
  });
  for (const wrong of [{ loss: '120' }, { delay: 'x' }, { drop: '8472' }]) expect(wireAction('worker-1', '', { ...nothing, ...wrong })).toBeNull();
});
