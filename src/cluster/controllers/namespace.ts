// The namespace controller (pkg/controller/namespace): when a namespace is deleted, deletes all that is in it, Pods first,
// and then lets the namespace itself go.

import type { Namespace, NamespaceCondition, Pod } from '../api/generated/types.ts';
import type { ResourceKind } from '../api/kinds.ts';
import { type ApiObject, isDeleting, keyOf } from '../api/meta.ts';
import { ApiError, isConflict, isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { Discovery } from '../client/discovery.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'namespace-controller';
const FINALIZER = 'kubernetes';
/** So that all API servers know of the deletion and accept nothing new. */
const GRACE: Micros = 5 * SECOND;
/** What the longest-lived content is taken to need when it does not say. */
const DEFAULT_ESTIMATE = 15;

/** What is still there after deleting. */
interface Remains {
  readonly counts: Map<string, number>;
  readonly finalizers: Map<string, number>;
  readonly failures: string[];
  /** Seconds until the content may be gone. */
  estimate: number;
}

export class NamespaceController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #discovery: Discovery;
  readonly #workers: number;
  readonly #namespaces: Informer<Namespace>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#discovery = new Discovery(this.#client);
    this.#workers = context.flags.concurrent['namespace'] ?? 10;
    this.#queue = new WorkQueue(context.os.sim);
    this.#namespaces = context.informers.informer('namespaces');
    const seen = (namespace: Namespace): void => {
      if (isDeleting(namespace)) this.#queue.addAfter(keyOf(namespace), GRACE);
    };
    this.#namespaces.addHandler({ add: seen, update: (_, namespace) => seen(namespace) });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: this.#workers,
      subject: subjectsOf('namespaces'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  *#sync(name: string, sync: Sync): Op<void> {
    const cached = this.#namespaces.get('', name);
    if (!cached || !isDeleting(cached) || !hasFinalizer(cached)) return;
    let namespace = yield* this.#read(name);
    if (!namespace || namespace.metadata.uid !== cached.metadata.uid || !hasFinalizer(namespace)) return;
    sync.decide({ deleteContentOf: name });
    if (namespace.status.phase !== 'Terminating') {
      namespace = yield* this.#client.updateStatus('namespaces', { ...namespace, status: { ...namespace.status, phase: 'Terminating' } });
    }
    const remains = yield* this.#deleteContent(name);
    yield* this.#writeConditions(namespace, remains);
    if (remains.counts.size > 0) {
      this.#queue.addAfter(name, (Math.floor(remains.estimate / 2) + 1) * SECOND);
      return;
    }
    if (remains.failures.length > 0) throw new Error(remains.failures.join(', '));
    sync.decide({ finalize: name });
    yield* this.#finalize(name);
  }

  *#deleteContent(namespace: string): Op<Remains> {
    const remains: Remains = { counts: new Map(), finalizers: new Map(), failures: [], estimate: 0 };
    // Other content may be needed by Pods as they end: it goes when they are gone.
    yield* this.#deleteAll('pods', namespace, remains);
    if (remains.counts.size > 0 || remains.failures.length > 0) return remains;
    for (const kind of deletable(yield* this.#discovery.preferred())) yield* this.#deleteAll(kind, namespace, remains);
    return remains;
  }

  *#deleteAll(kind: ResourceKind | 'pods', namespace: string, remains: Remains): Op<void> {
    try {
      yield* this.#client.deleteCollection(kind, namespace);
      const { items } = yield* this.#client.list(kind, namespace);
      if (items.length === 0) return;
      const resource = kind === 'pods' ? kind : kind.key;
      remains.counts.set(resource, items.length);
      remains.estimate = Math.max(remains.estimate, resource === 'pods' ? longestGrace(items as readonly Pod[]) : DEFAULT_ESTIMATE);
      for (const item of items as readonly ApiObject[]) {
        for (const finalizer of item.metadata.finalizers ?? []) {
          remains.finalizers.set(finalizer, (remains.finalizers.get(finalizer) ?? 0) + 1);
        }
      }
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      // Not served (any more): then nothing of it can be left.
      if (isNotFound(error) || (error instanceof ApiError && error.code === 405)) return;
      remains.failures.push(messageOf(error));
    }
  }

  *#finalize(name: string): Op<void> {
    for (;;) {
      const namespace = yield* this.#read(name);
      if (!namespace) return;
      try {
        const finalizers = (namespace.spec.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
        yield* this.#client.update('namespaces', { ...namespace, spec: { ...namespace.spec, finalizers } }, 'finalize');
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error)) throw error;
      }
    }
  }

  *#writeConditions(namespace: Namespace, remains: Remains): Op<void> {
    const conditions = withConditions(namespace.status.conditions ?? [], conditionsOf(remains), this.#os.sim.time());
    if (conditions === undefined) return;
    try {
      yield* this.#client.updateStatus('namespaces', { ...namespace, status: { ...namespace.status, conditions } });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }

  *#read(name: string): Op<Namespace | undefined> {
    try {
      return yield* this.#client.get('namespaces', '', name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

const hasFinalizer = (namespace: Namespace): boolean => (namespace.spec.finalizers ?? []).length > 0;

/** Namespaced kinds that can be deleted and listed; Pods have gone before. */
function deletable(kinds: readonly ResourceKind[]): ResourceKind[] {
  const verbs = ['delete', 'list'];
  return kinds.filter((kind) => kind.namespaced && kind.key !== 'pods' && verbs.every((verb) => kind.verbs.includes(verb)));
}

function longestGrace(pods: readonly Pod[]): number {
  return pods.reduce((longest, pod) => Math.max(longest, pod.spec.terminationGracePeriodSeconds ?? 0), 0);
}

type Told = Omit<NamespaceCondition, 'lastTransitionTime'>;

function conditionsOf({ counts, finalizers, failures }: Remains): Told[] {
  const list = (entries: Map<string, number>, word: string): string => [...entries].map(([what, n]) => `${what}${word}${n} resource instances`).join(', ');
  const say = (type: string, bad: boolean, reason: string, message: string): Told => ({ type, status: bad ? 'True' : 'False', reason, message });
  return [
    say('NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered'),
    say('NamespaceDeletionGroupVersionParsingFailure', false, 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    failures.length > 0
      ? say('NamespaceDeletionContentFailure', true, 'ContentDeletionFailed', `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`)
      : say('NamespaceDeletionContentFailure', false, 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'),
    counts.size > 0
      ? say('NamespaceContentRemaining', true, 'SomeResourcesRemain', `Some resources are remaining: ${list(counts, '. has ')}`)
      : say('NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'),
    finalizers.size > 0
      ? say('NamespaceFinalizersRemaining', true, 'SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${list(finalizers, ' in ')}`)
      : say('NamespaceFinalizersRemaining', false, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'),
  ];
}

/** The conditions with `told` in them; undefined when they say that already. */
function withConditions(present: readonly NamespaceCondition[], told: readonly Told[], now: string): NamespaceCondition[] | undefined {
  let changed = false;
  const next = [...present];
  for (const condition of told) {
    const at = next.findIndex((c) => c.type === condition.type);
    const before = next[at];
    if (before?.status === condition.status && before.reason === condition.reason && before.message === condition.message) continue;
    changed = true;
    const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
    if (at < 0) next.push({ ...condition, lastTransitionTime });
    else next[at] = { ...condition, lastTransitionTime };
  }
  return changed ? next : undefined;
}
