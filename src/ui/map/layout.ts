// Where everything on the map stands: a pure function of which machines there are and how many Pod slots each needs.
// World units are chosen so that one cluster of three workers is readable when it just fits a 1280×720 screen.

import type { NetworkKind, RuntimeKind } from '../../session/protocol.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rect extends Point {
  readonly w: number;
  readonly h: number;
}

export interface MachineInput {
  readonly id: string;
  readonly name: string;
  readonly role: 'control-plane' | 'worker' | 'operator';
  readonly runtime: RuntimeKind;
  /** Absent: flannel. */
  readonly network?: NetworkKind;
  /** How many Pod slots it needs. */
  readonly slots: number;
}

export interface MachineLayout extends Omit<MachineInput, 'slots' | 'runtime' | 'network'> {
  readonly rect: Rect;
  readonly title: Rect;
  /** Host services and interfaces by name: kubelet, containerd or what else makes containers, cni0, flannel.1 or bird, eth0, tables. */
  readonly chips: Readonly<Record<string, Rect>>;
  readonly pods: { readonly area: Rect; /** Pods are marks, not cards. */ readonly dense: boolean; readonly columns: number; readonly slotW: number; readonly slotH: number; readonly gap: number };
}

export interface MapLayout {
  readonly machines: readonly MachineLayout[];
  readonly byName: ReadonlyMap<string, MachineLayout>;
  /** The node network that connects all machines. */
  readonly line: Rect;
  /** The strip for what so far exists only as an object: controllers' objects, Services, Pods without a machine. */
  readonly objects: Rect;
  /** The image registry, somewhere on the internet. */
  readonly registry: Rect;
  readonly bounds: Rect;
}

export const PAD = 8;
const GAP = 5;
const TITLE = 26;
const CHIP = 24;
const BETWEEN = 14;
const OPERATOR_W = 132;
const STRIP_W = 206;
const CP_SLOT_W = 111;
const WORKER_SLOT_W = 121;
const SLOT_H = 44;
/** Up to this many Pods on one machine are drawn as cards; more are marks, and still more are small marks. */
const CARD_LIMIT = 18;
const LARGE_MARK_LIMIT = 50;
const LARGE_MARK = 28;
const SMALL_MARK = 15;
const MARK_GAP = 3;
const MOST_ROWS = 6;
const LINE_SPACE = 52;
const LINE_H = 20;
const LEAST_TOP = 190;
const TALL_FIRST = 150;
const REGISTRY_W = 124;

interface PodGrid {
  readonly dense: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly slotW: number;
  readonly slotH: number;
  readonly gap: number;
  readonly w: number;
  readonly h: number;
}

/** The same grid for all machines of a role, made for the fullest of them, so that rows line up. */
function gridFor(slots: number, least: number, slotW: number, leastRows: number): PodGrid {
  if (slots > CARD_LIMIT) {
    const size = slots > LARGE_MARK_LIMIT ? SMALL_MARK : LARGE_MARK;
    const pitch = size + MARK_GAP;
    const columns = Math.max(Math.floor((least * (slotW + GAP)) / pitch), Math.ceil(Math.sqrt(slots * 2)));
    const rows = Math.ceil(slots / columns);
    return { dense: true, columns, rows, slotW: size, slotH: size, gap: MARK_GAP, w: columns * pitch - MARK_GAP, h: rows * pitch - MARK_GAP };
  }
  // A machine grows downwards first, then by one column.
  const columns = slots > least * MOST_ROWS ? least + 1 : least;
  const rows = Math.max(leastRows, Math.ceil(slots / columns));
  return { dense: false, columns, rows, slotW, slotH: SLOT_H, gap: GAP, w: columns * (slotW + GAP) - GAP, h: rows * (SLOT_H + GAP) - GAP };
}

/** Lays chips of given weights side by side over a width. */
function chipRow(x: number, y: number, w: number, chips: readonly (readonly [string, number])[]): Record<string, Rect> {
  const total = chips.reduce((sum, [, weight]) => sum + weight, 0);
  const free = w - GAP * (chips.length - 1);
  const row: Record<string, Rect> = {};
  let at = x;
  for (const [name, weight] of chips) {
    const width = (free * weight) / total;
    row[name] = { x: at, y, w: width, h: CHIP };
    at += width + GAP;
  }
  return row;
}

/** The host services that a machine shows: the kubelet and what it makes containers with. */
const SERVICES: Readonly<Record<RuntimeKind, readonly (readonly [string, number])[]>> = {
  containerd: [['kubelet', 1], ['containerd', 1.15]],
  'cri-o': [['kubelet', 1], ['crio', 1.15]],
  docker: [['kubelet', 0.85], ['cri-dockerd', 1.15], ['dockerd', 0.85]],
};
/** What its network has there: devices, or the router that speaks with the others. */
const DEVICES: Readonly<Record<NetworkKind, readonly (readonly [string, number])[]>> = {
  flannel: [['eth0', 1], ['flannel.1', 1.2], ['cni0', 1]],
  calico: [['eth0', 1], ['bird', 1]],
};
const devicesOf = ({ network = 'flannel' }: MachineInput): readonly (readonly [string, number])[] => DEVICES[network];

const described = ({ id, name, role }: MachineInput): Omit<MachineInput, 'slots' | 'runtime' | 'network'> => ({ id, name, role });

function workerLayout(input: MachineInput, x: number, y: number, grid: PodGrid): MachineLayout {
  const w = grid.w + 2 * PAD;
  let at = y + TITLE;
  const devices = chipRow(x + PAD, at, grid.w, devicesOf(input));
  at += CHIP + GAP;
  const services = chipRow(x + PAD, at, grid.w, [...SERVICES[input.runtime], ['tables', 1.15]]);
  at += CHIP + GAP + 1;
  const area = { x: x + PAD, y: at, w: grid.w, h: grid.h };
  const h = at + grid.h + PAD - y;
  return { ...described(input), rect: { x, y, w, h }, title: { x, y, w, h: TITLE }, chips: { ...devices, ...services }, pods: { area, ...grid } };
}

const controlPlaneHeight = (grid: PodGrid): number => Math.max(LEAST_TOP, TITLE + grid.h + GAP + 1 + CHIP + PAD);

function controlPlaneLayout(input: MachineInput, x: number, y: number, grid: PodGrid): MachineLayout {
  const w = grid.w + 2 * PAD;
  const h = controlPlaneHeight(grid);
  const at = y + h - PAD - CHIP;
  const area = { x: x + PAD, y: y + TITLE + (h - TITLE - PAD - CHIP - grid.h) / 2, w: grid.w, h: grid.h };
  const chips = chipRow(x + PAD, at, grid.w, [...SERVICES[input.runtime], ['tables', 1.15], ...(input.network === 'calico' ? devicesOf(input).toReversed() : ([['cni0', 0.75], ['flannel.1', 1], ['eth0', 0.75]] as const))]);
  return { ...described(input), rect: { x, y, w, h }, title: { x, y, w, h: TITLE }, chips, pods: { area, ...grid } };
}

function operatorLayout(input: MachineInput, x: number, y: number, h: number): MachineLayout {
  const w = OPERATOR_W;
  const inner = { x: x + PAD, w: w - 2 * PAD };
  return {
    ...described(input),
    rect: { x, y, w, h },
    title: { x, y, w, h: TITLE },
    chips: {
      kubectl: { ...inner, y: y + TITLE, h: CHIP + 8 },
      eth0: { ...inner, y: y + h - PAD - CHIP, h: CHIP },
    },
    pods: { area: { ...inner, y: y + h, h: 0 }, dense: false, columns: 1, slotW: inner.w, slotH: SLOT_H, gap: GAP },
  };
}

const most = (list: readonly MachineInput[]): number => list.reduce((n, m) => Math.max(n, m.slots), 0);

const { compare } = new Intl.Collator('en', { numeric: true });
const byName = (a: MachineInput, b: MachineInput): number => compare(a.name, b.name);

/** `wide`: control plane above, workers in a row. `tall`, for narrow screens: everything below each other. */
export type Arrangement = 'wide' | 'tall';

/** Rounds the number of slots up, so that a machine grows in few steps and not with each Pod. */
export function roomFor(slots: number): number {
  for (const room of [8, 12, CARD_LIMIT, LARGE_MARK_LIMIT]) if (slots <= room) return room;
  return Math.ceil(slots / 40) * 40;
}

/** The whole map. */
export function layoutMap(inputs: readonly MachineInput[], arrangement: Arrangement = 'wide'): MapLayout {
  const tall = arrangement === 'tall';
  const operators = inputs.filter((m) => m.role === 'operator').toSorted(byName);
  const controlPlanes = inputs.filter((m) => m.role === 'control-plane').toSorted(byName);
  const workers = inputs.filter((m) => m.role === 'worker').toSorted(byName);
  const cpGrid = gridFor(most(controlPlanes), 4, CP_SLOT_W, 2);
  const workerGrid = tall ? gridFor(most(workers), 4, CP_SLOT_W, 2) : gridFor(most(workers), 2, WORKER_SLOT_W, 4);
  const cpW = cpGrid.w + 2 * PAD;
  const workerW = workerGrid.w + 2 * PAD;
  const machines: MachineLayout[] = [];

  const besides = OPERATOR_W + BETWEEN;
  const cpH = controlPlaneHeight(cpGrid);
  const firstH = tall ? TALL_FIRST : cpH;
  machines.push(...operators.map((m) => operatorLayout(m, 0, 0, firstH)));
  machines.push(
    ...controlPlanes.map((m, i) =>
      tall ? controlPlaneLayout(m, 0, firstH + BETWEEN + i * (cpH + BETWEEN), cpGrid) : controlPlaneLayout(m, besides + i * (cpW + BETWEEN), 0, cpGrid),
    ),
  );
  const topH = tall ? firstH + Math.max(1, controlPlanes.length) * (cpH + BETWEEN) : cpH;

  const perRow = tall ? 1 : Math.max(3, Math.ceil(Math.sqrt(workers.length * 1.4)));
  const rowW = Math.min(workers.length, perRow) * (workerW + BETWEEN) - BETWEEN;
  const stripX = tall ? besides : besides + Math.max(1, controlPlanes.length) * (cpW + BETWEEN);
  const objects = { x: stripX, y: 0, w: Math.max(STRIP_W, (tall ? Math.max(cpW, rowW) : rowW) - stripX), h: firstH };
  const width = Math.max(rowW, stripX + objects.w);
  const left = Math.max(0, (width - rowW) / 2);

  let bottom = topH + LINE_SPACE;
  let rowTop = bottom;
  for (const [i, m] of workers.entries()) {
    const column = i % perRow;
    if (column === 0 && i > 0) rowTop = bottom + BETWEEN * 2;
    const laid = workerLayout(m, left + column * (workerW + BETWEEN), rowTop, workerGrid);
    bottom = Math.max(bottom, laid.rect.y + laid.rect.h);
    machines.push(laid);
  }
  const lineY = topH + (LINE_SPACE - LINE_H) / 2;
  return {
    machines,
    byName: new Map(machines.map((m) => [m.name, m])),
    line: { x: 0, y: lineY, w: width - REGISTRY_W, h: LINE_H },
    objects,
    registry: { x: width - REGISTRY_W, y: lineY - 4, w: REGISTRY_W, h: LINE_H + 8 },
    bounds: { x: 0, y: 0, w: width, h: bottom },
  };
}

/** The rectangle of a Pod slot of a machine. */
export function slotRect(machine: MachineLayout, slot: number): Rect {
  const { area, columns, slotW, slotH, gap } = machine.pods;
  return {
    x: area.x + (slot % columns) * (slotW + gap),
    y: area.y + Math.floor(slot / columns) * (slotH + gap),
    w: slotW,
    h: slotH,
  };
}

/** Where messages meet an element: its lower edge, so that they do not cover its name. */
export const anchor = (r: Rect): Point => ({ x: r.x + r.w / 2, y: r.y + r.h + 1 });

export const centre = (r: Rect): Point => ({ x: r.x + r.w / 2, y: r.y + r.h / 2 });
