// The resources that one API server serves now: the built-in ones and those of its established CustomResourceDefinitions.
// Models apiextensions-apiserver's customresource_handler (which resource does a path name) as a table of this server.

import { GROUP_VERSIONS, KINDS, kindOf, type ResourceKind, resourceAt } from '../api/kinds.ts';
import { jsonEqual } from '../api/meta.ts';
import type { Collection } from './request.ts';

export class ServerKinds {
  /** Counts the changes; whoever builds something from the kinds keeps it as long as this stands. */
  revision = 0;
  /** What readRequest remembers of paths; a changed kind makes it void. */
  readonly collections = new Map<string, Collection>();
  /** By CRD name, all served versions. */
  readonly #custom = new Map<string, readonly ResourceKind[]>();
  readonly #byResource = new Map<string, Map<string, ResourceKind>>();
  readonly #byKind = new Map<string, Map<string, ResourceKind>>();
  /** Resources of other servers, by group version: told in discovery, not served here. */
  readonly #remote = new Map<string, readonly ResourceKind[]>();
  readonly #stale = new Set<string>();
  #all: readonly ResourceKind[] = KINDS;
  #groupVersions: readonly string[] = GROUP_VERSIONS;

  /** The resource that a URL names: apiVersion as `v1` or `apps/v1`, plural as in the path. */
  at(apiVersion: string, plural: string): ResourceKind | undefined {
    return resourceAt(apiVersion, plural) ?? this.#byResource.get(apiVersion)?.get(plural);
  }

  /** The resource that objects of this apiVersion and kind belong to. */
  of(apiVersion: string, kind: string): ResourceKind | undefined {
    return kindOf(apiVersion, kind) ?? this.#byKind.get(apiVersion)?.get(kind);
  }

  all(): readonly ResourceKind[] {
    return this.#all;
  }

  /** Built-in ones in their order, then those of custom resources: groups by name, versions by priority. */
  groupVersions(): readonly string[] {
    return this.#groupVersions;
  }

  /** The resources that the CRD of that name defines, as far as they are served. */
  definedBy(name: string): readonly ResourceKind[] {
    return this.#custom.get(name) ?? [];
  }

  /** Serves the versions of a CRD, in place of what it defined before; an empty list ends that. */
  set(name: string, kinds: readonly ResourceKind[]): void {
    if (kinds.length === 0 && !this.#custom.has(name)) return;
    if (kinds.length === 0) this.#custom.delete(name);
    else this.#custom.set(name, kinds);
    this.#rebuild();
  }

  /** Group versions that this server serves itself. */
  localGroupVersions(): readonly string[] {
    return [...GROUP_VERSIONS, ...this.#byResource.keys()];
  }

  isCustom(groupVersion: string): boolean {
    return this.#byResource.has(groupVersion);
  }

  /** What an aggregated server serves under a group version; null: there is no such server. */
  setRemote(groupVersion: string, kinds: readonly ResourceKind[] | null): void {
    const known = this.#remote.get(groupVersion);
    if (kinds === null ? !known : known?.length === kinds.length && jsonEqual(known, kinds)) return;
    if (kinds) this.#remote.set(groupVersion, kinds);
    else this.#remote.delete(groupVersion);
    if (!kinds) this.#stale.delete(groupVersion);
    this.#rebuild();
  }

  /** An aggregated server that cannot be reached is told as stale. */
  setStale(groupVersion: string, stale: boolean): void {
    if (stale === this.#stale.has(groupVersion)) return;
    if (stale) this.#stale.add(groupVersion);
    else this.#stale.delete(groupVersion);
    this.revision++;
  }

  isStale(groupVersion: string): boolean {
    return this.#stale.has(groupVersion);
  }

  #rebuild(): void {
    this.revision++;
    this.collections.clear();
    this.#byResource.clear();
    this.#byKind.clear();
    const custom = [...this.#custom.values()].flat().sort(inDiscoveryOrder);
    for (const kind of custom) {
      inner(this.#byResource, kind.apiVersion).set(kind.plural, kind);
      inner(this.#byKind, kind.apiVersion).set(kind.kind, kind);
    }
    this.#all = [...KINDS, ...custom, ...[...this.#remote.values()].flat()];
    this.#groupVersions = [...new Set([...GROUP_VERSIONS, ...custom.map((kind) => kind.apiVersion), ...this.#remote.keys()])];
  }
}

function inner(map: Map<string, Map<string, ResourceKind>>, key: string): Map<string, ResourceKind> {
  let found = map.get(key);
  if (!found) map.set(key, (found = new Map()));
  return found;
}

function inDiscoveryOrder(a: ResourceKind, b: ResourceKind): number {
  if (a.group !== b.group) return a.group < b.group ? -1 : 1;
  if (a.version !== b.version) return compareVersions(a.version, b.version);
  return a.plural < b.plural ? -1 : 1;
}

const VERSION = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;

/** CompareKubeAwareVersionStrings, best first: v2, v1, v2beta1, v1alpha2, then everything else by name. */
export function compareVersions(a: string, b: string): number {
  const x = VERSION.exec(a);
  const y = VERSION.exec(b);
  if (!x || !y) return x ? -1 : y ? 1 : a < b ? -1 : a > b ? 1 : 0;
  const stage = (m: RegExpExecArray): number => (m[2] === undefined ? 0 : m[2] === 'beta' ? 1 : 2);
  return stage(x) - stage(y) || Number(y[1]) - Number(x[1]) || Number(y[3] ?? 0) - Number(x[3] ?? 0);
}
