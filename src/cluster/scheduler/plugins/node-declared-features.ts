// NodeDeclaredFeatures (KEP-5328): Pods that need a feature of the kubelet go only to nodes that declare it.

import type { Node, Pod } from '../../api/generated/types.ts';
import { type Plugin, SKIP, unresolvable } from '../framework/types.ts';

const REJECTED = unresolvable("node(s) didn't match Pod's required features");
const NOTHING: readonly string[] = [];

/** What the Pod needs of a kubelet that not every one has. */
function featuresOf({ spec }: Pod): readonly string[] {
  const needed: string[] = [];
  const restartsAll = (containers: Pod['spec']['initContainers']): boolean =>
    (containers ?? []).some((c) => c.restartPolicyRules?.some((rule) => rule.action === 'RestartAllContainers') === true);
  if (restartsAll(spec.containers) || restartsAll(spec.initContainers)) needed.push('RestartAllContainersOnContainerExits');
  if (spec.hostNetwork === true && spec.hostUsers === false) needed.push('UserNamespacesHostNetworkSupport');
  return needed.length === 0 ? NOTHING : needed;
}

const declares = (node: Node, features: readonly string[]): boolean => features.every((feature) => node.status.declaredFeatures?.includes(feature) === true);

export const nodeDeclaredFeatures: Plugin = {
  name: 'NodeDeclaredFeatures',
  events: [
    { event: 'NodeAdd', worthTrying: ({ pod }, _, after) => declares(after as Node, featuresOf(pod)) },
    { event: 'NodeDeclaredFeature', worthTrying: ({ pod }, _, after) => declares(after as Node, featuresOf(pod)) },
  ],
  preFilter({ pod }) {
    const state = featuresOf(pod);
    return state.length === 0 ? { status: SKIP } : { status: null, state };
  },
  filter: (state: readonly string[], _, { node }) => (node !== null && declares(node, state) ? null : REJECTED),
};
