// What a program that stands in for another may know of how its container is used: nothing but what the kubelet hands to the
// runtime in the container's annotations. Servers of images that nobody described listen where the Pod expects them to.

import type { Process } from '../machine/process.ts';

/** The kubelet's own annotation: the container's ports as the Pod declares them. */
const PORTS = 'io.kubernetes.container.ports';
/** For images whose ImageStatus asks for it: what else the Pod expects of the container. */
export const EXPECTATIONS = 'sim.k8s/expectations';
/** Behaviour that the Pod's author declares, as JSON. */
export const BEHAVIOR = 'sim.k8s/behavior';

export interface ContainerHints {
  /** TCP ports that the Pod declares. */
  readonly ports: readonly number[];
  /** Ports that probes and hooks ask at. */
  readonly probed: readonly number[];
  /** It is expected to end: an init container, or one of a Job. */
  readonly ends: boolean;
}

const NOTHING: ContainerHints = { ports: [], probed: [], ends: false };

const annotations = new WeakMap<Process, Readonly<Record<string, string>>>();

/** Whoever starts a container's first process says so. */
export function describeContainer(process: Process, given: Readonly<Record<string, string>>): void {
  annotations.set(process, given);
}

/** Whether this is the first process of a container. */
export const isContainerInit = (process: Process): boolean => annotations.has(process);

/** Whether it is that process or what it started; not what was executed in the container from outside. */
export function belongsToInit(process: Process): boolean {
  for (let p: Process | null = process; p !== null; p = p.parent) if (annotations.has(p)) return p.logs === process.logs;
  return false;
}

/** Of the container that the process belongs to. */
export function hintsOf(process: Process): ContainerHints {
  let given: Readonly<Record<string, string>> | undefined;
  for (let p: Process | null = process; p !== null && given === undefined; p = p.parent) given = annotations.get(p);
  if (given === undefined) return NOTHING;
  const declared = given[PORTS] === undefined ? [] : (JSON.parse(given[PORTS]) as readonly { readonly containerPort: number; readonly protocol?: string }[]);
  const ports = declared.filter(({ protocol = 'TCP' }) => protocol === 'TCP').map((port) => port.containerPort);
  const expected = given[EXPECTATIONS] === undefined ? {} : (JSON.parse(given[EXPECTATIONS]) as Partial<ContainerHints>);
  return { ports: [...new Set(ports)], probed: expected.probed ?? [], ends: expected.ends ?? false };
}
