// PATCH with application/apply-patch+yaml: server-side apply. Creates what does not exist
// (apiserver/pkg/endpoints/handlers/patch.go, applyPatcher).

import type { ResourceKind } from '../../api/kinds.ts';
import { apply } from '../../api/managed-fields/apply.ts';
import { rootOf } from '../../api/managed-fields/root.ts';
import { withEntries } from '../../api/managed-fields/update.ts';
import type { ApiObject } from '../../api/meta.ts';
import { badRequest, conflict, hasReason, invalid, isNotFound } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Op } from '../../sim/simulation.ts';
import { parseYaml } from '../../api/yaml.ts';
import { isTrue } from '../request.ts';
import type { Exchange } from '../server.ts';
import type { Address } from '../storage/store.ts';
import { createTracked } from './create.ts';
import { inVersions, writerOf } from './tracking.ts';
import { present } from './versions.ts';
import { decodeBody, updateObject } from './write.ts';

export const APPLY = 'application/apply-patch+yaml';
const APPLY_COST = 80;
const ATTEMPTS = 5;

export const isApply = (x: Exchange): boolean => (x.http.headers['content-type'] ?? '').startsWith(APPLY);

/** What the applier wants, as a plain object of the request's kind. @throws ApiError */
export function configurationOf(x: Exchange, apiVersion: string, kind: string): ApiObject {
  if ((x.query['fieldManager'] ?? '') === '') {
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      { type: 'FieldValueRequired', field: 'fieldManager', message: 'Required value: is required for apply patch' },
    ]);
  }
  const { body } = x.http;
  const config = typeof body === 'string' ? readYaml(body) : body;
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw badRequest('error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal into Go value of type map[string]interface {}');
  }
  const given = config as ApiObject;
  const theirs = given.apiVersion ?? '';
  if (theirs !== apiVersion || given.kind !== kind) throw badRequest(`invalid object type: ${kindText(theirs, given.kind ?? '')}`);
  return typeof given.metadata === 'object' && given.metadata !== null ? given : { ...given, metadata: { name: x.info.name } };
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw badRequest(`error decoding patch: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `apps/v1, Kind=Deployment`, `/v1, Kind=Pod` */
export const kindText = (apiVersion: string, kind: string): string =>
  `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;

/** Applies the configuration to what is there, or creates it. @throws ApiError */
export function applyObject(x: Exchange, kind: ResourceKind, at: Address): Op<Result> {
  return applyConfiguration(x, kind, at, configurationOf(x, kind.apiVersion, kind.kind));
}

interface Result {
  readonly created: boolean;
  readonly object: VersionedObject | ApiObject;
}

/** @throws ApiError */
export function* applyConfiguration(x: Exchange, kind: ResourceKind, at: Address, config: ApiObject): Op<Result> {
  const root = rootOf(kind, x.info.subresource);
  const force = isTrue(x.query['force']);
  const applyTo = (live: ApiObject | null): ApiObject => {
    x.meter.use(APPLY_COST);
    const view = live === null ? null : present(kind, live);
    const writer = writerOf(x, at.kind);
    const between = inVersions(x, at.kind, live, live ?? config);
    const { object, entries } = apply({ root, kindText: kindText(kind.apiVersion, kind.kind), live: view, config, writer, force, between });
    const named = withAddress(at, object);
    return decodeBody(x, kind, withEntries(named, entries.length === 0 ? undefined : entries), view);
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return { created: false, object: yield* updateObject(x, at, applyTo, false) };
    } catch (error) {
      if (!isNotFound(error) || x.info.subresource !== '') throw error;
    }
    const { uid } = config.metadata;
    if (uid) throw conflict(at.kind, at.name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
    try {
      return { created: true, object: yield* createTracked(x, at.kind, applyTo(null)) };
    } catch (error) {
      // Somebody else was faster.
      if (!hasReason(error, 'AlreadyExists') || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Name and namespace are those of the URL. @throws ApiError 400 */
function withAddress(at: Address, object: ApiObject): ApiObject {
  const { name = '', namespace = '' } = object.metadata as { readonly name?: string; readonly namespace?: string };
  if (name !== '' && name !== at.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${at.name})`);
  }
  if (namespace !== '' && namespace !== at.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (name === at.name && namespace === at.namespace) return object;
  const metadata = { ...object.metadata, name: at.name };
  return { ...object, metadata: at.namespace === '' ? metadata : { ...metadata, namespace: at.namespace } };
}
