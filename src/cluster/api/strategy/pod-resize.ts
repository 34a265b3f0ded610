// The door pods/resize (pkg/registry/core/pod/strategy.go podResizeStrategy): of what comes in, resources and resize policies of
// containers and the Pod's own resources are taken, all else stays.

import type { Container, Pod } from '../generated/types.ts';

/** `object` as far as a resize may change `old`. */
export function onlyResize(object: Pod, old: Pod): Pod {
  const { containers, initContainers, resources } = object.spec;
  const spec = { ...old.spec, containers: withResources(old.spec.containers, containers) };
  if (old.spec.initContainers !== undefined) Object.assign(spec, { initContainers: withResources(old.spec.initContainers, initContainers ?? []) });
  if (resources === undefined) delete (spec as { resources?: unknown }).resources;
  else Object.assign(spec, { resources });
  const { managedFields, resourceVersion } = object.metadata;
  const metadata = { ...old.metadata, ...(managedFields === undefined ? {} : { managedFields }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  return { ...old, metadata, spec };
}

/** By name; containers that are not in both stay as they were. */
function withResources(before: readonly Container[], now: readonly Container[]): readonly Container[] {
  return before.map((container) => {
    const wanted = now.find((c) => c.name === container.name);
    if (wanted === undefined) return container;
    const { resources: _old, resizePolicy: _policy, ...rest } = container;
    return {
      ...rest,
      ...(wanted.resources === undefined ? {} : { resources: wanted.resources }),
      ...(wanted.resizePolicy === undefined ? {} : { resizePolicy: wanted.resizePolicy }),
    };
  });
}
