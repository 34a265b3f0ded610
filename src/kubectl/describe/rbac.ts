// Roles and bindings; rules are taken apart and put together by resource (kubectl/pkg/describe; kubectl/pkg/util/rbac).

import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { byText, head, labelsAndAnnotations, listText, row } from './metadata.ts';
import type { Page } from './page.ts';

interface Compact {
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly url?: string;
  readonly verbs: string[];
}

const list = (value: string | undefined): readonly string[] => (value === undefined ? [] : [value]);

/** One rule for each verb of each thing that a rule is about. */
function* apart({ apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [], verbs }: PolicyRule): Iterable<Compact> {
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        if (resourceNames.length === 0) yield { group, resource, verbs: [verb] };
        for (const name of resourceNames) yield { group, resource, name, verbs: [verb] };
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) yield { url, verbs: [verb] };
}

/** Rules about the same resource become one with all verbs; those about URLs stay apart. */
export function compactRules(rules: readonly PolicyRule[]): Compact[] {
  const urls: Compact[] = [];
  const byResource = new Map<string, Compact>();
  for (const rule of rules.flatMap((r) => [...apart(r)])) {
    if (rule.url !== undefined) {
      urls.push(rule);
      continue;
    }
    const key = JSON.stringify([rule.group, rule.resource, rule.name]);
    const known = byResource.get(key);
    if (!known) byResource.set(key, rule);
    else for (const verb of rule.verbs) if (!known.verbs.includes(verb)) known.verbs.push(verb);
  }
  const order = (r: Compact): string => `Verbs:${listText(r.verbs)},APIGroups:${listText(list(r.group))},Resources:${listText(list(r.resource))},ResourceNames:${listText(list(r.name))},NonResourceURLs:${listText(list(r.url))},`;
  return [...urls, ...byResource.values()].sort((a, b) => byText(order(a), order(b)));
}

/** `deployments.apps/scale`. */
function resourceText(resource: string | undefined, group: string | undefined): string {
  if (resource === undefined) return '';
  const slash = resource.indexOf('/');
  const [name, sub] = slash < 0 ? [resource, ''] : [resource.slice(0, slash), resource.slice(slash)];
  return `${name}${group ? `.${group}` : ''}${sub}`;
}

export function* describeRole(page: Page, { metadata, rules }: Role | ClusterRole): Op<void> {
  head(page, metadata, false);
  labelsAndAnnotations(page, metadata);
  page.write(0, 'PolicyRule:\n');
  page.write(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs\n');
  page.write(1, '---------\t-----------------\t--------------\t-----\n');
  for (const r of compactRules(rules ?? [])) page.write(1, row(resourceText(r.resource, r.group), listText(list(r.url)), listText(list(r.name)), listText(r.verbs)));
}

export function* describeBinding(page: Page, { metadata, roleRef, subjects }: RoleBinding | ClusterRoleBinding): Op<void> {
  head(page, metadata, false);
  labelsAndAnnotations(page, metadata);
  page.write(0, 'Role:\n');
  page.write(1, `Kind:\t${roleRef.kind}\n`);
  page.write(1, `Name:\t${roleRef.name}\n`);
  page.write(0, 'Subjects:\n');
  page.write(1, 'Kind\tName\tNamespace\n');
  page.write(1, '----\t----\t---------\n');
  for (const { kind, name, namespace } of subjects ?? []) page.write(1, row(kind, name, namespace));
}
