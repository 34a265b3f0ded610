// The revisions of a StatefulSet's template (pkg/controller/statefulset, pkg/controller/history): the one that its status calls
// current, the one that an update goes to, and a bounded past.

import type { ControllerRevision, Pod, StatefulSet } from '../api/generated/types.ts';
import { podTemplateHash } from '../api/hash.ts';
import { isAlreadyExists } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';
import type { Op } from '../sim/simulation.ts';
import { sameTemplate } from './deployment-revisions.ts';
import { RevisionHistory, revisionOfTemplate, templateOf } from './revision-history.ts';
import { revisionOf } from './statefulset-plan.ts';

const HASH = 'controller.kubernetes.io/hash';

export interface Revisions {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  /** Oldest first. */
  readonly all: readonly ControllerRevision[];
  readonly collisions: number;
}

export class StatefulSetHistory {
  readonly #client: Client;
  readonly #history: RevisionHistory;

  constructor(client: Client, revisions: Informer<ControllerRevision>) {
    this.#client = client;
    this.#history = new RevisionHistory(client, 'statefulsets.apps', revisions);
  }

  *sync(set: StatefulSet): Op<Revisions> {
    const all = (yield* this.#history.of(set)).sort(byRevision);
    const newest = all.at(-1);
    const same = all.filter((revision) => sameTemplate(set.spec.template, templateOf(revision))).at(-1);
    let collisions = set.status.collisionCount ?? 0;
    let update = same;
    if (!update) {
      const made = yield* this.#create(set, (newest?.revision ?? 0) + 1, collisions);
      update = made.revision;
      collisions = made.collisions;
    } else if (newest && update !== newest) {
      update = yield* this.#client.update('controllerrevisions.apps', { ...update, revision: newest.revision + 1 });
    }
    const current = all.find((revision) => revision.metadata.name === set.status.currentRevision) ?? update;
    return { current, update, all, collisions };
  }

  /** Deletes the oldest revisions beyond the limit that neither the status nor a Pod names. */
  *truncate(set: StatefulSet, pods: readonly Pod[], { current, update, all }: Revisions): Op<void> {
    const limit = set.spec.revisionHistoryLimit ?? 10;
    if (limit < 0 || all.length <= limit) return;
    const live = new Set([current.metadata.name, update.metadata.name, ...pods.map(revisionOf)]);
    const past = all.filter((revision) => !live.has(revision.metadata.name));
    for (const revision of past.slice(0, Math.max(0, past.length - limit))) yield* this.#history.delete(revision);
  }

  *#create(set: StatefulSet, revision: number, collisions: number): Op<{ revision: ControllerRevision; collisions: number }> {
    for (let tries = collisions; ; tries++) {
      const hash = podTemplateHash(set.spec.template, tries);
      const name = `${set.metadata.name.slice(0, 223)}-${hash}`;
      try {
        const made = yield* this.#client.create('controllerrevisions.apps', revisionOfTemplate(set, name, [HASH, hash], revision));
        return { revision: made, collisions: tries };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const taken = yield* this.#client.get('controllerrevisions.apps', set.metadata.namespace ?? '', name);
        if (sameTemplate(set.spec.template, templateOf(taken))) return { revision: taken, collisions: tries };
      }
    }
  }
}

function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
