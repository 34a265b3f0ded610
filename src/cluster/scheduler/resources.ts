// Resource arithmetic of a Pod (upstream component-helpers/resource/helpers.go): containers run together, init containers
// one after the other beside the sidecars started so far, and the Pod needs the larger of the two, plus overhead.

import type { Container, ContainerStatus, Pod, ResourceRequirements } from '../api/generated/types.ts';
import { quantityMilli, quantityValue } from '../api/quantity.ts';

/** CPU in thousandths, memory and storage in bytes, anything else by name. */
export interface Resources {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  readonly pods: number;
  readonly scalars: ReadonlyMap<string, number>;
}

type Quantities = Readonly<Record<string, string>>;

const NO_SCALARS: ReadonlyMap<string, number> = new Map();
const NOTHING: Resources = { milliCpu: 0, memory: 0, ephemeralStorage: 0, pods: 0, scalars: NO_SCALARS };
const memo = new WeakMap<Quantities, Resources>();

/** What a container without a request counts as when nodes are compared, so that such Pods spread as well. */
export const DEFAULT_MILLI_CPU = 100;
export const DEFAULT_MEMORY = 200 * 1024 * 1024;

/** A resource list as numbers. */
export function resourcesOf(list: Quantities | undefined): Resources {
  if (list === undefined) return NOTHING;
  let resources = memo.get(list);
  if (resources === undefined) memo.set(list, (resources = parse(list)));
  return resources;
}

function parse(list: Quantities): Resources {
  let scalars: Map<string, number> | null = null;
  const known = { milliCpu: 0, memory: 0, ephemeralStorage: 0, pods: 0 };
  for (const [name, quantity] of Object.entries(list)) {
    if (name === 'cpu') known.milliCpu = quantityMilli(quantity);
    else if (name === 'memory') known.memory = quantityValue(quantity);
    else if (name === 'ephemeral-storage') known.ephemeralStorage = quantityValue(quantity);
    else if (name === 'pods') known.pods = quantityValue(quantity);
    else (scalars ??= new Map()).set(name, quantityValue(quantity));
  }
  return { ...known, scalars: scalars ?? NO_SCALARS };
}

interface Sum {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  scalars: Map<string, number> | null;
}

const zero = (): Sum => ({ milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: null });

function add(sum: Sum, r: Resources): void {
  sum.milliCpu += r.milliCpu;
  sum.memory += r.memory;
  sum.ephemeralStorage += r.ephemeralStorage;
  for (const [name, amount] of r.scalars) (sum.scalars ??= new Map()).set(name, (sum.scalars.get(name) ?? 0) + amount);
}

function raise(sum: Sum, r: Sum): void {
  sum.milliCpu = Math.max(sum.milliCpu, r.milliCpu);
  sum.memory = Math.max(sum.memory, r.memory);
  sum.ephemeralStorage = Math.max(sum.ephemeralStorage, r.ephemeralStorage);
  for (const [name, amount] of r.scalars ?? []) (sum.scalars ??= new Map()).set(name, Math.max(sum.scalars.get(name) ?? 0, amount));
}

const freeze = (sum: Sum): Resources => ({
  milliCpu: sum.milliCpu,
  memory: sum.memory,
  ephemeralStorage: sum.ephemeralStorage,
  pods: 0,
  scalars: sum.scalars ?? NO_SCALARS,
});

/**
 * What the Pod takes of a node, plainly and with defaults for containers that ask for nothing. While it is resized in
 * place, the largest of what it asks for, what the kubelet has allotted and what is in force (KEP-1287).
 */
export function podRequests(pod: Pod): { requests: Resources; nonZero: { milliCpu: number; memory: number }; resizing: boolean } {
  const spec = pod.spec;
  const statuses = spec.nodeName ? resizedContainers(pod) : null;
  const plainOf = statuses ? inForce(pod, statuses, resourcesOfContainer) : resourcesOfContainer;
  const paddedOf = statuses ? inForce(pod, statuses, paddedResourcesOfContainer) : paddedResourcesOfContainer;
  const plain = total(spec.containers, spec.initContainers ?? NO_CONTAINERS, plainOf);
  const padded = total(spec.containers, spec.initContainers ?? NO_CONTAINERS, paddedOf);
  const whole = spec.resources?.requests;
  if (whole) {
    // Pod-level resources (KEP-2837) replace the sum of the containers.
    for (const sum of [plain, padded]) {
      if (whole['cpu'] !== undefined) sum.milliCpu = resourcesOf(whole).milliCpu;
      if (whole['memory'] !== undefined) sum.memory = resourcesOf(whole).memory;
    }
  }
  const overhead = resourcesOf(spec.overhead);
  add(plain, overhead);
  add(padded, overhead);
  return { requests: freeze(plain), nonZero: { milliCpu: padded.milliCpu, memory: padded.memory }, resizing: statuses !== null };
}

const NO_CONTAINERS: readonly Container[] = [];

/** The statuses of containers whose allotment differs from what the spec asks for; null when there are none. */
function resizedContainers({ spec, status }: Pod): ReadonlyMap<string, ContainerStatus> | null {
  let resized: Map<string, ContainerStatus> | null = null;
  const look = (container: Container, statuses: readonly ContainerStatus[] | undefined): void => {
    const found = statuses?.find((s) => s.name === container.name);
    if (found === undefined) return;
    const wanted = container.resources?.requests;
    if (sameAmounts(wanted, found.allocatedResources) && sameAmounts(wanted, found.resources?.requests)) return;
    (resized ??= new Map()).set(container.name, found);
  };
  for (const c of spec.containers) look(c, status.containerStatuses);
  for (const c of spec.initContainers ?? NO_CONTAINERS) if (c.restartPolicy === 'Always') look(c, status.initContainerStatuses);
  return resized;
}

/** Absent on one side says nothing. */
function sameAmounts(a: Quantities | undefined, b: Quantities | undefined): boolean {
  if (a === b || b === undefined) return true;
  const [x, y] = [resourcesOf(a), resourcesOf(b)];
  return x.milliCpu === y.milliCpu && x.memory === y.memory && x.ephemeralStorage === y.ephemeralStorage;
}

function inForce(pod: Pod, statuses: ReadonlyMap<string, ContainerStatus>, of: (c: Container) => Resources): (c: Container) => Resources {
  const infeasible = (pod.status.conditions ?? []).some((c) => c.type === 'PodResizePending' && c.reason === 'Infeasible');
  return (container) => {
    const status = statuses.get(container.name);
    if (status === undefined) return of(container);
    const most = zero();
    // A resize that never comes true takes nothing.
    if (!infeasible || status.resources === undefined) raise(most, toSum(of(container)));
    raise(most, toSum(resourcesOf(status.resources?.requests)));
    raise(most, toSum(resourcesOf(status.allocatedResources)));
    return freeze(most);
  };
}

const toSum = (r: Resources): Sum => ({ milliCpu: r.milliCpu, memory: r.memory, ephemeralStorage: r.ephemeralStorage, scalars: new Map(r.scalars) });

function total(containers: readonly Container[], inits: readonly Container[], of: (c: Container) => Resources): Sum {
  const running = zero();
  for (const c of containers) add(running, of(c));
  if (inits.length === 0) return running;
  const sidecars = zero();
  const peak = zero();
  for (const c of inits) {
    if (c.restartPolicy === 'Always') {
      add(running, of(c));
      add(sidecars, of(c));
      raise(peak, sidecars);
    } else {
      const step = zero();
      add(step, freeze(sidecars));
      add(step, of(c));
      raise(peak, step);
    }
  }
  raise(running, peak);
  return running;
}

const resourcesOfContainer = (c: Container): Resources => resourcesOf(c.resources?.requests);

const paddedMemo = new WeakMap<ResourceRequirements, Resources>();
const ALL_DEFAULTS: Resources = { ...NOTHING, milliCpu: DEFAULT_MILLI_CPU, memory: DEFAULT_MEMORY };

function paddedResourcesOfContainer(c: Container): Resources {
  const requests = c.resources?.requests;
  if (c.resources === undefined || requests === undefined) return ALL_DEFAULTS;
  let padded = paddedMemo.get(c.resources);
  if (padded === undefined) {
    const own = resourcesOf(requests);
    padded = {
      ...own,
      milliCpu: requests['cpu'] === undefined ? DEFAULT_MILLI_CPU : own.milliCpu,
      memory: requests['memory'] === undefined ? DEFAULT_MEMORY : own.memory,
    };
    paddedMemo.set(c.resources, padded);
  }
  return padded;
}
