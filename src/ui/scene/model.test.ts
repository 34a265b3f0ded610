// Rows in, notices out: each listener once, and only those concerned.

import { describe, expect, it, vi } from 'vitest';
import { fakePod } from '../testing/fake-session.ts';
import { SceneModel } from './model.ts';

describe('scene', () => {
  it('tells only whom it concerns, once', () => {
    const scene = new SceneModel();
    const pod = vi.fn<() => void>();
    const pods = vi.fn<() => void>();
    const other = vi.fn<() => void>();
    scene.subscribe('object/pods/default/a', pod);
    scene.subscribe('pods', pods);
    scene.subscribe('pods@', pods);
    scene.subscribe('events', other);
    scene.apply({ reset: true, upserts: [fakePod('default', 'a', '')], deletes: [] });
    expect([pod.mock.calls.length, pods.mock.calls.length, other.mock.calls.length]).toEqual([1, 1, 0]);
    const list = scene.list('pods');
    scene.apply({ reset: false, upserts: [fakePod('default', 'a', '', { status: 'Odd' })], deletes: [] });
    expect([pod.mock.calls.length, pods.mock.calls.length]).toEqual([2, 1]);
    expect(scene.list('pods')).toBe(list);
  });

  it('moves a Pod to its machine and forgets it', () => {
    const scene = new SceneModel();
    scene.apply({ reset: true, upserts: [fakePod('default', 'a', '')], deletes: [] });
    expect(scene.list('pods@')).toHaveLength(1);
    scene.apply({ reset: false, upserts: [fakePod('default', 'a', 'worker-1')], deletes: [] });
    expect(scene.list('pods@')).toHaveLength(0);
    expect(scene.slots.slotOf('object/pods/default/a')).toBe(2);
    scene.apply({ reset: true, upserts: [fakePod('default', 'b', 'worker-1')], deletes: [] });
    expect(scene.get('object/pods/default/a')).toBeUndefined();
    expect(scene.slots.slotOf('object/pods/default/b')).toBe(2);
  });
});
