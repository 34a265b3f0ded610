// The audit policy (--audit-policy-file, audit.k8s.io/v1 Policy): the first rule that matches says how much of a request is written down
// (apiserver/pkg/audit/policy).

import { parseYaml } from '../../api/yaml.ts';
import type { RequestInfo, User } from '../request.ts';

export type Level = 'None' | 'Metadata' | 'Request' | 'RequestResponse';
export type Stage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

interface Rule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly { readonly group?: string; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[] }[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface Policy {
  readonly rules: readonly Rule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

export interface Verdict {
  readonly level: Level;
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

const LEVELS = new Set(['None', 'Metadata', 'Request', 'RequestResponse']);
const NOTHING: Verdict = { level: 'None', omitStages: [], omitManagedFields: false };

/** The policy in the text, or why there is none. */
export function readPolicy(text: string): Policy | string {
  let given: unknown;
  try {
    given = parseYaml(text);
  } catch (error) {
    return `failed decoding: ${error instanceof Error ? error.message : String(error)}`;
  }
  const { apiVersion, kind, rules, omitStages, omitManagedFields } = (given ?? {}) as Partial<Policy> & { apiVersion?: string; kind?: string };
  if (apiVersion !== 'audit.k8s.io/v1' || kind !== 'Policy') return `no kind "${kind ?? ''}" is registered for version "${apiVersion ?? ''}"`;
  if (!rules?.length) return 'loaded illegal policy with 0 rules';
  const bad = rules.findIndex((rule) => !LEVELS.has(rule.level));
  if (bad >= 0) {
    const level = JSON.stringify(rules[bad]?.level ?? '');
    return `rules[${bad}].level: Unsupported value: ${level}: supported values: "Metadata", "None", "Request", "RequestResponse"`;
  }
  return { rules, omitStages: omitStages ?? [], omitManagedFields: omitManagedFields ?? false };
}

export function judge(policy: Policy, user: User, info: RequestInfo): Verdict {
  const rule = policy.rules.find((one) => ruleMatches(one, user, info));
  if (!rule) return NOTHING;
  return {
    level: rule.level,
    omitStages: [...policy.omitStages, ...(rule.omitStages ?? [])],
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
  };
}

function ruleMatches(rule: Rule, user: User, info: RequestInfo): boolean {
  if (rule.users?.length && !rule.users.includes(user.name)) return false;
  if (rule.userGroups?.length && !rule.userGroups.some((group) => user.groups.includes(group))) return false;
  if (rule.verbs?.length && !rule.verbs.includes(info.verb)) return false;
  if (rule.namespaces?.length || rule.resources?.length) return info.isResource && onResource(rule, info);
  if (rule.nonResourceURLs?.length) {
    return !info.isResource && rule.nonResourceURLs.some((url) => url === '*' || url === info.path || (url.endsWith('*') && info.path.startsWith(url.slice(0, -1))));
  }
  return true;
}

function onResource(rule: Rule, info: RequestInfo): boolean {
  if (rule.namespaces?.length && !rule.namespaces.includes(info.namespace)) return false;
  if (!rule.resources?.length) return true;
  const full = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return rule.resources.some(({ group = '', resources, resourceNames }) => {
    if (group !== info.group) return false;
    if (!resources?.length) return true;
    if (resourceNames?.length && !resourceNames.includes(info.name)) return false;
    return resources.some((one) => one === '*' || one === full || one === `*/${info.subresource}` || (one.endsWith('/*') && one.slice(0, -2) === info.resource));
  });
}
