// Policy rules taken apart, put together again and compared (component-helpers/auth/rbac/validation).

export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** One rule for each verb, group, resource and name. */
export function breakDown(rule: Rule): Rule[] {
  const names = rule.resourceNames?.length ? rule.resourceNames : [undefined];
  const resources = (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      rule.verbs.flatMap((verb) => names.map((name): Rule => ({ verbs: [verb], apiGroups: [group], resources: [resource], ...(name === undefined ? {} : { resourceNames: [name] }) }))),
    ),
  );
  const urls = (rule.nonResourceURLs ?? []).flatMap((url) => rule.verbs.map((verb): Rule => ({ verbs: [verb], nonResourceURLs: [url] })));
  return [...resources, ...urls];
}

/** Verbs for the same resource come together. */
export function compact(rules: readonly Rule[]): Rule[] {
  const simple = new Map<string, { rule: Rule; verbs: string[] }>();
  const out: Rule[] = [];
  for (const rule of rules) {
    if (rule.nonResourceURLs?.length || rule.resources?.length !== 1 || rule.apiGroups?.length !== 1) {
      out.push(rule);
      continue;
    }
    const key = JSON.stringify([rule.apiGroups[0], rule.resources[0], rule.resourceNames?.[0] ?? null]);
    const known = simple.get(key);
    if (!known) simple.set(key, { rule, verbs: [...rule.verbs] });
    else for (const verb of rule.verbs) if (!known.verbs.includes(verb)) known.verbs.push(verb);
  }
  return [...out, ...[...simple.values()].map(({ rule, verbs }) => ({ ...rule, verbs }))];
}

const goList = (values: readonly string[] = []): string => `[${values.join(' ')}]`;

/** PolicyRule.String(). */
export const ruleText = (r: Rule): string =>
  `&PolicyRule{Verbs:${goList(r.verbs)},APIGroups:${goList(r.apiGroups)},Resources:${goList(r.resources)},ResourceNames:${goList(r.resourceNames)},NonResourceURLs:${goList(r.nonResourceURLs)},}`;

/** fmt's %+v of the struct. */
export const ruleFields = (r: Rule): string =>
  `{Verbs:${goList(r.verbs)} APIGroups:${goList(r.apiGroups)} Resources:${goList(r.resources)} ResourceNames:${goList(r.resourceNames)} NonResourceURLs:${goList(r.nonResourceURLs)}}`;

const covers = (have: readonly string[] = [], want: readonly string[] = []): boolean => have.includes('*') || want.every((w) => have.includes(w));

const coversResource = (have: readonly string[] = [], want: readonly string[] = []): boolean =>
  covers(have, want) || want.every((w) => have.includes(w) || (w.includes('/') && have.includes(`*${w.slice(w.indexOf('/'))}`)));

const coversUrl = (have: readonly string[] = [], want: readonly string[] = []): boolean =>
  want.every((w) => have.some((h) => h === '*' || h === w || (h.endsWith('*') && w.startsWith(h.slice(0, -1)))));

function ruleCovers(owner: Rule, wanted: Rule): boolean {
  const names = !owner.resourceNames?.length || (wanted.resourceNames?.length ? wanted.resourceNames.every((n) => owner.resourceNames?.includes(n)) : false);
  return covers(owner.verbs, wanted.verbs) && covers(owner.apiGroups, wanted.apiGroups) && coversResource(owner.resources, wanted.resources) && coversUrl(owner.nonResourceURLs, wanted.nonResourceURLs) && names;
}

/** What `wanted` allows and `owned` does not, verb by verb. */
export const uncovered = (owned: readonly Rule[], wanted: readonly Rule[]): Rule[] => compact(wanted.flatMap(breakDown).filter((w) => !owned.some((o) => ruleCovers(o, w))));
