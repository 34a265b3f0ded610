// From a place of the trace to a rectangle of the map: the deepest element that is drawn for it. And the path that a
// message takes between two places: out of the machine by eth0, along the node network, into the other by its eth0.

import { anchor, centre, type MapLayout, type Point, type Rect, slotRect } from './layout.ts';

export interface PlaceInfo {
  /** Key of the element that is lit: `machine/worker-1/kubelet`, `object/pods/ns/name`, `registry` … */
  readonly key: string;
  readonly rect: Rect;
  readonly machine: string;
}

/** Where a Pod stands; undefined when it has no slot (yet). */
export type SlotOf = (podId: string) => number | undefined;

/**
 * Resolves a place such as `machine/worker-1/pod/default/web-x/container/nginx`. What is not drawn itself resolves to
 * what it is inside of: a container to its Pod, a program to its machine, anything off the machines to the registry.
 */
export function resolvePlace(layout: MapLayout, slotOf: SlotOf, place: string): PlaceInfo {
  const parts = place.split('/');
  const machine = parts[0] === 'machine' ? layout.byName.get(parts[1] ?? '') : undefined;
  if (!machine) return { key: 'registry', rect: layout.registry, machine: '' };
  const [, , what = '', namespace = '', name = ''] = parts;
  if (what === 'pod') {
    const id = `object/pods/${namespace}/${name}`;
    const slot = slotOf(id);
    if (slot !== undefined) return { key: id, rect: slotRect(machine, slot), machine: machine.name };
  }
  // What a CNI plug-in does, it does at the bridge.
  if (what === 'cni' && machine.chips.cni0) return { key: `machine/${machine.name}/cni0`, rect: machine.chips.cni0, machine: machine.name };
  const chip = machine.chips[what] ?? (what === 'interface' || what === 'netns' ? machine.chips[parts.at(-1) ?? ''] : undefined);
  if (chip && machine.chips[what]) return { key: `machine/${machine.name}/${what}`, rect: chip, machine: machine.name };
  if (chip) return { key: `machine/${machine.name}/${parts.at(-1) ?? ''}`, rect: chip, machine: machine.name };
  // The operator's shell and whatever it starts are all drawn as its kubectl.
  if (machine.role === 'operator' && machine.chips.kubectl) {
    return { key: `machine/${machine.name}/kubectl`, rect: machine.chips.kubectl, machine: machine.name };
  }
  return { key: `machine/${machine.name}`, rect: machine.title, machine: machine.name };
}

/** The corner points of a message's path, and the elements that it passes on the way. */
export interface Route {
  readonly points: readonly Point[];
  readonly from: PlaceInfo;
  readonly to: PlaceInfo;
  readonly lit: readonly string[];
}

const sameRect = (a: Rect, b: Rect): boolean => a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;

export function routeBetween(layout: MapLayout, slotOf: SlotOf, fromPlace: string, toPlace: string): Route {
  const from = resolvePlace(layout, slotOf, fromPlace);
  const to = resolvePlace(layout, slotOf, toPlace);
  const lit = [from.key, to.key];
  if (sameRect(from.rect, to.rect)) return { points: [anchor(from.rect)], from, to, lit: [from.key] };
  const a = anchor(from.rect);
  const b = anchor(to.rect);
  if (from.machine === to.machine) return { points: bend(a, b), from, to, lit };
  const points: Point[] = [a];
  const y = layout.line.y + layout.line.h / 2;
  const leave = layout.byName.get(from.machine)?.chips.eth0;
  if (leave) {
    const door = centre(leave);
    points.push(...bend(a, door).slice(1), { x: door.x, y });
    lit.push(`machine/${from.machine}/eth0`);
  }
  const enter = layout.byName.get(to.machine)?.chips.eth0;
  if (enter) {
    const door = centre(enter);
    points.push({ x: door.x, y }, ...bend(door, b));
    lit.push(`machine/${to.machine}/eth0`);
  } else points.push(b);
  if (leave && enter) lit.push('network');
  return { points: withoutRepeats(points), from, to, lit };
}

/** Inside a machine a message goes straight when it can and with one corner when it cannot. */
function bend(a: Point, b: Point): Point[] {
  if (Math.abs(a.x - b.x) < 2 || Math.abs(a.y - b.y) < 2) return [a, b];
  return [a, { x: b.x, y: a.y }, b];
}

function withoutRepeats(points: readonly Point[]): Point[] {
  return points.filter((p, i) => {
    const before = points[i - 1];
    return !before || Math.abs(before.x - p.x) > 0.01 || Math.abs(before.y - p.y) > 0.01;
  });
}

/** The point at a share 0…1 of the path's length. */
export function pointAlong(points: readonly Point[], share: number): Point {
  const first = points[0] ?? { x: 0, y: 0 };
  let rest = lengthOf(points) * Math.min(1, Math.max(0, share));
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1] as Point;
    const b = points[i] as Point;
    const d = Math.hypot(b.x - a.x, b.y - a.y);
    if (rest <= d && d > 0) return { x: a.x + ((b.x - a.x) * rest) / d, y: a.y + ((b.y - a.y) * rest) / d };
    rest -= d;
  }
  return points.at(-1) ?? first;
}

export function lengthOf(points: readonly Point[]): number {
  let sum = 0;
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1] as Point;
    const b = points[i] as Point;
    sum += Math.hypot(b.x - a.x, b.y - a.y);
  }
  return sum;
}

/** An SVG path with rounded corners. */
export function pathData(points: readonly Point[], radius = 9): string {
  const first = points[0];
  if (!first) return '';
  let d = `M${first.x} ${first.y}`;
  for (let i = 1; i < points.length; i++) {
    const p = points[i] as Point;
    const next = points[i + 1];
    if (!next) {
      d += `L${p.x} ${p.y}`;
      break;
    }
    const before = points[i - 1] as Point;
    const r = Math.min(radius, Math.hypot(p.x - before.x, p.y - before.y) / 2, Math.hypot(next.x - p.x, next.y - p.y) / 2);
    const into = towards(p, before, r);
    const out = towards(p, next, r);
    d += `L${into.x} ${into.y}Q${p.x} ${p.y} ${out.x} ${out.y}`;
  }
  return d;
}

function towards(from: Point, to: Point, distance: number): Point {
  const d = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: from.x + ((to.x - from.x) * distance) / d, y: from.y + ((to.y - from.y) * distance) / d };
}
