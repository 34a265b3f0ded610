// Whether somebody's rules cover other rules: nobody may grant what he does not have (component-helpers/auth/rbac/validation).

import type { PolicyRule } from '../../api/generated/types.ts';
import { goQuoteList } from './quote.ts';
import { has, urlMatches } from './rules.ts';

/** The parts of `wanted` that `owned` does not cover, one verb, group, resource and name each. */
export function missingRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(breakDown).filter((part) => !owned.some((rule) => covers(rule, part)));
}

function breakDown(rule: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  for (const apiGroup of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const one = { apiGroups: [apiGroup], resources: [resource], verbs: [verb] };
        if (!rule.resourceNames?.length) parts.push(one);
        else for (const name of rule.resourceNames) parts.push({ ...one, resourceNames: [name] });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  return parts;
}

/** `part` says one thing only. */
function covers(owner: PolicyRule, part: PolicyRule): boolean {
  if (!has(owner.verbs, part.verbs[0] as string)) return false;
  const url = part.nonResourceURLs?.[0];
  if (url !== undefined) return (owner.nonResourceURLs ?? []).some((pattern) => urlMatches(pattern, url));
  if (!has(owner.apiGroups, part.apiGroups?.[0] as string)) return false;
  const resource = part.resources?.[0] as string;
  const slash = resource.indexOf('/');
  const resources = owner.resources ?? [];
  if (!has(resources, resource) && !(slash >= 0 && resources.includes(`*${resource.slice(slash)}`))) return false;
  if (!owner.resourceNames?.length) return true;
  return part.resourceNames?.length === 1 && owner.resourceNames.includes(part.resourceNames[0] as string);
}

/** Rules about one resource joined into one, with all their verbs. */
export function compactRules(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const compact: PolicyRule[] = [];
  const simple = new Map<string, { verbs: string[]; rule: PolicyRule }>();
  for (const rule of rules) {
    if (rule.apiGroups?.length !== 1 || rule.resources?.length !== 1 || (rule.resourceNames?.length ?? 0) > 1) {
      compact.push(rule);
      continue;
    }
    const key = `${rule.apiGroups[0]}\n${rule.resources[0]}\n${rule.resourceNames?.join() ?? ''}`;
    const known = simple.get(key);
    if (known) known.verbs.push(...rule.verbs);
    else simple.set(key, { verbs: [...rule.verbs], rule });
  }
  for (const { verbs, rule } of simple.values()) compact.push({ ...rule, verbs });
  return compact;
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}` */
export function describeRule(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const texts = parts.filter(([, list]) => list !== undefined && list.length > 0).map(([name, list]) => `${name}:${goQuoteList(list ?? [])}`);
  return `{${texts.join(', ')}}`;
}
