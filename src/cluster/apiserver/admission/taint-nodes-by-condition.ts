// TaintNodesByCondition: a new node takes no Pods until the node lifecycle controller has seen it ready.

import type { Node, Taint } from '../../api/generated/types.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin } from './chain.ts';

const NOT_READY: Taint = Object.freeze({ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' });

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  resources: ['nodes'],

  handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',

  admit(_, object) {
    const { spec } = object as unknown as Node;
    const taints = spec?.taints ?? [];
    if (taints.some((t) => t.key === NOT_READY.key && t.effect === NOT_READY.effect)) return object;
    return { ...object, spec: { ...spec, taints: [...taints, NOT_READY] } } as Unsaved;
  },
};
