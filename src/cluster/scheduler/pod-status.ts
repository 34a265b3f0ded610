// What the scheduler writes into a Pod's status: why it is not scheduled, and where room is being made for it.

import type { Pod } from '../api/generated/types.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError } from '../client/errors.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';

export class PodStatusWriter {
  readonly #os: Os;
  readonly #client: Client;

  constructor(os: Os, client: Client) {
    this.#os = os;
    this.#client = client;
  }

  /** The condition PodScheduled=False; `nominatedNode` '' clears a nomination, undefined leaves it. */
  *notScheduled(pod: Pod, reason: string, message: string, nominatedNode: string | undefined): Op<void> {
    const old = (pod.status.conditions ?? []).find((c) => c.type === 'PodScheduled');
    const nominationChanges = nominatedNode !== undefined && (pod.status.nominatedNodeName ?? '') !== nominatedNode;
    const conditionChanges = old?.status !== 'False' || old.reason !== reason || old.message !== message;
    if (!nominationChanges && !conditionChanges) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      lastProbeTime: null,
      lastTransitionTime: old?.status === 'False' ? (old.lastTransitionTime ?? this.#os.sim.time()) : this.#os.sim.time(),
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      reason,
      message,
    };
    const status = {
      ...(conditionChanges ? { conditions: [condition] } : {}),
      ...(nominationChanges ? { nominatedNodeName: nominatedNode === '' ? null : nominatedNode } : {}),
    };
    yield* this.#patch(pod, status, 'Error updating pod');
  }

  *nominate(pod: Pod, node: string): Op<void> {
    if (pod.status.nominatedNodeName === node) return;
    yield* this.#patch(pod, { nominatedNodeName: node }, 'Failed to update the nominated node name in the binding cycle');
  }

  *clearNomination(pod: Pod): Op<void> {
    yield* this.#patch(pod, { nominatedNodeName: null }, 'Cannot clear nominatedNodeName');
  }

  /** The condition DisruptionTarget of a victim. */
  *disrupted(pod: Pod, preemptor: Pod): Op<void> {
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: this.#os.sim.time(),
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      reason: 'PreemptionByScheduler',
      message: `${preemptor.spec.schedulerName ?? ''}: preempting to accommodate a higher priority pod`,
    };
    yield* this.#patch(pod, { conditions: [condition] }, 'Could not add DisruptionTarget condition due to preemption');
  }

  *#patch(pod: Pod, status: Readonly<Record<string, unknown>>, failure: string): Op<void> {
    const { namespace = '', name, uid } = pod.metadata;
    try {
      yield* this.#client.patch('pods', namespace, name, { metadata: { uid }, status }, 'strategic', 'status');
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#os.logError(`"${failure}" err="${error instanceof Error ? error.message : String(error)}" pod="${namespace}/${name}"`);
    }
  }
}
