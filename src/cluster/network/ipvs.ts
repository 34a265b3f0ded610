// IPVS as ipvsadm(8) shows it: virtual servers on addresses of the host, and the real servers behind them.

import type { MatchContext } from './compile.ts';

export interface RealServer {
  readonly address: string;
  readonly port: number;
  /** 0: gets no new connections (graceful termination). */
  readonly weight: number;
}

export interface VirtualServer {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly address: string;
  readonly port: number;
  readonly scheduler: string;
  /** Seconds; 0: not persistent. */
  readonly persistent: number;
  readonly servers: readonly RealServer[];
}

export interface Ipvs {
  /** Undefined: no virtual server there; null: nobody behind it. */
  choose(c: MatchContext): RealServer | null | undefined;
  list(): readonly VirtualServer[];
  clear(): void;
}
