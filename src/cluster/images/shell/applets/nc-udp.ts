// nc -u: lines of the standard input as datagrams, what comes back on the standard output; `-l` answers nothing, it prints.

import { lookupHost } from '../../../network/resolver.ts';
import { SocketError, udpSocket } from '../../../network/socket.ts';
import { TIMED_OUT } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import { type Applet, AppletError } from '../applet.ts';

export interface NcUdp {
  readonly host: string;
  readonly port: number;
  /** 0: any. */
  readonly localPort: number;
  readonly listens: boolean;
  /** How long it waits for more once there is nothing left to send; null: for ever. */
  readonly patience: Micros | null;
}

export function* ncUdp(c: Parameters<Applet>[0], { host, port, localPort, listens, patience }: NcUdp): Op<number> {
  const wait = patience ?? 3_600 * SECOND;
  if (listens) {
    const socket = udpSocket(c.os, localPort === 0 ? port : localPort);
    for (let got = yield* socket.receiveWithin(wait); got !== undefined && (got !== TIMED_OUT || patience === null); got = yield* socket.receiveWithin(wait)) {
      if (got !== TIMED_OUT) yield* c.stdout.write(String(got.payload));
    }
    return 0;
  }
  const [address] = (yield* lookupHost(c.os, host)) ?? [];
  if (address === undefined) throw new AppletError(`bad address '${host}'`);
  const socket = udpSocket(c.os, localPort);
  socket.connect(address, port);
  try {
    for (let text = yield* c.stdin.read(); text !== undefined; text = yield* c.stdin.read()) socket.send(address, port, String(text));
    for (let got = yield* socket.receiveWithin(wait); got !== undefined; got = yield* socket.receiveWithin(wait)) {
      if (got === TIMED_OUT) {
        if (patience !== null) return 0;
      } else yield* c.stdout.write(String(got.payload));
    }
    return 0;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    throw new AppletError('read: Connection refused');
  } finally {
    socket.close();
  }
}
