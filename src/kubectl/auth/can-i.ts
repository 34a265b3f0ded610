// kubectl auth can-i (kubectl/pkg/cmd/auth/cani.go).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { allNamespacesFlag } from '../global-flags.ts';
import { CommandError, Exit } from '../print/error.ts';
import { TabWriter } from '../print/tabwriter.ts';
import type { Mapping } from '../resource/discovery.ts';
import { breakDown, compact, type Rule, ruleText } from './rules.ts';

export const CAN_I: Command = {
  name: 'can-i',
  use: 'can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL]',
  short: 'Check whether an action is allowed',
  long: 'Check whether an action is allowed.\n\n VERB is a verb of the API such as get, list, watch, delete; TYPE is a resource, short names work; NONRESOURCEURL is a path that begins with "/"; NAME is the name of one object. Prints yes or no; the exit code is 0 for yes, 1 for no.',
  examples: '# May I create pods in all namespaces?\nkubectl auth can-i create pods --all-namespaces\n\n# May that service account list pods?\nkubectl auth can-i list pods --as=system:serviceaccount:dev:ci -n dev\n\n# All that I may do\nkubectl auth can-i --list',
  flags: [
    allNamespacesFlag,
    flag.bool('list', 'Print all that is allowed.'),
    flag.bool('no-headers', 'With --list: print no headers.'),
    flag.bool('quiet', 'Print nothing; only the exit code says it.', { short: 'q' }),
    flag.string('subresource', 'The subresource, such as pod/log.'),
  ],
  run: canI,
};

const RESOURCE_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', 'bind', 'impersonate', '*', 'approve', 'sign', 'escalate', 'attest'];
const PATH_VERBS = ['get', 'put', 'post', 'head', 'options', 'delete', 'patch', '*'];
const NOT_SERVED = ['users', 'groups'];

interface Review {
  readonly status?: { readonly allowed?: boolean; readonly reason?: string; readonly evaluationError?: string; readonly incomplete?: boolean; readonly resourceRules?: readonly Rule[]; readonly nonResourceRules?: readonly Rule[] };
}

const PATH = '/apis/authorization.k8s.io/v1';

function* canI(context: Context, flags: Flags): Op<number | void> {
  const { args } = flags;
  const all = flags.is('all-namespaces');
  if (flags.is('list')) {
    if (args.length !== 0) throw new CommandError('list option must be specified with no arguments');
    if (flags.is('quiet') || all || flags.text('subresource') !== '') throw new CommandError("list option can't be specified with neither quiet, all-namespaces nor subresource options");
    return yield* list(context, flags);
  }
  const [verb, what] = args;
  if (args.length !== 2 || verb === undefined || what === undefined) throw new CommandError("you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.");
  const spec = what.startsWith('/') ? pathSpec(context, flags, verb, what) : yield* resourceSpec(context, flags, verb, what);
  if (flags.is('no-headers')) throw new CommandError('--no-headers cannot be set without --list specified');
  const body = { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec };
  const { status = {} } = (yield* context.rest.raw('POST', `${PATH}/selfsubjectaccessreviews`, { body })).body as Review;
  const why = [status.reason, status.evaluationError].filter(Boolean).map((text) => ` - ${text}`).join('');
  if (!flags.is('quiet')) context.print(status.allowed ? 'yes' : `no${why}`);
  if (!status.allowed) throw new Exit(1);
}

function pathSpec(context: Context, flags: Flags, verb: string, path: string): object {
  if (flags.text('subresource') !== '') throw new CommandError('--subresource can not be used with NonResourceURL');
  if (!PATH_VERBS.includes(verb)) context.warn(`verb '${verb}' is not a known verb\n`);
  return { nonResourceAttributes: { verb, path } };
}

function* resourceSpec(context: Context, flags: Flags, verb: string, what: string): Op<object> {
  const slash = what.indexOf('/');
  const word = slash < 0 ? what : what.slice(0, slash);
  const name = slash < 0 ? '' : what.slice(slash + 1);
  const mapping: Mapping | undefined = word === '*' ? undefined : yield* context.mapper.tryArgument(word.toLowerCase());
  if (!mapping && word !== '*' && !NOT_SERVED.includes(word)) {
    const [resource, ...group] = word.toLowerCase().split('.');
    context.warn(`the server doesn't have a resource type '${resource}'${group.length > 0 ? ` in group '${group.join('.')}'` : ''}\n`);
  }
  const all = flags.is('all-namespaces');
  if (!all) {
    if (mapping && !mapping.namespaced) context.warn(`resource '${mapping.resource}' is not namespace scoped${mapping.group === '' ? '' : ` in group '${mapping.group}'`}\n`);
    if (!RESOURCE_VERBS.includes(verb)) context.warn(`verb '${verb}' is not a known verb\n`);
  }
  const subresource = flags.text('subresource');
  return {
    resourceAttributes: {
      ...(all ? {} : { namespace: context.namespace }),
      verb,
      ...(mapping?.group ? { group: mapping.group } : {}),
      ...(mapping ? { version: mapping.version } : {}),
      resource: mapping?.resource ?? word,
      ...(subresource === '' ? {} : { subresource }),
      ...(name === '' ? {} : { name }),
    },
  };
}

function combined([resource]: readonly string[] = [], [group]: readonly string[] = []): string {
  if (resource === undefined) return '';
  const slash = resource.indexOf('/');
  const name = slash < 0 ? resource : resource.slice(0, slash);
  return `${name}${group ? `.${group}` : ''}${slash < 0 ? '' : resource.slice(slash)}`;
}

const goList = (values: readonly string[] = []): string => `[${values.join(' ')}]`;

function* list(context: Context, flags: Flags): Op<void> {
  const body = { kind: 'SelfSubjectRulesReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec: { namespace: context.namespace } };
  const { status = {} } = (yield* context.rest.raw('POST', `${PATH}/selfsubjectrulesreviews`, { body })).body as Review;
  if (status.incomplete) context.warn(`the list may be incomplete: ${status.evaluationError ?? ''}`);
  const rules = compact([...(status.resourceRules ?? []), ...(status.nonResourceRules ?? [])].flatMap(breakDown));
  const tabs = new TabWriter((text) => context.write(text));
  if (!flags.is('no-headers')) tabs.write('Resources\tNon-Resource URLs\tResource Names\tVerbs\n');
  const sorted = rules.map((rule) => ({ rule, text: ruleText(rule) })).sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  for (const { rule } of sorted) tabs.write(`${combined(rule.resources, rule.apiGroups)}\t${goList(rule.nonResourceURLs)}\t${goList(rule.resourceNames)}\t${goList(rule.verbs)}\n`);
  tabs.flush();
}
