// Which requests a webhook or a policy wants to see: rules, selectors (apiserver/pkg/admission/plugin/webhook/{rules,predicates}).

import type { LabelSelector, Namespace } from '../../api/generated/types.ts';
import { matchLabels, selectorOf } from '../../api/selector.ts';
import type { AdmissionRequest } from './chain.ts';

/** A rule as webhooks and policies write it. */
export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly operations?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly scope?: string;
}

export interface Constraints {
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly matchPolicy?: string;
}

/** Their own configuration is never shown to webhooks and policies: nobody could repair it. */
const EXEMPT = new Set(
  [
    'validatingwebhookconfigurations',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
  ].map((plural) => `${plural}.admissionregistration.k8s.io`),
);

export const isExempt = ({ kind }: AdmissionRequest): boolean => EXEMPT.has(kind.key);

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(value));

/** Whether one of the rules is about the request. */
export function rulesMatch(rules: readonly Rule[] | undefined, request: AdmissionRequest, matchPolicy = 'Equivalent'): boolean {
  return rules?.some((rule) => ruleMatches(rule, request, matchPolicy)) ?? false;
}

function ruleMatches(rule: Rule, request: AdmissionRequest, matchPolicy: string): boolean {
  const { kind, operation, subresource, name } = request;
  if (!has(rule.operations, operation) || !has(rule.apiGroups, kind.group)) return false;
  const version = request.x.info.version || kind.version;
  // Equivalent: a rule for another version of the same resource sees it, too.
  if (matchPolicy === 'Exact' ? !has(rule.apiVersions, version) : !rule.apiVersions?.length) return false;
  if (rule.resourceNames?.length && !rule.resourceNames.includes(name)) return false;
  const scope = rule.scope ?? '*';
  if (scope !== '*' && (scope === 'Namespaced') !== kind.namespaced) return false;
  return rule.resources?.some((pattern) => resourceMatches(pattern, kind.plural, subresource)) ?? false;
}

function resourceMatches(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const wanted = slash < 0 ? pattern : pattern.slice(0, slash);
  const sub = slash < 0 ? '' : pattern.slice(slash + 1);
  return (wanted === '*' || wanted === resource) && (sub === '*' || sub === subresource);
}

const isEmpty = (selector: LabelSelector | undefined): boolean =>
  !selector || (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions?.length ?? 0) === 0);

/** Whether the selectors let the request through. */
export function selectorsMatch({ namespaceSelector, objectSelector }: Constraints, request: AdmissionRequest): boolean {
  if (!isEmpty(namespaceSelector)) {
    const home = namespaceOf(request);
    if (home && !matchLabels(selectorOf(namespaceSelector), home.metadata.labels)) return false;
  }
  if (isEmpty(objectSelector)) return true;
  const selector = selectorOf(objectSelector);
  return [request.object, request.old].some((object) => object !== null && matchLabels(selector, object.metadata.labels));
}

/** The namespace that the request is about or in; null for cluster scope. */
export function namespaceOf({ kind, object, old, server, namespace }: AdmissionRequest): Namespace | null {
  if (kind.key === 'namespaces') return (object ?? old) as unknown as Namespace;
  if (!kind.namespaced) return null;
  return (server.store.cache.ofKey('namespaces').get(namespace) ?? null) as unknown as Namespace | null;
}
