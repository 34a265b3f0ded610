// What scheduling asks of objects other than Pods and nodes: namespaces' labels, budgets, and who a Pod belongs with.

import type { LabelSelector, Namespace, Pod, PodDisruptionBudget, ReplicaSet, ReplicationController, Service, StatefulSet } from '../api/generated/types.ts';
import { controllerOf } from '../api/meta.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { Informer } from '../client/informer.ts';
import { compileLabelSelector, compileLabels, all, type Labels } from './matcher.ts';
import type { NamedSelector } from './plugins/pod-topology-spread.ts';

const NO_LABELS: Labels = Object.freeze({});

export class Listers {
  readonly #namespaces: Informer<Namespace>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #services: Informer<Service>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #replicationControllers: Informer<ReplicationController>;
  readonly #statefulSets: Informer<StatefulSet>;

  constructor(factory: InformerFactory) {
    this.#namespaces = factory.informer('namespaces');
    this.#budgets = factory.informer('poddisruptionbudgets.policy');
    this.#services = factory.informer('services');
    this.#replicaSets = factory.informer('replicasets.apps');
    this.#replicationControllers = factory.informer('replicationcontrollers');
    this.#statefulSets = factory.informer('statefulsets.apps');
  }

  namespaceLabels(namespace: string): Labels {
    return this.#namespaces.get('', namespace)?.metadata.labels ?? NO_LABELS;
  }

  budgets(namespace: string): readonly PodDisruptionBudget[] {
    return this.#budgets.size === 0 ? [] : this.#budgets.list(namespace);
  }

  /** The Pods of the same Services and the same controller (upstream helper.DefaultSelector); null when there are none. */
  defaultSelector(pod: Pod): NamedSelector | null {
    const { namespace = '', labels = NO_LABELS } = pod.metadata;
    const wanted: Record<string, string> = {};
    for (const service of this.#services.list(namespace)) {
      const selector = service.spec.selector;
      if (selector && isSubset(selector, labels)) Object.assign(wanted, selector);
    }
    const owner = this.#ownerSelector(pod, namespace, wanted);
    const keys = Object.keys(wanted).sort();
    const key = `${keys.map((k) => `${k}=${wanted[k] ?? ''}`).join(',')}|${owner?.key ?? ''}`;
    if (keys.length === 0) return owner;
    return { key, matches: owner ? all([compileLabels(wanted), owner.matches]) : compileLabels(wanted) };
  }

  #ownerSelector(pod: Pod, namespace: string, wanted: Record<string, string>): NamedSelector | null {
    const owner = controllerOf(pod);
    if (owner?.kind === 'ReplicationController') {
      Object.assign(wanted, this.#replicationControllers.get(namespace, owner.name)?.spec.selector ?? {});
      return null;
    }
    if (owner?.kind === 'ReplicaSet') return named(this.#replicaSets.get(namespace, owner.name)?.spec.selector);
    if (owner?.kind === 'StatefulSet') return named(this.#statefulSets.get(namespace, owner.name)?.spec.selector);
    return null;
  }
}

const names = new WeakMap<LabelSelector, NamedSelector>();

function named(selector: LabelSelector | undefined): NamedSelector | null {
  if (selector === undefined) return null;
  let result = names.get(selector);
  if (result === undefined) names.set(selector, (result = { key: JSON.stringify(selector), matches: compileLabelSelector(selector) }));
  return result;
}

function isSubset(selector: Labels, labels: Labels): boolean {
  const keys = Object.keys(selector);
  return keys.length > 0 && keys.every((key) => labels[key] === selector[key]);
}
