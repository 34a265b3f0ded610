// prober/results: the last verdict of a container's liveness, readiness or startup probe, by container id.

export type ProbeVerdict = 'success' | 'failure' | 'unknown';
export type ProbeType = 'liveness' | 'readiness' | 'startup';

export class ProbeResults {
  readonly #verdicts = new Map<string, ProbeVerdict>();

  get(containerId: string): ProbeVerdict | undefined {
    return this.#verdicts.get(containerId);
  }

  /** True when the verdict is another than before. */
  set(containerId: string, verdict: ProbeVerdict): boolean {
    if (this.#verdicts.get(containerId) === verdict) return false;
    this.#verdicts.set(containerId, verdict);
    return true;
  }

  remove(containerId: string): void {
    this.#verdicts.delete(containerId);
  }
}
