// kubectl set env: sets, removes, imports and lists variables of containers (kubectl/pkg/cmd/set/set_env.go).

import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { selectorFlag } from '../global-flags.ts';
import { dryRunOf } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import { filesOf, mustFind } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { type Change, changesOf, containersFlag, sendChanges, setFlags } from './changes.ts';
import { changedEnv, type EnvChanges, parseEnv, References, referenceText, splitEnv } from './env-values.ts';
import { type Container, type EnvVar, fits, withContainers, withPodSpec } from './pod-spec.ts';

export const SET_ENV: Command = {
  name: 'env',
  use: 'env RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N',
  short: 'Update environment variables on a pod template',
  long: 'Update the environment variables of containers, or list them.\n\n KEY=VALUE sets a variable, KEY- removes it. "-" reads variables from stdin, --from takes them from a secret or config map.',
  examples: '# Set one\nkubectl set env deployment/web MODE=debug\n\n# List them\nkubectl set env deployment/web --list\n\n# All pods\nkubectl set env pods --all --list\n\n# From a config map\nkubectl set env --from=configmap/settings deployment/web\n\n# From a secret, with a prefix\nkubectl set env --from=secret/db --prefix=DB_ deployment/web\n\n# Remove one from all deployments\nkubectl set env deployments --all MODE-',
  flags: [
    ...setFlags('environment'),
    selectorFlag,
    containersFlag,
    flag.array('env', 'A variable to set, KEY=VALUE.', { short: 'e' }),
    flag.string('from', 'A secret or config map to take variables from.'),
    flag.slice('keys', 'The keys to take from it; default: all.'),
    flag.bool('list', 'Print the environment.'),
    flag.bool('overwrite', 'Let variables that are there be given other values.', { value: 'true' }),
    flag.string('prefix', 'What to put before the names of variables.'),
    flag.bool('resolve', 'With --list: print the values that references stand for.'),
  ],
  complete: completeResources,
  run: setEnv,
};

function check(flags: Flags, resources: readonly string[], server: boolean): void {
  if (flags.is('local') && server) throw new CommandError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
  if (flags.list('filename').length === 0 && resources.length === 0) throw new CommandError('one or more resources must be specified as <resource> <name> or <resource>/<name>');
  if (flags.is('list') && flags.text('output') !== '') throw new CommandError('--list and --output may not be specified together');
  if (flags.list('keys').length > 0 && flags.text('from') === '') throw new CommandError('when specifying --keys, a configmap or secret must be provided with --from');
}

function* setEnv(context: Context, flags: Flags): Op<void> {
  if (flags.is('all') && flags.text('selector') !== '') throw new CommandError('cannot set --all and --selector at the same time');
  const split = splitEnv(flags.args);
  if (split === null) throw new CommandError(`all resources must be specified before environment changes: ${flags.args.join(' ')}`);
  const { resources, pairs } = split;
  check(flags, resources, dryRunOf(context, flags) === 'server');
  const parsed = yield* parseEnv(context, [...flags.list('env'), ...pairs]);
  const imported = flags.text('from') === '' ? [] : yield* importedEnv(context, flags);
  const prefix = flags.text('prefix');
  const env: EnvChanges = { set: [...parsed.set, ...imported].map((e) => ({ ...e, name: prefix + e.name })), remove: parsed.remove };
  const local = flags.is('local');
  const { infos } = yield* mustFind(context, {
    ...filesOf(flags),
    args: local ? [] : resources,
    emptySelector: flags.is('all'),
    latest: !local,
    local,
    ...(local || flags.text('selector') === '' ? {} : { selector: flags.text('selector') }),
  });
  const changes = changesOf(infos, (object) => withEnv(context, flags, object, env));
  if (flags.is('list')) return yield* listAll(context, flags, changes);
  const nothing = env.set.length === 0 && pairs.length === 0;
  yield* sendChanges(context, flags, changes, {
    operation: 'env updated',
    failed: 'failed to patch env update to pod template: ',
    sent: () => {
      if (nothing) throw new CommandError('at least one environment variable must be provided');
    },
  });
}

/** Variables for the keys of a secret or config map. */
function* importedEnv(context: Context, flags: Flags): Op<EnvVar[]> {
  const { infos } = yield* mustFind(context, { ...filesOf(flags), args: flags.is('local') ? [] : [flags.text('from')], emptySelector: flags.is('all'), latest: !flags.is('local'), local: flags.is('local') });
  const keys = flags.list('keys');
  return infos.flatMap(({ object }) => {
    const { kind, metadata, data = {} } = object as LiveObject & { readonly data?: Readonly<Record<string, string>> };
    if (kind !== 'Secret' && kind !== 'ConfigMap') throw new CommandError('unsupported resource specified in --from');
    return Object.keys(data).sort().filter((key) => keys.length === 0 || keys.includes(key)).map((key): EnvVar => {
      const name = key.replaceAll(/[^a-zA-Z0-9_]/g, '_').toUpperCase();
      if (name !== key) context.warn(`key ${key} transferred to ${name}`);
      const reference = { name: metadata?.name ?? '', key };
      return { name, valueFrom: kind === 'Secret' ? { secretKeyRef: reference } : { configMapKeyRef: reference } };
    });
  });
}

function withEnv(context: Context, flags: Flags, object: LiveObject, env: EnvChanges): LiveObject {
  const wanted = flags.text('containers');
  return withPodSpec(object, (spec) => {
    const changed = withContainers(spec, (name) => fits(name, wanted), (container) => {
      if (!flags.is('overwrite')) forbidOverwrite(container, env);
      const { env: existing, ...rest } = container;
      const now = changedEnv(existing ?? [], env);
      return now.length === 0 ? rest : { ...rest, env: now };
    });
    if (changed.chosen === 0) context.warn(`${object.kind ?? ''}/${object.metadata?.name ?? ''} does not have any containers matching ${JSON.stringify(wanted)}`);
    return changed.spec;
  });
}

function forbidOverwrite({ env = [] }: Container, { set }: EnvChanges): void {
  for (const { name, value = '' } of set) {
    const old = env.find((e) => e.name === name);
    if (old && (old.value ?? '') !== value) throw new CommandError(`'${name}' already has a value (${old.value ?? ''}), and --overwrite is false`);
  }
}

/** --list says nothing of objects without containers, and ends well whatever happened. */
function* listAll(context: Context, flags: Flags, changes: readonly Change[]): Op<void> {
  const wanted = flags.text('containers');
  for (const { info, after } of changes) {
    if (after === null) continue;
    const containers: Container[] = [];
    withPodSpec(after, (spec) => {
      containers.push(...[...(spec.containers ?? []), ...(spec.initContainers ?? [])].filter((c) => fits(c.name, wanted)));
      return spec;
    });
    for (const container of containers) yield* listOne(context, flags, info.object, container);
  }
}

function* listOne(context: Context, flags: Flags, object: LiveObject, container: Container): Op<void> {
  context.print(`# ${object.kind ?? ''} ${object.metadata?.name ?? ''}, container ${container.name}`);
  const references = new References(context);
  const failed = new Map<string, string[]>();
  for (const { name, value = '', valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) {
      context.print(`${name}=${value}`);
      continue;
    }
    if (flags.is('resolve')) {
      try {
        context.print(`${name}=${yield* references.value(valueFrom, object, container)}`);
        continue;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        const text = messageOf(error);
        failed.set(text, [...(failed.get(text) ?? []), name]);
      }
    }
    context.print(`# ${name} from ${referenceText(valueFrom)}`);
  }
  const lines = [...failed].map(([text, names]) => `error retrieving reference for ${names.sort().join(', ')}: ${text}`);
  for (const line of lines.sort()) context.printError(line);
}
