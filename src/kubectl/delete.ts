// kubectl delete: by file or by name, waits until the objects are gone (kubectl/pkg/cmd/delete).

import { ApiError } from '../cluster/api/status.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { type Context, GLOBAL_FLAGS, type LiveObject, resourceByName, resourcesOfCategory, type Target } from './context.ts';
import type { Flags, FlagSpec } from './flags.ts';
import { CommandError, ManyErrors, withSource } from './print/error.ts';
import { readItems } from './source.ts';

export const DELETE_FLAGS: FlagSpec = {
  ...GLOBAL_FLAGS,
  filename: { short: 'f', takes: 'list' },
  selector: { short: 'l', takes: 'value' },
  all: { takes: 'yes' },
  wait: { takes: 'yes' },
  now: { takes: 'yes' },
  force: { takes: 'yes' },
  cascade: { takes: 'yes', alone: 'background' },
  'grace-period': { takes: 'value' },
  'ignore-not-found': { takes: 'yes' },
};

const PROPAGATION: Readonly<Record<string, string>> = { background: 'Background', foreground: 'Foreground', orphan: 'Orphan', true: 'Background', false: 'Orphan' };

export function* deleteObjects(context: Context, flags: Flags): Op<void> {
  const errors: unknown[] = [];
  const targets = yield* targetsOf(context, flags, errors);
  if (targets.length === 0 && errors.length === 0) {
    context.print('No resources found');
    return;
  }
  const cascade = flags.text('cascade') ?? 'background';
  const propagationPolicy = PROPAGATION[cascade];
  if (propagationPolicy === undefined) throw new CommandError(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`);
  const grace = flags.is('now') ? 1 : flags.is('force') ? (flags.integer('grace-period') ?? 0) : flags.integer('grace-period');
  if (flags.is('force') && grace === 0) {
    context.os.logError('Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.');
  }
  const body = { propagationPolicy, ...(grace === undefined || grace < 0 ? {} : { gracePeriodSeconds: grace }) };
  const waiting: { target: Target; uid: string | undefined }[] = [];
  for (const { target, source } of targets) {
    try {
      const answer = (yield* context.request('DELETE', target, { body })) as LiveObject & { details?: { uid?: string } };
      const { singular, group } = target.kind;
      const from = target.kind.namespaced ? ` from ${target.namespace} namespace` : '';
      context.print(`${singular}${group === '' ? '' : `.${group}`} "${target.name}" ${flags.is('force') && grace === 0 ? 'force ' : ''}deleted${from}`);
      waiting.push({ target, uid: answer.details?.uid ?? answer.metadata?.uid });
    } catch (error) {
      if (error instanceof ApiError && error.code === 404 && flags.is('ignore-not-found')) continue;
      errors.push(source === '' ? error : withSource(error, 'deleting', source));
    }
  }
  if (flags.is('wait', !flags.is('force'))) for (const { target, uid } of waiting) yield* waitUntilGone(context, target, uid);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ManyErrors(errors);
}

/** Looks whether the object is gone, and if not, watches it until it is. */
function* waitUntilGone(context: Context, target: Target, uid: string | undefined): Op<void> {
  for (;;) {
    const live = yield* context.find(target);
    if (live === undefined || (uid !== undefined && live.metadata?.uid !== uid)) return;
    const query = { watch: 'true', fieldSelector: `metadata.name=${target.name}`, resourceVersion: live.metadata?.resourceVersion ?? '' };
    const stream = yield* context.watch({ ...target, name: '' }, query, target.name);
    for (let event = yield* stream.read(); event !== undefined; event = yield* stream.read()) {
      if ((event as { type?: string }).type !== 'DELETED') continue;
      stream.cancel();
      return;
    }
  }
}

function* targetsOf(context: Context, flags: Flags, errors: unknown[]): Op<readonly { target: Target; source: string }[]> {
  if (flags.list('filename').length > 0) {
    const found: { target: Target; source: string }[] = [];
    for (const item of readItems(context, flags, true)) {
      if ('error' in item) errors.push(item.error);
      else found.push({ target: item.target, source: item.source });
    }
    return found;
  }
  const [first, ...names] = flags.args;
  if (first === undefined) throw new CommandError('You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   \'-f rsrc.yaml\'\n   \'--filename=rsrc.json\'\n   \'<resource> <name>\'\n   \'<resource>\'');
  const place = (kind: Target['kind'], name: string): { target: Target; source: string } => ({
    target: { kind, namespace: kind.namespaced ? context.namespace : '', name },
    source: '',
  });
  if (first.includes('/')) {
    return flags.args.map((arg) => place(resourceByName(arg.slice(0, arg.indexOf('/'))), arg.slice(arg.indexOf('/') + 1)));
  }
  const kinds = first.split(',').flatMap((word) => (word === 'all' ? resourcesOfCategory('all') : [resourceByName(word)]));
  if (names.length > 0) return kinds.flatMap((kind) => names.map((name) => place(kind, name)));
  const selector = flags.text('selector');
  if (selector === undefined && !flags.is('all')) throw new CommandError('resource(s) were provided, but no name was specified');
  const found: { target: Target; source: string }[] = [];
  for (const kind of kinds) {
    const { target } = place(kind, '');
    const list = (yield* context.request('GET', target, { query: { limit: '500', ...(selector ? { labelSelector: selector } : {}) } })) as { items?: LiveObject[] };
    for (const item of list.items ?? []) found.push(place(kind, item.metadata?.name ?? ''));
  }
  return found;
}

