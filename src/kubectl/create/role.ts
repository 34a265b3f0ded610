// kubectl create role and clusterrole (kubectl/pkg/cmd/create/create_{role,clusterrole}.go).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError, PlainError } from '../print/error.ts';
import type { Mapping } from '../resource/discovery.ts';
import { generatorCommand, type Json } from './generator.ts';

const RESOURCE_VERBS = ['*', 'get', 'delete', 'list', 'create', 'update', 'patch', 'watch', 'proxy', 'deletecollection', 'use', 'bind', 'escalate', 'impersonate'];
const URL_VERBS = ['*', 'get', 'post', 'put', 'delete', 'patch', 'head', 'options'];
const RBAC = 'rbac.authorization.k8s.io';

/** Verbs that only some resources know, as `resource.group`. */
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  use: ['podsecuritypolicies.policy', 'podsecuritypolicies.extensions'],
  bind: [`roles.${RBAC}`, `clusterroles.${RBAC}`],
  escalate: [`roles.${RBAC}`, `clusterroles.${RBAC}`],
  impersonate: ['users.', 'serviceaccounts.', 'groups.', 'userextras.authentication.k8s.io'],
};

interface Asked {
  readonly resource: string;
  readonly group: string;
  readonly subresource: string;
}

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)];

const verbsOf = (flags: Flags): readonly string[] => (flags.list('verb').includes('*') ? ['*'] : unique(flags.list('verb')));

/** `deployments.apps/scale`; a lone `*` makes all others senseless. */
function resourcesOf(flags: Flags): readonly Asked[] {
  const asked: Asked[] = [];
  for (const text of flags.list('resource')) {
    const slash = text.indexOf('/');
    const name = slash < 0 ? text : text.slice(0, slash);
    const dot = name.indexOf('.');
    const one = { resource: dot < 0 ? name : name.slice(0, dot), group: dot < 0 ? '' : name.slice(dot + 1), subresource: slash < 0 ? '' : text.slice(slash + 1) };
    if (one.resource === '*' && dot < 0 && slash < 0) return [one];
    asked.push(one);
  }
  return asked;
}

/** The real plural and group; undefined when the server has no such resource. */
function mappingOf(context: Context, { resource, group }: Asked): Op<Mapping | undefined> {
  return context.mapper.tryArgument(group === '' ? resource : `${resource}.${group}`);
}

const unknown = ({ resource, group }: Asked): PlainError =>
  new PlainError(`the server doesn't have a resource type ${JSON.stringify(resource)}${group === '' ? '' : ` in group ${JSON.stringify(group)}`}`);

function* checkResources(context: Context, verbs: readonly string[], resources: readonly Asked[]): Op<void> {
  for (const asked of resources) {
    if (asked.resource === '') throw new CommandError('resource must be specified if apiGroup/subresource specified');
    if (asked.resource === '*') return;
    const mapping = yield* mappingOf(context, asked);
    const { resource, group } = mapping ?? asked;
    let known = mapping !== undefined;
    for (const verb of verbs) {
      const only = SPECIAL[verb];
      if (only === undefined) continue;
      if (!only.includes(`${resource}.${group}`)) throw new CommandError(`can not perform '${verb}' on '${resource}' in group '${group}'`);
      known = true;
    }
    if (!known) throw unknown(asked);
  }
}

function warnOfVerbs(context: Context, verbs: readonly string[]): void {
  for (const verb of verbs) if (!RESOURCE_VERBS.includes(verb)) context.warn(`'${verb}' is not a standard resource verb`);
}

/** One rule for each group, in the order of the groups. */
function* rulesOf(context: Context, verbs: readonly string[], resources: readonly Asked[], resourceNames: readonly string[]): Op<Json[]> {
  const groups = new Map<string, string[]>();
  for (const asked of resources) {
    const { resource, group } = asked.resource === '*' ? asked : ((yield* mappingOf(context, asked)) ?? asked);
    const name = asked.subresource === '' ? resource : `${resource}/${asked.subresource}`;
    const names = groups.get(group) ?? [];
    if (!names.includes(name)) names.push(name);
    groups.set(group, names);
  }
  return [...groups.keys()].sort().map((group) => ({ verbs, apiGroups: [group], resources: groups.get(group), ...(resourceNames.length > 0 ? { resourceNames } : {}) }));
}

const ruleFlags = [
  flag.slice('resource', 'The resources of the rule.'),
  flag.array('resource-name', 'A name that the rule is limited to; repeat it for several.'),
  flag.slice('verb', 'The verbs of the rule.'),
];

export const CREATE_ROLE = generatorCommand({
  name: 'role',
  use: 'role NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]',
  short: 'Create a role with single rule',
  examples: '# Reading pods\nkubectl create role pod-reader --verb=get,list,watch --resource=pods\n\n# One object only\nkubectl create role web-reader --verb=get --resource=pods --resource-name=web\n\n# A subresource in a group\nkubectl create role scaler --verb=update --resource=deployments.apps/scale',
  flags: ruleFlags,
  *make(context, flags, name) {
    const [verbs, resources] = [verbsOf(flags), resourcesOf(flags)];
    if (name === '') throw new CommandError('name must be specified');
    if (verbs.length === 0) throw new CommandError('at least one verb must be specified');
    warnOfVerbs(context, verbs);
    if (resources.length === 0) throw new CommandError('at least one resource must be specified');
    yield* checkResources(context, verbs, resources);
    const rules = yield* rulesOf(context, verbs, resources, unique(flags.list('resource-name')));
    return { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name }, rules };
  },
});

function checkUrls(verbs: readonly string[], urls: readonly string[]): void {
  if (urls.length === 0) return;
  const wrong = verbs.find((verb) => !URL_VERBS.includes(verb));
  if (wrong !== undefined) throw new CommandError(`invalid verb: '${wrong}' for nonResourceURL`);
  for (const url of urls) {
    if (url === '*') continue;
    if (!url.startsWith('/')) throw new CommandError('nonResourceURL should start with /');
    if (url.slice(0, -1).includes('*')) throw new CommandError("nonResourceURL only supports wildcard matches when '*' is at the end");
  }
}

/** `key=value,…`. Throws CommandError. */
function aggregationOf(flags: Flags): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const pair of flags.given('aggregation-rule') ? flags.list('aggregation-rule') : []) {
    const equals = pair.indexOf('=');
    if (equals < 0) throw new CommandError(`invalid argument ${JSON.stringify(flags.text('aggregation-rule'))} for "--aggregation-rule" flag: malformed pair, expect string=string\nSee 'kubectl create clusterrole --help' for usage.`);
    labels[pair.slice(0, equals).trim()] = pair.slice(equals + 1).trim();
  }
  return labels;
}

export const CREATE_CLUSTER_ROLE = generatorCommand({
  name: 'clusterrole',
  use: 'clusterrole NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]',
  short: 'Create a cluster role',
  examples: '# Reading pods in all namespaces\nkubectl create clusterrole pod-reader --verb=get,list,watch --resource=pods\n\n# Paths of the server\nkubectl create clusterrole logs --verb=get --non-resource-url=/logs/*\n\n# The rules of all cluster roles with a label\nkubectl create clusterrole monitoring --aggregation-rule="example.com/to-monitoring=true"',
  flags: [
    { name: 'aggregation-rule', type: 'text', value: '', help: 'Labels of the cluster roles whose rules this one gathers.' },
    flag.slice('non-resource-url', 'Paths of the server that the rule allows.'),
    ...ruleFlags,
  ],
  clusterScoped: true,
  *make(context, flags, name) {
    const [verbs, resources, urls] = [verbsOf(flags), resourcesOf(flags), unique(flags.list('non-resource-url'))];
    const [resourceNames, matchLabels] = [unique(flags.list('resource-name')), aggregationOf(flags)];
    const head = { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name } };
    if (name === '') throw new CommandError('name must be specified');
    if (Object.keys(matchLabels).length > 0) {
      if (urls.length + verbs.length + resources.length + resourceNames.length > 0) {
        throw new CommandError('aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames');
      }
      return { ...head, aggregationRule: { clusterRoleSelectors: [{ matchLabels }] } };
    }
    if (verbs.length === 0) throw new CommandError('at least one verb must be specified');
    if (resources.length === 0 && urls.length === 0) throw new CommandError('one of resource or nonResourceURL must be specified');
    if (resources.length > 0) {
      warnOfVerbs(context, verbs);
      yield* checkResources(context, verbs, resources);
    }
    checkUrls(verbs, urls);
    const rules = yield* rulesOf(context, verbs, resources, resourceNames);
    return { ...head, rules: urls.length > 0 ? [...rules, { verbs, nonResourceURLs: urls }] : rules };
  },
});
