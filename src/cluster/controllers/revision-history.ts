// ControllerRevisions, in which DaemonSets and StatefulSets keep the past of their templates (pkg/controller/history): whose they
// are, what they hold, and how a new one is made.

import type { ControllerRevision, DaemonSet, PodTemplateSpec, StatefulSet } from '../api/generated/types.ts';
import { controllerReference } from '../api/meta.ts';
import { selectorOf } from '../api/selector.ts';
import { isNotFound } from '../api/status.ts';
import type { Client, Draft } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';
import type { Op } from '../sim/simulation.ts';
import { BY_CONTROLLER, indexByController, orphansOf } from './indexes.ts';
import { claim } from './refmanager.ts';

type Owner = DaemonSet | StatefulSet;

export class RevisionHistory {
  readonly #client: Client;
  readonly #resource: 'daemonsets.apps' | 'statefulsets.apps';
  readonly #revisions: Informer<ControllerRevision>;

  constructor(client: Client, resource: 'daemonsets.apps' | 'statefulsets.apps', revisions: Informer<ControllerRevision>) {
    this.#client = client;
    this.#resource = resource;
    this.#revisions = revisions;
    indexByController(revisions);
  }

  /** Those of the owner, orphans that match it among them. */
  *of(owner: Owner): Op<ControllerRevision[]> {
    const namespace = owner.metadata.namespace ?? '';
    return yield* claim<ControllerRevision, Owner>(
      {
        client: this.#client,
        resource: 'controllerrevisions.apps',
        owner,
        selector: selectorOf(owner.spec.selector),
        readOwner: () => this.#client.get(this.#resource, namespace, owner.metadata.name),
      },
      [...this.#revisions.index(BY_CONTROLLER, owner.metadata.uid ?? ''), ...this.#revisions.index(BY_CONTROLLER, orphansOf(namespace))],
    );
  }

  *delete({ metadata: { namespace = '', name } }: ControllerRevision): Op<void> {
    try {
      yield* this.#client.delete('controllerrevisions.apps', namespace, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** A revision that holds the owner's present template. */
export function revisionOfTemplate(owner: Owner, name: string, label: readonly [name: string, hash: string], revision: number): Draft<ControllerRevision> {
  const { namespace = '', annotations } = owner.metadata;
  const { template } = owner.spec;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name,
      namespace,
      labels: { ...template.metadata?.labels, [label[0]]: label[1] },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(owner)],
    },
    data: { spec: { template: { ...template, $patch: 'replace' } } },
    revision,
  };
}

const templates = new WeakMap<ControllerRevision, PodTemplateSpec>();

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const known = templates.get(revision);
  if (known) return known;
  const data = revision.data as { readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } } } | undefined;
  if (data?.spec?.template === undefined) return undefined;
  const { $patch: _, ...template } = data.spec.template;
  templates.set(revision, template);
  return template;
}
