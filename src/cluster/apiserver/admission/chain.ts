// Admission: plug-ins that may change (admit) or refuse (validate) what is about to be written, in upstream's order.

import type { ResourceKind } from '../../api/kinds.ts';
import type { Op } from '../../sim/simulation.ts';
import type { User } from '../request.ts';
import { type Exchange, type Server, stage } from '../server.ts';
import type { Unsaved } from '../storage/store.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { priority } from './priority.ts';
import { serviceAccount } from './service-account.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';

export interface AdmissionRequest {
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
  handles(request: AdmissionRequest): boolean;
  /** What must be waited for before it can decide (a live look-up); null when nothing. Throws ApiError. */
  prepare?(request: AdmissionRequest): Op<void> | null;
  /** Returns the object, changed or not. Throws ApiError. */
  admit?(request: AdmissionRequest, object: Unsaved): Unsaved;
  /** Throws ApiError when the final object is not acceptable. */
  validate?(request: AdmissionRequest): void;
}

const PLUGINS: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  nodeRestriction,
  serviceAccount,
  taintNodesByCondition,
  priority,
  defaultTolerationSeconds,
];

/** Off unless --enable-admission-plugins names them. */
const OFF_BY_DEFAULT = new Set(['NodeRestriction']);

function admitted(x: Exchange, plugin: AdmissionPlugin, request: AdmissionRequest): AdmissionRequest {
  const before = request.object;
  if (!plugin.admit || !before) return request;
  const after = plugin.admit(request, before);
  if (after === before) return request;
  stage(x, 'admit', 15, () => ({ plugin: plugin.name, before, after }));
  const { server, operation, kind, subresource, namespace, name, user, old } = request;
  return { server, operation, kind, subresource, namespace, name, user, object: after, old };
}

export class Admission {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(enabled: readonly string[], disabled: readonly string[]) {
    this.#plugins = PLUGINS.filter((p) => !disabled.includes(p.name) && (!OFF_BY_DEFAULT.has(p.name) || enabled.includes(p.name)));
  }

  /** Runs the mutating plug-ins; each that changed the object leaves a record with both states. */
  *admit(x: Exchange, request: AdmissionRequest): Op<Unsaved | null> {
    let current = request;
    for (const plugin of this.#plugins) {
      if (!plugin.handles(current)) continue;
      const wait = plugin.prepare?.(current);
      if (wait) yield* wait;
      current = admitted(x, plugin, current);
    }
    return current.object;
  }

  validate(x: Exchange, request: AdmissionRequest): void {
    for (const plugin of this.#plugins) {
      if (!plugin.validate || !plugin.handles(request)) continue;
      plugin.validate(request);
      stage(x, 'admission-validate', 5, () => ({ plugin: plugin.name }));
    }
  }
}
