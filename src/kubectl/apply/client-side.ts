// Client-side apply of one object (kubectl/pkg/cmd/apply/patcher.go): creates what is missing, else sends the three-way patch.

import { kindOf } from '../../cluster/api/kinds.ts';
import { applyMergePatch } from '../../cluster/api/patch/merge.ts';
import { applyStrategicPatch } from '../../cluster/api/patch/strategic.ts';
import { ApiError, isConflict, isInvalid, isNotFound } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { type DryRun, writeQuery } from '../mutation.ts';
import { CommandError, withMessage, withSource } from '../print/error.ts';
import { goJson } from '../print/json.ts';
import { type Info, retrieve } from '../resource/builder.ts';
import type { LiveObject, Query } from '../rest.ts';
import { removeAndWait } from '../wait/deletion.ts';
import { LAST_APPLIED, lastAppliedOf, lastAppliedText, withLastApplied } from './last-applied.ts';
import { threeWayPatch } from './patch.ts';

export interface Applied {
  readonly verb: 'created' | 'configured' | 'unchanged' | 'serverside-applied';
  readonly object: LiveObject;
}

export interface Settings {
  readonly validation: string;
  readonly dry: DryRun;
  readonly manager: string;
  readonly force: boolean;
  /** -o asks for the objects themselves. */
  readonly wantsObject: boolean;
}

const MAX_RETRIES = 5;

/** `Resource: "apps/v1, Resource=deployments", GroupVersionKind: …`: a resource.Info in messages. */
export function describeInfo({ mapping, name, namespace }: Info): string {
  const gv = `${mapping.group}/${mapping.version}`;
  return `Resource: "${gv}, Resource=${mapping.resource}", GroupVersionKind: "${gv}, Kind=${mapping.kind}"\nName: "${name}", Namespace: "${namespace}"`;
}

function retrievalError(info: Info, error: unknown): unknown {
  const head = `error when retrieving current configuration of:\n${describeInfo(info)}\nfrom server for: "${info.source}": `;
  if (error instanceof ApiError) return withMessage(error, head + error.message);
  return error instanceof CommandError ? new CommandError(head + error.message) : error;
}

/** The live object, undefined when there is none. */
export function* liveOf(context: Context, info: Info): Op<LiveObject | undefined> {
  if (info.name === '') throw retrievalError(info, new CommandError('resource name may not be empty'));
  try {
    return (yield* retrieve(context, info)).object;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw retrievalError(info, error);
  }
}

export function* applyClientSide(context: Context, info: Info, settings: Settings): Op<Applied> {
  const { dry, validation, manager } = settings;
  const modified = withLastApplied(info.object);
  const query = writeQuery(manager, validation, dry);
  const live = yield* liveOf(context, info);
  if (live === undefined) {
    if (dry === 'client') return { verb: 'created', object: modified };
    try {
      return { verb: 'created', object: yield* context.rest.create(info, modified, query) };
    } catch (error) {
      throw withSource(error, 'creating', info.source);
    }
  }
  if (lastAppliedText(live) === undefined) {
    context.warn(
      `resource ${info.mapping.resource}/${info.name} is missing the ${LAST_APPLIED} annotation which is required by kubectl apply. ` +
        'kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. ' +
        'The missing annotation will be patched automatically.',
    );
  }
  if (dry === 'client') {
    const patch = patchOf(info, live, modified);
    return patch === null ? { verb: 'unchanged', object: live } : { verb: 'configured', object: patchedHere(info, live, patch) };
  }
  return yield* patchLive(context, info, live, modified, settings, query);
}

function patchOf(info: Info, live: LiveObject, modified: LiveObject): Readonly<Record<string, unknown>> | null {
  const schema = kindOf(info.mapping.apiVersion, info.mapping.kind)?.schema ?? '';
  return threeWayPatch(lastAppliedOf(live), modified as Record<string, unknown>, live as Record<string, unknown>, schema);
}

/** What the server would make of the patch (Patcher.PatchLocal). */
function patchedHere({ mapping }: Info, live: LiveObject, patch: Readonly<Record<string, unknown>>): LiveObject {
  const schema = kindOf(mapping.apiVersion, mapping.kind)?.schema;
  return (schema === undefined ? applyMergePatch(live, patch) : applyStrategicPatch(schema, live, patch)) as LiveObject;
}

function* patchLive(context: Context, info: Info, first: LiveObject, modified: LiveObject, settings: Settings, query: Query): Op<Applied> {
  const strategic = kindOf(info.mapping.apiVersion, info.mapping.kind) !== undefined;
  let live = first;
  for (let tries = 0; ; tries++) {
    const patch = patchOf(info, live, modified);
    if (patch === null) return { verb: 'unchanged', object: live };
    try {
      const object = yield* context.rest.patch(info, strategic ? 'strategic' : 'merge', patch, query);
      if (object.metadata?.deletionTimestamp) context.warn(`Detected changes to resource ${info.name} which is currently being deleted.`);
      return { verb: 'configured', object };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isConflict(error) && tries < MAX_RETRIES) {
        if (tries > 0) yield* context.os.sleep(1e6);
        live = yield* context.rest.get(info);
        continue;
      }
      if (settings.force && (isConflict(error) || isInvalid(error))) return yield* recreate(context, info, live, modified, query);
      throw withMessage(error, `error when applying patch:\n${goJson(patch)}\nto:\n${describeInfo(info)}\nfor: "${info.source}": error when patching "${info.source}": ${error.message}`);
    }
  }
}

/** --force: what cannot be patched is deleted and made again. */
function* recreate(context: Context, info: Info, live: LiveObject, modified: LiveObject, query: Query): Op<Applied> {
  yield* removeAndWait(context, info, { propagationPolicy: 'Background' });
  try {
    return { verb: 'configured', object: yield* context.rest.create(info, modified, query) };
  } catch (error) {
    const { resourceVersion: _version, uid: _uid, ...metadata } = live.metadata ?? {};
    yield* context.rest.create(info, { ...live, metadata }, query);
    throw error;
  }
}
