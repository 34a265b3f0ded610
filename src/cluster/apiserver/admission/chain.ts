// Admission: plug-ins that may change (admit) or refuse (validate) what is about to be written, in upstream's order.

import type { ResourceKind } from '../../api/kinds.ts';
import type { Op } from '../../sim/simulation.ts';
import type { User } from '../request.ts';
import { type Exchange, type Server, stage } from '../server.ts';
import type { Unsaved } from '../storage/store.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { OFF_BY_DEFAULT, PLUGINS } from './plugins.ts';
import { QuotaState } from './resource-quota.ts';
import type { Connections } from './webhook-call.ts';
import { type WatchedResources, watchResources } from './watched.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionRequest {
  readonly x: Exchange;
  readonly server: Server;
  readonly operation: Operation;
  readonly kind: ResourceKind;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: User;
  readonly object: Unsaved | null;
  readonly old: Unsaved | null;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Keys of the resources that it ever looks at; left out: all. Others never hear of it. */
  readonly resources?: readonly string[];
  handles(request: AdmissionRequest): boolean;
  /** What must be waited for before it can decide (a live look-up); null when nothing. Throws ApiError. */
  prepare?(request: AdmissionRequest): Op<void> | null;
  /** Returns the object, changed or not. Throws ApiError. */
  admit?(request: AdmissionRequest, object: Unsaved): Unsaved;
  /** As `admit`, where others must be asked; null when there is nobody to ask. */
  admitAsking?(request: AdmissionRequest, object: Unsaved | null, pass: Pass): Op<Unsaved | null> | null;
  /** Throws ApiError when the final object is not acceptable. */
  validate?(request: AdmissionRequest): void;
  /** As `validate`, where others must be asked or something is to be written; null when not. */
  validateAsking?(request: AdmissionRequest): Op<void> | null;
}

/** One request's way through the mutating plug-ins: what changed late is shown once more to all that came before. */
export interface Pass {
  /** The second time. */
  again: boolean;
  /** The object as each webhook and policy left it. */
  readonly left: Map<string, Unsaved | null>;
}

/** The request with another object. Written out: a spread copies slower, and this is on the way of every write. */
export function withObject(request: AdmissionRequest, object: Unsaved | null): AdmissionRequest {
  const { x, server, operation, kind, subresource, namespace, name, user, old } = request;
  return { x, server, operation, kind, subresource, namespace, name, user, object, old };
}

function changed(x: Exchange, plugin: AdmissionPlugin, request: AdmissionRequest, after: Unsaved | null): AdmissionRequest {
  const before = request.object;
  if (after === before) return request;
  stage(x, 'admit', 15, () => ({ plugin: plugin.name, before, after }));
  return withObject(request, after);
}

export class Admission {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #byKey = new Map<string, readonly AdmissionPlugin[]>();

  /** Configuration of plug-ins that lives in the cluster. */
  readonly watched: WatchedResources;
  readonly quotas = new QuotaState();
  /** To webhooks. */
  readonly connections: Connections = new Map();

  constructor(cache: WatchCache, enabled: readonly string[], disabled: readonly string[]) {
    this.watched = watchResources(cache);
    this.#plugins = PLUGINS.filter((p) => !disabled.includes(p.name) && (!OFF_BY_DEFAULT.has(p.name) || enabled.includes(p.name)));
  }

  /** Whether webhooks or policies are there that may want to see requests which the built-in plug-ins have nothing to say about. */
  get asksOthers(): boolean {
    const { mutatingWebhooks, validatingWebhooks, mutatingBindings, validatingBindings } = this.watched;
    return [mutatingWebhooks, validatingWebhooks, mutatingBindings, validatingBindings].some((watched) => watched.size > 0);
  }

  /** Runs the mutating plug-ins; each that changed the object leaves a record with both states. */
  *admit(x: Exchange, request: AdmissionRequest): Op<Unsaved | null> {
    const plugins = this.#pluginsFor(request.kind);
    let current = request;
    let pass: Pass | null = null;
    let late = false;
    for (const plugin of plugins) {
      if (!plugin.handles(current)) continue;
      const wait = plugin.prepare?.(current);
      if (wait) yield* wait;
      if (plugin.admit && current.object) current = changed(x, plugin, current, plugin.admit(current, current.object));
      if (!plugin.admitAsking) continue;
      pass ??= { again: false, left: new Map() };
      const asking = plugin.admitAsking(current, current.object, pass);
      if (!asking) continue;
      const before = current.object;
      current = changed(x, plugin, current, yield* asking);
      if (current.object !== before) late = true;
    }
    if (!late || !pass) return current.object;
    pass.again = true;
    return yield* this.#admitAgain(x, current, pass);
  }

  /** Reinvocation: the built-in plug-ins see what webhooks made of the object, and so do webhooks that asked for it. */
  *#admitAgain(x: Exchange, request: AdmissionRequest, pass: Pass): Op<Unsaved | null> {
    let current = request;
    for (const plugin of this.#pluginsFor(request.kind)) {
      if (!plugin.handles(current)) continue;
      if (plugin.admit && current.object) current = changed(x, plugin, current, plugin.admit(current, current.object));
      const asking = plugin.admitAsking?.(current, current.object, pass);
      if (asking) current = changed(x, plugin, current, yield* asking);
    }
    return current.object;
  }

  /** Runs the validating plug-ins. Null: done, accepted; else the rest is to be waited for. @throws ApiError */
  validate(x: Exchange, request: AdmissionRequest): Op<void> | null {
    const plugins = this.#pluginsFor(request.kind);
    for (let i = 0; i < plugins.length; i++) {
      const asking = validateBy(x, plugins[i] as AdmissionPlugin, request);
      if (asking) return validateRest(x, plugins, i, asking, request);
    }
    return null;
  }

  #pluginsFor({ key }: ResourceKind): readonly AdmissionPlugin[] {
    const known = this.#byKey.get(key);
    if (known) return known;
    const found = this.#plugins.filter((p) => !p.resources || p.resources.includes(key));
    this.#byKey.set(key, found);
    return found;
  }
}

function validateBy(x: Exchange, plugin: AdmissionPlugin, request: AdmissionRequest): Op<void> | null {
  if (!(plugin.validate || plugin.validateAsking) || !plugin.handles(request)) return null;
  plugin.validate?.(request);
  if (plugin.validate) stage(x, 'admission-validate', 5, () => ({ plugin: plugin.name }));
  return plugin.validateAsking?.(request) ?? null;
}

function* validateRest(
  x: Exchange,
  plugins: readonly AdmissionPlugin[],
  from: number,
  first: Op<void>,
  request: AdmissionRequest,
): Op<void> {
  yield* first;
  stage(x, 'admission-validate', 5, () => ({ plugin: (plugins[from] as AdmissionPlugin).name }));
  for (let i = from + 1; i < plugins.length; i++) {
    const asking = validateBy(x, plugins[i] as AdmissionPlugin, request);
    if (!asking) continue;
    yield* asking;
    stage(x, 'admission-validate', 5, () => ({ plugin: (plugins[i] as AdmissionPlugin).name }));
  }
}
