// DNS messages as values (RFC 1035), who serves them and who asks: over UDP, and over TCP for those who prefer it.

import type { Os } from '../machine/process.ts';
import { Channel, TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { SocketAddress } from './connection.ts';
import { dial, listen, SocketError } from './socket.ts';
import { type Datagram, udpSocket } from './udp.ts';
import { sourceAddress } from './walk.ts';

export type DnsType = 'A' | 'AAAA' | 'CNAME' | 'SRV' | 'PTR' | 'TXT' | 'NS' | 'SOA' | 'MX' | 'HINFO' | 'HTTPS' | 'CAA' | 'ANY';
export type DnsCode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';

export interface DnsQuestion {
  /** Without the dot at the end. */
  readonly name: string;
  readonly type: DnsType;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: DnsType;
  /** Seconds. */
  readonly ttl: number;
  /** As a zone file has it: an address, a name, `0 50 80 name` for SRV. */
  readonly data: string;
}

/** EDNS(0), RFC 6891: how large an answer over UDP may be, and options that the server may send back. */
export interface Edns {
  readonly size: number;
  /** A client cookie (RFC 7873), 16 hexadecimal digits. */
  readonly cookie?: string;
}

export interface DnsQuery {
  readonly id: number;
  readonly question: DnsQuestion;
  /** Recursion is desired unless this is false. */
  readonly recursion?: false;
  readonly edns?: Edns;
}

export interface DnsReply {
  readonly id: number;
  readonly question: DnsQuestion;
  readonly recursion?: false;
  readonly edns?: Edns;
  readonly code: DnsCode;
  readonly authoritative: boolean;
  /** The server recurses (RA). */
  readonly recursive?: true;
  /** Records are missing: ask again over TCP (TC). */
  readonly truncated?: true;
  /** Names that come again are pointers (RFC 1035 4.1.4): smaller on the wire. */
  readonly compressed?: true;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

export type DnsHandler = (query: DnsQuery, from: SocketAddress, protocol: 'udp' | 'tcp') => Op<DnsReply>;

const DNS_PORT = 53;

/** Serves DNS on UDP and TCP; `handler` runs as a thread of the process for each query. Gives back what ends it. Throws SocketError EADDRINUSE. */
export function serveDns(os: Os, port: number, handler: DnsHandler): () => void {
  const socket = udpSocket(os, port);
  socket.onDatagram = (datagram: Datagram) => {
    const query = datagram.payload as DnsQuery;
    os.go('dns', function* () {
      const reply = yield* handler(query, datagram, 'udp');
      socket.send(datagram.address, datagram.port, reply, { from: datagram.to, trace: { kind: 'dns', verb: 'reply', detail: reply } });
    });
  };
  const listener = listen(os, port);
  listener.onConnection = (connection) => {
    connection.onMessage = (message) => {
      os.go('dns', function* () {
        const reply = yield* handler(message as DnsQuery, connection.remote, 'tcp');
        connection.send(reply, undefined, { kind: 'dns', verb: 'reply', detail: reply });
      });
    };
  };
  return () => {
    socket.close();
    listener.close();
  };
}

/** What became of questions: the answers so far, why not all came, and the address they were asked from. */
export interface DnsExchange {
  readonly replies: readonly (DnsReply | undefined)[];
  readonly failure?: 'timeout' | 'refused' | 'unreachable';
  readonly from: string;
}

/** Asks one server over UDP; several questions go out at once from one socket, as a C library asks for A and AAAA. */
export function* dnsExchange(os: Os, server: string, queries: readonly DnsQuery[], timeout: Micros, port = DNS_PORT): Op<DnsExchange> {
  const socket = udpSocket(os, 0);
  const { sim } = os;
  const cause = sim.cause;
  const deadline = sim.now + timeout;
  const replies: (DnsReply | undefined)[] = queries.map(() => undefined);
  const from = `${sourceAddress(socket.netns, server) ?? ''}:${socket.port}`;
  try {
    socket.connect(server, port);
    for (const query of queries) socket.send(server, port, query, { trace: { kind: 'dns', verb: 'query', detail: query } });
    for (let left = queries.length; left > 0; ) {
      const got = yield* socket.receiveWithin(deadline - sim.now);
      if (got === TIMED_OUT || got === undefined) return { replies, failure: 'timeout', from };
      const reply = got.payload as DnsReply;
      const at = queries.findIndex((q) => q.id === reply.id);
      if (at < 0 || replies[at] !== undefined) continue;
      replies[at] = reply;
      left--;
    }
    return { replies, from };
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return { replies, failure: error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable', from };
  } finally {
    sim.cause = cause;
    socket.close();
  }
}

/** Asks one server over UDP; undefined when it does not answer in time or nobody listens there. */
export function* dnsQuery(os: Os, server: string, query: DnsQuery, timeout: Micros, port = DNS_PORT): Op<DnsReply | undefined> {
  return (yield* dnsExchange(os, server, [query], timeout, port)).replies[0];
}

/** The same over TCP. */
export function* dnsQueryOverTcp(os: Os, server: string, query: DnsQuery, timeout: Micros, port = DNS_PORT): Op<DnsReply | undefined> {
  const cause = os.sim.cause;
  try {
    const connection = yield* dial(os, server, port, { timeout });
    const answers = new Channel<DnsReply>(os.sim);
    connection.onMessage = (message) => answers.send(message as DnsReply);
    connection.send(query, undefined, { kind: 'dns', verb: 'query', detail: query });
    const reply = yield* answers.receiveWithin(timeout);
    connection.close();
    return reply === TIMED_OUT ? undefined : reply;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return undefined;
  } finally {
    os.sim.cause = cause;
  }
}
