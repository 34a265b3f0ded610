// What the kubelet knows of the containers on its machine (kubelet/container Cache): filled by the Pod lifecycle event generator.

import type { ContainerEvent, ContainerStatus, SandboxStatus } from '../runtime/cri.ts';

/** A Pod as the runtime has it: newest sandbox and newest containers first. */
export interface RuntimePod {
  readonly sandboxes: readonly SandboxStatus[];
  readonly containers: readonly ContainerStatus[];
}

export const NO_RUNTIME_POD: RuntimePod = { sandboxes: [], containers: [] };

/** The newest container of that name. */
export function findContainer(pod: RuntimePod, name: string): ContainerStatus | undefined {
  for (const c of pod.containers) if (c.name === name) return c;
  return undefined;
}

export class PodCache {
  readonly #pods = new Map<string, RuntimePod>();

  get(uid: string): RuntimePod {
    return this.#pods.get(uid) ?? NO_RUNTIME_POD;
  }

  uids(): readonly string[] {
    return [...this.#pods.keys()];
  }

  /** Takes over one sandbox with all its containers. */
  update(event: Pick<ContainerEvent, 'sandbox' | 'containers'>): void {
    const { sandbox, containers } = event;
    const known = this.#pods.get(sandbox.uid);
    if (!known || (known.sandboxes.length === 1 && known.sandboxes[0]?.id === sandbox.id)) {
      const list = known ? latest(containers, known.containers) : containers;
      this.#pods.set(sandbox.uid, { sandboxes: [sandbox], containers: newestFirst(list) });
      return;
    }
    const sandboxes = [sandbox, ...known.sandboxes.filter((s) => s.id !== sandbox.id)];
    sandboxes.sort((a, b) => b.createdAt - a.createdAt || b.attempt - a.attempt);
    const others = known.containers.filter((c) => c.sandboxId !== sandbox.id);
    this.#pods.set(sandbox.uid, { sandboxes, containers: newestFirst([...latest(containers, known.containers), ...others]) });
  }

  /** Takes over one container that the runtime was asked about: its event may still be under way. */
  note(uid: string, status: ContainerStatus): void {
    const known = this.#pods.get(uid);
    if (!known) return;
    const before = known.containers.find((c) => c.id === status.id);
    if (before !== undefined && RANK[before.state] >= RANK[status.state]) return;
    this.#pods.set(uid, { ...known, containers: newestFirst([status, ...known.containers.filter((c) => c.id !== status.id)]) });
  }

  /** As `note`, for a sandbox. */
  noteSandbox(sandbox: SandboxStatus): void {
    const known = this.#pods.get(sandbox.uid);
    if (known?.sandboxes.some((s) => s.id === sandbox.id)) return;
    this.update({ sandbox, containers: [] });
  }

  forgetContainer(uid: string, id: string): void {
    const known = this.#pods.get(uid);
    if (known) this.#pods.set(uid, { ...known, containers: known.containers.filter((c) => c.id !== id) });
  }

  /** Forgets a removed sandbox. */
  forgetSandbox(uid: string, sandboxId: string): void {
    const known = this.#pods.get(uid);
    if (!known) return;
    const sandboxes = known.sandboxes.filter((s) => s.id !== sandboxId);
    if (sandboxes.length === 0) this.#pods.delete(uid);
    else this.#pods.set(uid, { sandboxes, containers: known.containers.filter((c) => c.sandboxId !== sandboxId) });
  }

  delete(uid: string): void {
    this.#pods.delete(uid);
  }
}

const RANK: Readonly<Record<ContainerStatus['state'], number>> = { CREATED: 0, RUNNING: 1, UNKNOWN: 1, EXITED: 2 };

/** What was asked for since the event was made is not taken back by it. */
function latest(containers: readonly ContainerStatus[], known: readonly ContainerStatus[]): readonly ContainerStatus[] {
  let out: ContainerStatus[] | null = null;
  for (let i = 0; i < containers.length; i++) {
    const status = containers[i] as ContainerStatus;
    const before = known.find((c) => c.id === status.id);
    if (before !== undefined && RANK[before.state] > RANK[status.state]) (out ??= [...containers])[i] = before;
  }
  return out ?? containers;
}

function newestFirst(containers: readonly ContainerStatus[]): readonly ContainerStatus[] {
  if (containers.length < 2) return containers;
  return [...containers].sort((a, b) => b.createdAt - a.createdAt || b.attempt - a.attempt);
}
