// Whether a PolicyRule covers a request (plugin/pkg/auth/authorizer/rbac/rbac.go and component-helpers/auth/rbac).

import type { PolicyRule } from '../../api/generated/types.ts';
import type { Attributes } from './attributes.ts';

/** Whether one rule covers the attributes, whatever the object's name. */
export function ruleCovers(rule: PolicyRule, a: Attributes): boolean {
  if (!has(rule.verbs, a.verb)) return false;
  if (!a.isResource) return (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, a.path));
  if (!has(rule.apiGroups, a.group)) return false;
  const resources = rule.resources;
  if (!resources) return false;
  const full = a.subresource === '' ? a.resource : `${a.resource}/${a.subresource}`;
  return resources.includes('*') || resources.includes(full) || (a.subresource !== '' && resources.includes(`*/${a.subresource}`));
}

export const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || list.includes('*'));

export const urlMatches = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
