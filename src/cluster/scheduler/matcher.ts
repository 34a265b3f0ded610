// Selectors compiled to functions over labels: scheduling asks the same selector for every node or Pod.

import type { LabelSelector, NodeSelectorTerm } from '../api/generated/types.ts';

export type Labels = Readonly<Record<string, string>>;
export type Matcher = (labels: Labels) => boolean;

export const EVERYTHING: Matcher = () => true;
export const NOTHING: Matcher = () => false;

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

const compiled = new WeakMap<LabelSelector, Matcher>();

/** As metav1.LabelSelectorAsSelector: an absent selector matches nothing, an empty one everything. */
export function compileLabelSelector(selector: LabelSelector | undefined): Matcher {
  if (selector === undefined) return NOTHING;
  let matcher = compiled.get(selector);
  if (matcher === undefined) compiled.set(selector, (matcher = compile(selector)));
  return matcher;
}

function compile(selector: LabelSelector): Matcher {
  const parts: Matcher[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => (labels) => labels[key] === value);
  for (const r of selector.matchExpressions ?? []) parts.push(compileRequirement(r));
  return all(parts);
}

/** All of `labels` (a service's selector, a nodeSelector). */
export function compileLabels(wanted: Labels): Matcher {
  return all(Object.entries(wanted).map(([key, value]) => (labels) => labels[key] === value));
}

export function all(parts: readonly Matcher[]): Matcher {
  if (parts.length === 0) return EVERYTHING;
  if (parts.length === 1) return parts[0] as Matcher;
  return (labels) => {
    for (const part of parts) if (!part(labels)) return false;
    return true;
  };
}

export function compileRequirement(r: Requirement): Matcher {
  const values = new Set(r.values ?? []);
  const { key } = r;
  switch (r.operator) {
    case 'In':
      return (labels) => {
        const value = labels[key];
        return value !== undefined && values.has(value);
      };
    case 'NotIn':
      return (labels) => {
        const value = labels[key];
        return value === undefined || !values.has(value);
      };
    case 'Exists':
      return (labels) => labels[key] !== undefined;
    case 'DoesNotExist':
      return (labels) => labels[key] === undefined;
    case 'Gt':
    case 'Lt':
      return compareWith(key, r.operator, r.values?.[0]);
    default:
      return NOTHING;
  }
}

const INTEGER = /^[+-]?\d+$/;

function compareWith(key: string, operator: 'Gt' | 'Lt', bound: string | undefined): Matcher {
  if (bound === undefined || !INTEGER.test(bound)) return NOTHING;
  const limit = Number(bound);
  return (labels) => {
    const value = labels[key];
    if (value === undefined || !INTEGER.test(value)) return false;
    return operator === 'Gt' ? Number(value) > limit : Number(value) < limit;
  };
}

/** What a node offers to a term: labels, and `metadata.name` as its only field. */
export type NodeMatcher = (labels: Labels, name: string) => boolean;

const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** One nodeSelectorTerm; an empty one, or one that asks for what no label can be, matches no node. */
export function compileNodeTerm(term: NodeSelectorTerm): NodeMatcher {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return () => false;
  if (expressions.some((r) => (r.values ?? []).some((value) => !LABEL_VALUE.test(value)))) return () => false;
  const byLabels = all(expressions.map(compileRequirement));
  if (fields.length === 0) return byLabels;
  const byName = all(fields.map(compileRequirement));
  return (labels, name) => byLabels(labels) && byName({ 'metadata.name': name });
}
