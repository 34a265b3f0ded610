// kubectl wait: until objects exist, are gone, have a condition or a value (kubectl/pkg/cmd/wait).

import { ApiError, isNotFound } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { allNamespacesFlag, fieldSelectorFlag, filenameFlags, printFlags, selectorFlag } from '../global-flags.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { goPrint } from '../print/json.ts';
import { JsonPath, relaxedPath } from '../print/jsonpath.ts';
import { type Printer, printerOf } from '../print/printer.ts';
import { filesOf, find, type Found, type Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { expiring, waitUntilGone } from './deletion.ts';

export const WAIT: Command = {
  name: 'wait',
  group: 'Advanced Commands:',
  use: "wait ([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
  short: 'Experimental: Wait for a specific condition on one or many resources',
  long: 'Experimental: Wait for a specific condition on one or many resources. The command watches the objects and ends when each has what was asked for, or when the time is up.',
  examples: "# Until the pod is ready\nkubectl wait --for=condition=Ready pod/web\n\n# Until it is gone, at most a minute\nkubectl wait --for=delete pod/web --timeout=60s\n\n# Until a field has a value\nkubectl wait --for=jsonpath='{.status.phase}'=Running pod/web",
  flags: [
    ...printFlags(),
    ...filenameFlags('to wait for.').filter((f) => f.name !== 'kustomize').map((f) => (f.name === 'recursive' ? { ...f, value: 'true' } : f)),
    flag.bool('all', 'Select all objects of the types in the namespace.'),
    allNamespacesFlag,
    fieldSelectorFlag,
    flag.array('for', "What to wait for: create, delete, condition=name[=value] or jsonpath='{expression}'[=value]. Several are waited for one after the other."),
    flag.bool('local', 'Do not ask the server; look at the files only.'),
    selectorFlag,
    flag.duration('timeout', 'How long to wait. Zero: look once. Negative: a week.', { value: '30s' }),
  ],
  complete: completeResources,
  run: wait,
};

type Check = (object: LiveObject) => boolean;
type Wanted = { readonly kind: 'delete' | 'create' } | { readonly kind: 'check'; readonly check: Check };

interface Conditions {
  readonly metadata?: { readonly generation?: number };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly { readonly type?: string; readonly status?: string; readonly observedGeneration?: number }[] };
}

function conditionCheck(text: string): Check {
  const equals = text.indexOf('=');
  const name = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
  const value = (equals < 0 ? 'true' : text.slice(equals + 1)).toLowerCase();
  return (object) => {
    const { metadata, status } = object as Conditions;
    const found = status?.conditions?.find((c) => c.type?.toLowerCase() === name);
    if (!found) return false;
    const observed = found.observedGeneration ?? status?.observedGeneration;
    if (metadata?.generation !== undefined && observed !== undefined && observed < metadata.generation) return false;
    return found.status?.toLowerCase() === value;
  };
}

/** At single `=`; `==` belongs to the expression. */
const splitAtEquals = (text: string): string[] => text.split(/(?<!=)=(?!=)/);

function pathCheck(text: string): Check {
  const parts = splitAtEquals(text);
  if (parts.length > 2) throw new CommandError("jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'");
  const expression = relaxedPath(parts[0] ?? '');
  const value = parts[1]?.replace(/^['"]+|['"]+$/g, '');
  if (value === '') throw new CommandError("jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3");
  if (expression === '') throw new CommandError('jsonpath expression cannot be empty');
  let path: JsonPath;
  try {
    path = new JsonPath(expression, { allowMissing: true });
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
  return (object) => {
    const results = path.results(object);
    const [first] = results;
    if (first === undefined || first.length === 0) return false;
    if (results.length > 1) throw new CommandError('given jsonpath expression matches more than one list');
    if (first.length > 1) throw new CommandError('given jsonpath expression matches more than one value');
    if (value === undefined) return true;
    if (typeof first[0] === 'object' && first[0] !== null) throw new CommandError('jsonpath leads to a nested object or list which is not supported');
    return goPrint(first[0]).trim() === value.trim();
  };
}

function wantedOf(conditions: readonly string[]): readonly Wanted[] {
  if (conditions.length === 0) throw new CommandError('unrecognized condition: []');
  return conditions.map((text): Wanted => {
    const lower = text.toLowerCase();
    if (lower === 'delete' || lower === 'create') return { kind: lower };
    if (text.startsWith('condition=')) return { kind: 'check', check: conditionCheck(text.slice('condition='.length)) };
    if (text.startsWith('jsonpath=')) return { kind: 'check', check: pathCheck(text.slice('jsonpath='.length)) };
    throw new CommandError(`unrecognized condition: ${JSON.stringify(text)}`);
  });
}

const WEEK = 168 * 3600e6;
const POLL = 5e5;
const timedOut = (info: Info): CommandError => new CommandError(`timed out waiting for the condition on ${info.mapping.resource}/${info.name}`);

function* wait(context: Context, flags: Flags): Op<void> {
  const print = printerOf(context, flags, 'condition met') as Printer;
  const wanted = wantedOf(flags.list('for'));
  const given = flags.duration('timeout');
  const timeout = given < 0 ? WEEK : given;
  const deadline = context.os.sim.now + timeout;
  const seek = (): Op<Found> =>
    find(context, { args: flags.args, ...filesOf(flags), selector: flags.text('selector'), fieldSelector: flags.text('field-selector'), all: flags.is('all'), allNamespaces: flags.is('all-namespaces'), latest: true, local: flags.is('local') });
  if (wanted.some((w) => w.kind === 'create')) yield* untilCreated(context, seek, deadline);
  const found = yield* seek();
  const forDelete = wanted.some((w) => w.kind === 'delete');
  const errors: unknown[] = found.errors.filter((e) => !(forDelete && isNotFound(e)));
  for (const info of found.infos) {
    try {
      for (const one of wanted) yield* waitForOne(context, info, one, deadline, timeout === 0, print);
    } catch (error) {
      errors.push(error);
      break;
    }
  }
  throwAll(errors);
  if (found.infos.length === 0 && !forDelete) throw new CommandError('no matching resources found');
}

function* untilCreated(context: Context, seek: () => Op<Found>, deadline: number): Op<void> {
  for (;;) {
    const { infos, errors } = yield* seek();
    if (infos.length > 0 && errors.length === 0) return;
    const real = errors.filter((e) => !isNotFound(e));
    throwAll(real);
    if (context.os.sim.now >= deadline) throw new CommandError('timed out waiting for the condition');
    yield* context.os.sleep(POLL);
  }
}

function* waitForOne(context: Context, info: Info, wanted: Wanted, deadline: number, once: boolean, print: Printer): Op<void> {
  if (wanted.kind === 'create') return print({ object: info.object });
  if (wanted.kind === 'delete') {
    const micros = Math.max(0, deadline - context.os.sim.now);
    if (!(yield* waitUntilGone(context, info, info.object.metadata?.uid, micros))) throw once ? new CommandError(`condition not met for ${info.mapping.resource}/${info.name}`) : timedOut(info);
    return print({ object: info.object });
  }
  if ('check' in wanted) print({ object: yield* untilMet(context, info, wanted.check, deadline, once) });
}

function* untilMet(context: Context, info: Info, check: Check, deadline: number, once: boolean): Op<LiveObject> {
  for (;;) {
    const live = yield* context.rest.find(info);
    if (live && check(live)) return live;
    if (once) {
      if (!live) throw new CommandError(`${info.mapping.resource} "${info.name}" not found`);
      throw new CommandError(`condition not met for ${info.mapping.resource}/${info.name}`);
    }
    if (context.os.sim.now >= deadline) throw timedOut(info);
    const stream = yield* context.rest.watch(info, { fieldSelector: `metadata.name=${info.name}`, ...(live?.metadata?.resourceVersion ? { resourceVersion: live.metadata.resourceVersion } : {}) }, { subjectName: info.name });
    const timer = expiring(context, stream, deadline - context.os.sim.now);
    let met: LiveObject | undefined;
    try {
      for (let event = yield* stream.read(); event !== undefined && !met; event = met ? undefined : yield* stream.read()) {
        const { type, object } = event as { type: string; object: LiveObject };
        if (type === 'ERROR') throw new ApiError(object as ConstructorParameters<typeof ApiError>[0]);
        if (type !== 'DELETED' && type !== 'BOOKMARK' && check(object)) met = object;
      }
    } finally {
      stream.cancel();
      timer?.kill();
    }
    if (met) return met;
  }
}
