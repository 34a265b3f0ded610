// What the checks of the Pod Security Standards share (pod-security-admission/policy): visiting containers, and the way they speak.

import type { Container, ObjectMeta, PodSpec } from '../../../api/generated/types.ts';

/** Null: fine; else why not. */
export type Verdict = { readonly reason: string; readonly detail: string } | null;

export interface Check {
  readonly id: string;
  /** The minor version of Kubernetes since which it is made. */
  readonly since: number;
  /** Checks of the weaker level that this one includes. */
  readonly overrides?: readonly string[];
  /** `minor` is the version that the namespace asks for. */
  run(spec: PodSpec, metadata: ObjectMeta, minor: number): Verdict;
}

export const plural = (one: string, many: string, n: number): string => (n === 1 ? one : many);
export const quoted = (names: readonly string[]): string => `"${names.join('", "')}"`;
export const containersText = (names: readonly string[]): string => `${plural('container', 'containers', names.length)} ${quoted(names)}`;
export const sortedSet = (values: Iterable<string>): readonly string[] => [...new Set(values)].sort();

/** Init containers, containers, ephemeral ones. */
export const containersOf = (spec: PodSpec): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...((spec.ephemeralContainers ?? []) as readonly unknown[] as readonly Container[]),
];

export const namesWhere = (spec: PodSpec, bad: (container: Container) => boolean): readonly string[] =>
  containersOf(spec)
    .filter(bad)
    .map((c) => c.name);

/** "pod and container "a"" of those who set something; '' when nobody did. */
export function setters(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [containersText(containers)] : [])].join(' and ');
}

export const isWindows = (spec: PodSpec): boolean => spec.os?.name === 'windows';
/** Root inside a user namespace is nobody outside. */
export const hasOwnUsers = (spec: PodSpec): boolean => spec.hostUsers === false;
