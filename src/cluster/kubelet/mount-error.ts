// Why a volume cannot be set up.

import type { Micros } from '../sim/time.ts';

export interface MountErrorOptions {
  /** What FailedMount says, where that is not that SetUp failed; null: nothing is said, the kubelet just waits. */
  readonly event?: string | null;
  /** When to try again; absent: after a back-off of the Pod's own. */
  readonly retry?: Micros;
}

/** A volume cannot be set up now; the message is what FailedMount shows after the volume's name. */
export class MountError extends Error {
  readonly volume: string;
  /** Of other volumes of the Pod, at the same time. */
  others: readonly MountError[] = [];
  readonly event: string | null;
  readonly retry: Micros | undefined;

  constructor(volume: string, message: string, options: MountErrorOptions = {}) {
    super(message);
    this.name = 'MountError';
    this.volume = volume;
    this.event = options.event === undefined ? `MountVolume.SetUp failed for volume "${volume}" : ${message}` : options.event;
    this.retry = options.retry;
  }
}
