// The map's geometry: nothing overlaps, nothing jumps, paths go by the network.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeCaption } from './caption.ts';
import { centre, layoutMap, type MachineInput, type Rect, slotRect } from './layout.ts';
import { lengthOf, pointAlong, resolvePlace, routeBetween } from './places.ts';
import { SlotBook } from './slots.ts';

const cluster = (controlPlanes: number, workers: number, slots: number): MachineInput[] => [
  { id: 'machine/operator', name: 'operator', role: 'operator', runtime: 'containerd', slots: 0 },
  ...Array.from({ length: controlPlanes }, (_, i): MachineInput => ({ id: `machine/control-plane-${i + 1}`, name: `control-plane-${i + 1}`, role: 'control-plane', runtime: 'containerd', slots: 8 })),
  ...Array.from({ length: workers }, (_, i): MachineInput => ({ id: `machine/worker-${i + 1}`, name: `worker-${i + 1}`, role: 'worker', runtime: 'containerd', slots })),
];

const overlaps = (a: Rect, b: Rect): boolean => a.x < b.x + b.w - 0.01 && b.x < a.x + a.w - 0.01 && a.y < b.y + b.h - 0.01 && b.y < a.y + a.h - 0.01;
const within = (a: Rect, b: Rect): boolean => a.x >= b.x - 0.01 && a.y >= b.y - 0.01 && a.x + a.w <= b.x + b.w + 0.01 && a.y + a.h <= b.y + b.h + 0.01;

const apart = (boxes: readonly Rect[]): boolean => boxes.every((a, i) => boxes.slice(i + 1).every((b) => !overlaps(a, b)));

describe('layout', () => {
  it('keeps machines apart, their insides inside, and is a pure function', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 150 }), fc.constantFrom('wide' as const, 'tall' as const), (controlPlanes, workers, slots, arrangement) => {
        const inputs = cluster(controlPlanes, workers, slots);
        const map = layoutMap(inputs, arrangement);
        expect(layoutMap(inputs.toReversed(), arrangement)).toEqual(map);
        const boxes = [...map.machines.map((m) => m.rect), map.objects, map.line, map.registry];
        expect(apart(boxes) && boxes.every((box) => within(box, map.bounds))).toBe(true);
        for (const machine of map.machines) {
          const parts = [machine.title, ...Object.values(machine.chips)];
          if (machine.role !== 'operator') for (let s = 0; s < (machine.role === 'worker' ? slots : 8); s++) parts.push(slotRect(machine, s));
          expect(apart(parts.slice(0, 30)) && parts.every((part) => within(part, machine.rect))).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('does not move anything while Pods come and go within the room there is', () => {
    expect(layoutMap(cluster(1, 3, 8))).toEqual(layoutMap(cluster(1, 3, 2)));
    expect(layoutMap(cluster(1, 3, 100)).machines.filter((m) => m.pods.dense).map((m) => m.role)).toEqual(['worker', 'worker', 'worker']);
  });
});

describe('slots', () => {
  it('gives own places to what every machine has, and the lowest free slot to the rest', () => {
    const book = new SlotBook();
    expect(book.add('worker-1', 'a', 'web-1')).toBe(2);
    expect(book.add('worker-1', 'b', 'kube-proxy-xyz')).toBe(1);
    expect(book.add('worker-1', 'c', 'web-2')).toBe(3);
    expect(book.add('worker-1', 'a', 'web-1')).toBe(2);
    book.remove('worker-1', 'a');
    expect(book.used('worker-1')).toBe(4);
    expect(book.add('worker-1', 'd', 'web-3')).toBe(2);
    expect(book.add('control-plane-1', 'e', 'kube-scheduler-control-plane-1')).toBe(3);
    expect(book.add('control-plane-1', 'f', 'coredns-1')).toBe(6);
    // A second Pod of a DaemonSet while the first is still shutting down.
    expect(book.add('worker-1', 'g', 'kube-proxy-new')).toBe(4);
  });
});

describe('places', () => {
  const map = layoutMap(cluster(1, 3, 4));
  const slots: Record<string, number> = { 'object/pods/default/web-x': 2, 'object/pods/kube-system/kube-apiserver-control-plane-1': 1 };
  const slotOf = (id: string): number | undefined => slots[id];
  const api = 'machine/control-plane-1/pod/kube-system/kube-apiserver-control-plane-1/container/kube-apiserver';

  it('resolves to the deepest element that is drawn', () => {
    const key = (place: string): string => resolvePlace(map, slotOf, place).key;
    expect(key('machine/worker-1/pod/default/web-x/container/nginx')).toBe('object/pods/default/web-x');
    expect(key('machine/worker-1/pod/default/unknown')).toBe('machine/worker-1');
    expect(key('machine/worker-2/kubelet')).toBe('machine/worker-2/kubelet');
    expect(key('machine/worker-2/cni/bridge')).toBe('machine/worker-2/cni0');
    expect(key('machine/operator/shell')).toBe('machine/operator/kubectl');
    expect(key('internet/docker.io')).toBe('registry');
    expect(key('machine/nowhere/kubelet')).toBe('registry');
  });

  it('leads from machine to machine along the node network', () => {
    const route = routeBetween(map, slotOf, api, 'machine/worker-2/kubelet');
    expect(route.lit).toContain('network');
    expect(route.points.some((p) => p.y === centre(map.line).y)).toBe(true);
    expect(route.points.at(0)?.y).toBeLessThan(map.line.y);
    expect(route.points.at(-1)?.y).toBeGreaterThan(map.line.y);
    expect(routeBetween(map, slotOf, api, api).points).toHaveLength(1);
  });

  it('walks a path by its length', () => {
    const points = [{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 10, y: 30 }];
    expect(lengthOf(points)).toBe(40);
    expect(pointAlong(points, 0)).toEqual({ x: 0, y: 0 });
    expect(pointAlong(points, 0.5)).toEqual({ x: 10, y: 10 });
    expect(pointAlong(points, 2)).toEqual({ x: 10, y: 30 });
  });
});

describe('caption', () => {
  it('stays inside the map and off the two ends', () => {
    const rect = fc.record({ x: fc.integer({ min: 0, max: 700 }), y: fc.integer({ min: 0, max: 400 }), w: fc.constant(100), h: fc.constant(40) });
    fc.assert(
      fc.property(rect, rect, (to, from) => {
        const size = { w: 300, h: 90 };
        const spot = placeCaption({ w: 800, h: 500 }, size, to, [to, from]);
        expect(within({ ...spot, ...size }, { x: 0, y: 0, w: 800, h: 500 })).toBe(true);
        expect(overlaps({ ...spot, ...size }, to)).toBe(false);
      }),
    );
  });
});
