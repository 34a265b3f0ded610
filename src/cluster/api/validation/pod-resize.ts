// What a write to pods/resize may change (core validation ValidatePodResize).

import type { Container, Pod } from '../generated/types.ts';
import { semanticEqual } from '../meta.ts';
import { qosClass } from '../qos.ts';
import { type Errors, forbiddenField, invalidValue } from './errors.ts';
import { checkPodSpec } from './pod.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const RESIZABLE = new Set(['cpu', 'memory']);

export function checkPodResize(errors: Errors, pod: Pod, old: Pod): void {
  if (old.metadata.annotations?.[MIRROR] !== undefined) {
    errors.add(forbiddenField('', 'static pods cannot be resized'));
    return;
  }
  if (pod.spec === old.spec) return;
  checkPodSpec(errors, 'spec', pod.spec);
  if (qosClass(pod.spec) !== qosClass(old.spec)) {
    errors.add(invalidValue('spec', old.status.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  }
  checkContainers(errors, 'spec.containers', pod.spec.containers, old.spec.containers);
  checkContainers(errors, 'spec.initContainers', pod.spec.initContainers ?? [], old.spec.initContainers ?? []);
  checkRemoved(errors, 'spec.resources', pod.spec.resources, old.spec.resources);
  (old.spec.initContainers ?? []).forEach((before, i) => {
    const now = pod.spec.initContainers?.[i];
    if (before.restartPolicy !== 'Always' && !semanticEqual(now?.resources, before.resources)) {
      errors.add(forbiddenField(`spec.initContainers[${i}].resources`, 'resources for non-sidecar init containers are immutable'));
    }
  });
}

type Resources = Container['resources'];

function checkContainers(errors: Errors, at: string, now: readonly Container[], before: readonly Container[]): void {
  before.forEach((old, i) => {
    const container = now[i];
    if (container === undefined) return;
    checkRemoved(errors, `${at}[${i}].resources`, container.resources, old.resources);
    if (!semanticEqual(container.resizePolicy, old.resizePolicy)) {
      errors.add(forbiddenField('spec', 'only cpu and memory resources are mutable'));
    }
    for (const kind of ['limits', 'requests'] as const) {
      const [a, b] = [container.resources?.[kind] ?? {}, old.resources?.[kind] ?? {}];
      const changed = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !RESIZABLE.has(name) && a[name] !== b[name]);
      if (changed.length > 0) errors.add(forbiddenField('spec', 'only cpu and memory resources are mutable'));
    }
  });
}

/** What had a request or a limit keeps one. */
function checkRemoved(errors: Errors, at: string, now: Resources, old: Resources): void {
  for (const kind of ['limits', 'requests'] as const) {
    const gone = [...RESIZABLE].some((name) => old?.[kind]?.[name] !== undefined && now?.[kind]?.[name] === undefined);
    if (gone) errors.add(forbiddenField(`${at}.${kind}`, `resource ${kind} cannot be removed`));
  }
}
