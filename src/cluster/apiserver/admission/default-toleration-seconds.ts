// DefaultTolerationSeconds: a Pod stays five minutes on a node that is not ready or unreachable, unless it says otherwise.

import type { Pod, Toleration } from '../../api/generated/types.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin } from './chain.ts';

const SECONDS = 300;
const NOT_READY: Toleration = Object.freeze({
  key: 'node.kubernetes.io/not-ready',
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: SECONDS,
});
const UNREACHABLE: Toleration = Object.freeze({ ...NOT_READY, key: 'node.kubernetes.io/unreachable' });
const BOTH: readonly Toleration[] = Object.freeze([NOT_READY, UNREACHABLE]);

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  resources: ['pods'],

  handles: ({ operation, subresource }) => operation !== 'DELETE' && subresource === '',

  admit(_, object) {
    const { spec } = object as unknown as Pod;
    const given = spec?.tolerations ?? [];
    const tolerates = (key: string): boolean => given.some((t) => (t.key === key || !t.key) && (t.effect === 'NoExecute' || !t.effect));
    const added = BOTH.filter((t) => !tolerates(t.key as string));
    if (added.length === 0) return object;
    return { ...object, spec: { ...spec, tolerations: given.length === 0 && added.length === 2 ? BOTH : [...given, ...added] } } as Unsaved;
  },
};
