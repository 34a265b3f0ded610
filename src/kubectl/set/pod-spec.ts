// Where a workload keeps its pod spec, and a copy of it with another one (kubectl/pkg/polymorphichelpers/updatepodspec.go).

import { CommandError } from '../print/error.ts';
import type { LiveObject } from '../rest.ts';

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: EnvVarSource;
}

export interface EnvVarSource {
  readonly fieldRef?: { readonly fieldPath: string };
  readonly resourceFieldRef?: { readonly containerName?: string; readonly resource: string; readonly divisor?: string };
  readonly configMapKeyRef?: { readonly name?: string; readonly key: string };
  readonly secretKeyRef?: { readonly name?: string; readonly key: string };
}

export type Quantities = Readonly<Record<string, string>>;

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly { readonly containerPort: number; readonly protocol?: string }[];
  readonly resources?: { readonly limits?: Quantities; readonly requests?: Quantities };
}

export interface PodSpec {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly serviceAccountName?: string;
}

type Json = Readonly<Record<string, unknown>>;

const TEMPLATE = ['spec', 'template', 'spec'];
const PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec'],
  ReplicationController: TEMPLATE,
  Deployment: TEMPLATE,
  DaemonSet: TEMPLATE,
  ReplicaSet: TEMPLATE,
  StatefulSet: TEMPLATE,
  Job: TEMPLATE,
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/** `*v1.Service`. */
export const goTypeOf = ({ apiVersion = '', kind = '' }: LiveObject): string => `*${apiVersion.split('/').at(-1)}.${kind}`;

/** The same value with another one at a path. */
export function withAt(value: unknown, path: readonly string[], change: (inner: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  const object = (value ?? {}) as Json;
  return { ...object, [key]: withAt(object[key], rest, change) };
}

/** The object with its pod spec changed. Throws CommandError when it has none, and what `change` throws. */
export function withPodSpec(object: LiveObject, change: (spec: PodSpec) => PodSpec): LiveObject {
  const path = PATHS[object.kind ?? ''];
  if (path === undefined) throw new CommandError(`the object is not a pod or does not have a pod template: ${goTypeOf(object)}`);
  return withAt(object, path, (spec) => change((spec ?? {}) as PodSpec)) as LiveObject;
}

/** The spec with some of its containers changed, those of the start last in `chosen`, as upstream goes through them. */
export function withContainers(spec: PodSpec, chooses: (name: string) => boolean, change: (container: Container) => Container): { readonly spec: PodSpec; readonly chosen: number } {
  let chosen = 0;
  const each = (containers: readonly Container[]): readonly Container[] =>
    containers.map((container) => {
      if (!chooses(container.name)) return container;
      chosen++;
      return change(container);
    });
  const containers = spec.containers && each(spec.containers);
  const initContainers = spec.initContainers && each(spec.initContainers);
  return { spec: { ...spec, ...(containers ? { containers } : {}), ...(initContainers ? { initContainers } : {}) }, chosen };
}

/** Whether a name fits -c: `*` stands for anything, found from left to right (with upstream's liberties). */
export function fits(name: string, spec: string): boolean {
  if (spec === '*') return true;
  if (!spec.includes('*')) return name === spec;
  const parts = spec.split('*');
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (part === '') continue;
    const next = name.slice(at).indexOf(part);
    if (next < at || (i === 0 && at !== 0) || (i === parts.length - 1 && name.length !== part.length + next)) return false;
    at = next;
  }
  return true;
}
