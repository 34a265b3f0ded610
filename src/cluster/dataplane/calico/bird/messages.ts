// BGP's messages (RFC 4271, graceful restart RFC 4724), as values.

export interface Open {
  readonly type: 'OPEN';
  readonly as: number;
  readonly routerId: string;
  readonly holdTime: number;
  /** Seconds for which the peer should keep this one's routes when the connection breaks. */
  readonly restartTime: number;
}

export interface Update {
  readonly type: 'UPDATE';
  readonly announce: readonly string[];
  readonly withdraw: readonly string[];
  readonly nextHop: string;
}

/** An UPDATE without anything: all that there was has been said. */
export const END_OF_RIB: Update = { type: 'UPDATE', announce: [], withdraw: [], nextHop: '' };

export interface Notification {
  readonly type: 'NOTIFICATION';
  readonly error: string;
}

export type Message = Open | Update | Notification | { readonly type: 'KEEPALIVE' };

export const BGP_PORT = 179;
