// Whether a node is one that a Pod's nodeSelector and required node affinity allow
// (k8s.io/component-helpers/scheduling/corev1/nodeaffinity).

import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../api/generated/types.ts';

export function allowsNode(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const name in spec.nodeSelector) if (labels[name] !== spec.nodeSelector[name]) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matches(term, node));
}

function matches(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  const fields: Readonly<Record<string, string>> = { 'metadata.name': node.metadata.name };
  return matchExpressions.every((r) => holds(r, labels[r.key])) && matchFields.every((r) => holds(r, fields[r.key]));
}

function holds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
