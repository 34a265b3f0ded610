// NodeName: a Pod that names its node runs there or nowhere.

import type { Node } from '../../api/generated/types.ts';
import { type Plugin, unresolvable } from '../framework/types.ts';

const REJECTED = unresolvable("node(s) didn't match the requested node name");

export const nodeName: Plugin = {
  name: 'NodeName',
  events: [{ event: 'NodeAdd', worthTrying: ({ pod }, _, after) => pod.spec.nodeName === (after as Node).metadata.name }],
  filter(_, { pod }, node) {
    const wanted = pod.spec.nodeName;
    return !wanted || wanted === node.name ? null : REJECTED;
  },
};
