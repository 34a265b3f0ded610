// kubectl create namespace, serviceaccount, quota, poddisruptionbudget and priorityclass (kubectl/pkg/cmd/create).

import { flag } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { generatorCommand } from './generator.ts';
import { resourceListOf } from './quantities.ts';
import { compact, objectSelector } from './selector.ts';

function mustName(name: string): void {
  if (name === '') throw new CommandError('name must be specified');
}

export const CREATE_NAMESPACE = generatorCommand({
  name: 'namespace',
  aliases: ['ns'],
  use: 'namespace NAME [--dry-run=server|client|none]',
  short: 'Create a namespace with the specified name',
  examples: '# A namespace\nkubectl create namespace shop',
  clusterScoped: true,
  make(_context, _flags, name) {
    mustName(name);
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  },
});

export const CREATE_SERVICE_ACCOUNT = generatorCommand({
  name: 'serviceaccount',
  aliases: ['sa'],
  use: 'serviceaccount NAME [--dry-run=server|client|none]',
  short: 'Create a service account with the specified name',
  examples: '# A service account\nkubectl create serviceaccount web',
  failed: 'failed to create serviceaccount: ',
  make(_context, _flags, name) {
    mustName(name);
    return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
  },
});

/** Throws CommandError for an empty one. */
function scopesOf(text: string): readonly string[] | undefined {
  if (text === '') return undefined;
  const scopes = text.split(',');
  if (scopes.includes('')) throw new CommandError('invalid resource quota scope ""');
  return scopes;
}

export const CREATE_QUOTA = generatorCommand({
  name: 'quota',
  aliases: ['resourcequota'],
  use: 'quota NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]',
  short: 'Create a quota with the specified name',
  long: 'Create a resource quota with limits and scopes.',
  examples: '# Limits of a namespace\nkubectl create quota small --hard=cpu=2,memory=4Gi,pods=10\n\n# Only pods without requests\nkubectl create quota best-effort --hard=pods=100 --scopes=BestEffort',
  flags: [flag.string('hard', 'The limits, RESOURCE=QUANTITY,….'), flag.string('scopes', 'The scopes; all of them must fit an object.')],
  failed: 'failed to create quota: ',
  make(_context, flags, name) {
    mustName(name);
    const hard = resourceListOf(flags.text('hard'));
    const scopes = scopesOf(flags.text('scopes'));
    return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec: { ...(hard ? { hard } : {}), ...(scopes ? { scopes } : {}) } };
  },
});

const numberOrPercent = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

export const CREATE_DISRUPTION_BUDGET = generatorCommand({
  name: 'poddisruptionbudget',
  aliases: ['pdb'],
  use: 'poddisruptionbudget NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]',
  short: 'Create a pod disruption budget with the specified name',
  examples: '# One pod stays\nkubectl create pdb web --selector=app=web --min-available=1\n\n# Half of them stay\nkubectl create pdb web --selector=app=web --min-available=50%',
  flags: [
    flag.string('max-unavailable', 'How many pods, or what share of them, may be down.'),
    flag.string('min-available', 'How many pods, or what share of them, must stay.'),
    flag.string('selector', "Label selector of the pods; only requirements with '='."),
  ],
  failed: 'failed to create poddisruptionbudgets: ',
  make(_context, flags, name) {
    mustName(name);
    const [selector, min, max] = [flags.text('selector'), flags.text('min-available'), flags.text('max-unavailable')];
    if (selector === '') throw new CommandError('a selector must be specified');
    if (min === '' && max === '') throw new CommandError('one of min-available or max-unavailable must be specified');
    if (min !== '' && max !== '') throw new CommandError('min-available and max-unavailable cannot be both specified');
    const form = /^\d+%?$/;
    if (min !== '' && !form.test(min)) throw new CommandError('invalid format specified for min-available');
    if (max !== '' && !form.test(max)) throw new CommandError('invalid format specified for max-unavailable');
    return {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: {
        ...(min === '' ? {} : { minAvailable: numberOrPercent(min) }),
        selector: compact(objectSelector(selector)),
        ...(min === '' ? { maxUnavailable: numberOrPercent(max) } : {}),
      },
    };
  },
});

export const CREATE_PRIORITY_CLASS = generatorCommand({
  name: 'priorityclass',
  aliases: ['pc'],
  use: 'priorityclass NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]',
  short: 'Create a priority class with the specified name',
  examples: '# A high priority\nkubectl create priorityclass high --value=1000 --description="important"\n\n# One that displaces no others\nkubectl create priorityclass high --value=1000 --preemption-policy="Never"',
  flags: [
    flag.string('description', 'When to use the class.'),
    flag.bool('global-default', 'Whether pods without a class have this one.'),
    flag.string('preemption-policy', 'Whether pods of the class displace others.', { value: 'PreemptLowerPriority' }),
    flag.int32('value', 'The priority.'),
  ],
  clusterScoped: true,
  failed: 'failed to create priorityclass: ',
  make: (_context, flags, name) => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value: flags.integer('value'),
    ...(flags.is('global-default') ? { globalDefault: true } : {}),
    ...(flags.text('description') === '' ? {} : { description: flags.text('description') }),
    preemptionPolicy: flags.text('preemption-policy'),
  }),
});
