// Which requests a FlowSchema takes (apiserver/pkg/util/flowcontrol/rule.go).

import type { FlowSchema } from '../../api/generated/types.ts';
import type { RequestInfo, User } from '../request.ts';

type Rules = NonNullable<FlowSchema['spec']['rules']>[number];

const ACCOUNT = 'system:serviceaccount:';

/** Whether any of its rules is about the user. */
export const concerns = ({ spec }: FlowSchema, user: User): boolean =>
  (spec.rules ?? []).some((rules) => rules.subjects.some((subject) => subjectMatches(subject, user)));

export function schemaMatches(schema: FlowSchema, user: User, info: RequestInfo): boolean {
  for (const rules of schema.spec.rules ?? []) {
    if (rules.subjects.some((subject) => subjectMatches(subject, user)) && (info.isResource ? onResource(rules, info) : onPath(rules, info))) return true;
  }
  return false;
}

function subjectMatches({ user, group, serviceAccount }: Rules['subjects'][number], who: User): boolean {
  if (user) return user.name === '*' || user.name === who.name;
  if (group) return group.name === '*' || who.groups.includes(group.name);
  if (!serviceAccount) return false;
  const { namespace, name } = serviceAccount;
  return name === '*' ? who.name.startsWith(`${ACCOUNT}${namespace}:`) : who.name === `${ACCOUNT}${namespace}:${name}`;
}

const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);

function onResource({ resourceRules }: Rules, info: RequestInfo): boolean {
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return (resourceRules ?? []).some(
    (rule) =>
      has(rule.verbs, info.verb) &&
      has(rule.apiGroups, info.group) &&
      has(rule.resources, resource) &&
      (info.namespace === '' ? rule.clusterScope === true : has(rule.namespaces ?? [], info.namespace)),
  );
}

function onPath({ nonResourceRules }: Rules, info: RequestInfo): boolean {
  return (nonResourceRules ?? []).some(
    (rule) =>
      has(rule.verbs, info.verb) &&
      rule.nonResourceURLs.some((url) => url === '*' || url === info.path || (url.endsWith('/*') && info.path.startsWith(url.slice(0, -1)))),
  );
}
