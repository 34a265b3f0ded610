// The history of a DaemonSet's templates as ControllerRevisions (pkg/controller/daemon/update.go, pkg/controller/history).

import type { ControllerRevision, DaemonSet, Pod } from '../api/generated/types.ts';
import { podTemplateHash } from '../api/hash.ts';
import { isAlreadyExists } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';
import type { Op } from '../sim/simulation.ts';
import { REVISION_HASH } from './daemonset-plan.ts';
import { sameTemplate } from './deployment-revisions.ts';
import { BY_CONTROLLER } from './indexes.ts';
import { RevisionHistory, revisionOfTemplate, templateOf } from './revision-history.ts';

export interface History {
  /** Of the present template: the Pods' label controller-revision-hash. */
  readonly hash: string;
  readonly old: readonly ControllerRevision[];
}

export class DaemonSetHistory {
  readonly #client: Client;
  readonly #history: RevisionHistory;
  readonly #pods: Informer<Pod>;

  constructor(client: Client, revisions: Informer<ControllerRevision>, pods: Informer<Pod>) {
    this.#client = client;
    this.#history = new RevisionHistory(client, 'daemonsets.apps', revisions);
    this.#pods = pods;
  }

  /** Finds or writes the revision of the present template, and makes it the newest. */
  *sync(set: DaemonSet): Op<History> {
    const mine = yield* this.#history.of(set);
    const current = mine.find((revision) => sameTemplate(set.spec.template, templateOf(revision)));
    const old = mine.filter((revision) => revision !== current);
    const next = old.reduce((max, revision) => Math.max(max, revision.revision), 0) + 1;
    if (!current) return { hash: yield* this.#snapshot(set, next), old };
    if (current.revision < next) yield* this.#client.update('controllerrevisions.apps', { ...current, revision: next });
    return { hash: current.metadata.labels?.[REVISION_HASH] ?? '', old };
  }

  /** Deletes the oldest revisions beyond the limit that no Pod has. */
  *cleanUp(set: DaemonSet, old: readonly ControllerRevision[]): Op<void> {
    let excess = old.length - (set.spec.revisionHistoryLimit ?? 10);
    if (excess <= 0) return;
    const live = new Set(this.#pods.index(BY_CONTROLLER, set.metadata.uid ?? '').map((pod) => pod.metadata.labels?.[REVISION_HASH]));
    for (const revision of [...old].sort((a, b) => a.revision - b.revision)) {
      if (excess <= 0) return;
      if (live.has(revision.metadata.labels?.[REVISION_HASH])) continue;
      yield* this.#history.delete(revision);
      excess--;
    }
  }

  *#snapshot(set: DaemonSet, revision: number): Op<string> {
    const hash = podTemplateHash(set.spec.template, set.status.collisionCount);
    const name = `${set.metadata.name}-${hash}`;
    try {
      yield* this.#client.create('controllerrevisions.apps', revisionOfTemplate(set, name, [REVISION_HASH, hash], revision));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      yield* this.#resolveCollision(set, name, error);
    }
    return hash;
  }

  /** The name is taken: by this template's own revision, not yet in the cache, or by another template with the same hash. */
  *#resolveCollision(set: DaemonSet, name: string, error: unknown): Op<void> {
    const taken = yield* this.#client.get('controllerrevisions.apps', set.metadata.namespace ?? '', name);
    if (sameTemplate(set.spec.template, templateOf(taken))) return;
    const status = { ...set.status, collisionCount: (set.status.collisionCount ?? 0) + 1 };
    yield* this.#client.updateStatus('daemonsets.apps', { ...set, status });
    throw error;
  }
}
