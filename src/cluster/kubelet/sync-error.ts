// Why a container or a Pod could not be brought up (kubecontainer's sync results): the reason is what a container's
// waiting state shows.

import type { Micros } from '../sim/time.ts';

export class SyncError extends Error {
  readonly reason: string;
  /** For a back-off: when it is over. */
  readonly until: Micros | undefined;

  constructor(reason: string, message: string, until?: Micros) {
    super(message);
    this.name = 'SyncError';
    this.reason = reason;
    this.until = until;
  }
}
