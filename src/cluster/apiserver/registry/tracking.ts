// managedFields of the objects that requests write: who the writer is, and in which version it speaks
// (apiserver/pkg/endpoints/handlers: managerOrUserAgent and the FieldManager of each request scope).

import type { ResourceKind } from '../../api/kinds.ts';
import { compare, type Comparison } from '../../api/managed-fields/compare.ts';
import type { Writer } from '../../api/managed-fields/managers.ts';
import { rootOf } from '../../api/managed-fields/root.ts';
import { trackCreate, trackUpdate } from '../../api/managed-fields/update.ts';
import type { ApiObject } from '../../api/meta.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Exchange } from '../server.ts';
import { checkFieldManager } from './options.ts';
import { present } from './versions.ts';

const MAX_MANAGER_LENGTH = 128;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

const managers = new Map<string, string>();
const MANY = 1_024;

/** The fieldManager parameter, else the first part of the User-Agent. */
function managerOf(x: Exchange): string {
  const given = x.query['fieldManager'];
  if (given !== undefined && given !== '') {
    checkFieldManager(x.query, x.info.verb);
    return given;
  }
  const agent = x.http.headers['user-agent'] ?? '';
  let manager = managers.get(agent);
  if (manager === undefined) {
    if (managers.size >= MANY) managers.clear();
    const slash = agent.indexOf('/');
    manager = (slash < 0 ? agent : agent.slice(0, slash)).replace(UNPRINTABLE, '').slice(0, MAX_MANAGER_LENGTH);
    managers.set(agent, manager);
  }
  return manager;
}

let lastSecond = '';
let lastSecondAt = Number.NaN;
let lastEpoch = Number.NaN;

/** The writer that the request is; entries are in the version of the request's kind. */
export function writerOf(x: Exchange, kind: ResourceKind): Writer {
  return { manager: managerOf(x), apiVersion: (x.info.kind ?? kind).apiVersion, subresource: x.info.subresource, time: () => timeOf(x) };
}

/** The time, made anew once a second. */
function timeOf(x: Exchange): string {
  const { sim } = x.server;
  const second = Math.floor(sim.now / 1_000_000);
  if (second !== lastSecondAt || sim.epoch !== lastEpoch) {
    lastSecond = sim.time();
    lastSecondAt = second;
    lastEpoch = sim.epoch;
  }
  return lastSecond;
}

/** The object that a client wants to create, with its managedFields. `kind` is the stored one. */
export function trackNew(x: Exchange, kind: ResourceKind, object: ApiObject): ApiObject {
  const asked = askedKind(x, kind);
  const view = asked === kind ? object : present(asked, object);
  return trackCreate(rootOf(asked, ''), object, writerOf(x, kind), view);
}

/** The object that shall replace `current`, with its managedFields. */
export function trackChange(x: Exchange, kind: ResourceKind, current: VersionedObject, wanted: ApiObject): ApiObject {
  if (wanted === current) return wanted;
  const asked = askedKind(x, kind);
  const root = rootOf(asked, x.info.subresource);
  const views = asked === kind ? null : { live: present(asked, current), next: present(asked, wanted) };
  return trackUpdate(root, current, wanted, writerOf(x, kind), inVersions(x, kind, current, wanted), views);
}

/** The kind as the request knows it, when it is this resource in another version. */
function askedKind(x: Exchange, kind: ResourceKind): ResourceKind {
  const asked = x.info.kind;
  return asked !== null && asked.kind === kind.kind && kind.custom === null ? asked : kind;
}

/** Compares two states in another version of a built-in kind. */
export function inVersions(
  x: Exchange,
  kind: ResourceKind,
  before: ApiObject | null,
  after: ApiObject,
): (apiVersion: string) => Comparison | null {
  return (apiVersion) => {
    const other = kind.custom === null ? x.server.kinds.of(apiVersion, kind.kind) : undefined;
    if (!other) return null;
    return compare(rootOf(other, x.info.subresource).tracked, before && present(other, before), present(other, after));
  };
}
