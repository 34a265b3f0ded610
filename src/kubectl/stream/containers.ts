// Which container of a Pod is meant: the named one, the one of the annotation, or the first (kubectl/pkg/cmd/util/podcmd).

import type { Container, Pod } from '../../cluster/api/generated/types.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../print/error.ts';

export const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

export type AnyContainer = Pick<Container, 'name' | 'tty' | 'stdin'>;

export interface FoundContainer {
  readonly container: AnyContainer;
  readonly kind: 'containers' | 'initContainers' | 'ephemeralContainers';
}

/** All of them in the order that messages have: containers, `x (ephem)`, `x (init)`. */
export const containerNames = ({ spec }: Pod): string =>
  [...spec.containers.map((c) => c.name), ...(spec.ephemeralContainers ?? []).map((c) => `${c.name} (ephem)`), ...(spec.initContainers ?? []).map((c) => `${c.name} (init)`)].join(', ');

export function containerByName({ spec }: Pod, name: string): FoundContainer | undefined {
  for (const kind of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    const list: readonly AnyContainer[] = spec[kind] ?? [];
    const container = list.find((c) => c.name === name);
    if (container) return { container, kind };
  }
  return undefined;
}

/** @throws CommandError */
export function mustContainer(pod: Pod, name: string): FoundContainer {
  const found = containerByName(pod, name);
  if (!found) throw new CommandError(`container ${name} is not valid for pod ${pod.metadata.name} out of: ${containerNames(pod)}`);
  return found;
}

const hasMore = ({ spec }: Pod): boolean => spec.containers.length > 1 || (spec.initContainers?.length ?? 0) > 0 || (spec.ephemeralContainers?.length ?? 0) > 0;

/** Takes the first; says so when there are others. */
export function defaulted(context: Context, pod: Pod, quiet: boolean): string {
  const [first] = pod.spec.containers;
  if (!first) throw new CommandError(`pod ${pod.metadata.namespace}/${pod.metadata.name} does not have any containers`);
  if (!quiet && hasMore(pod)) context.printError(`Defaulted container ${JSON.stringify(first.name)} out of: ${containerNames(pod)}`);
  return first.name;
}

/** The container for exec and attach. @throws CommandError */
export function containerFor(context: Context, pod: Pod, name: string, quiet: boolean): FoundContainer {
  const wanted = name || pod.metadata.annotations?.[DEFAULT_CONTAINER] || '';
  return mustContainer(pod, wanted === '' ? defaulted(context, pod, quiet) : wanted);
}
