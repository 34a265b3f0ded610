// DNS messages as values (RFC 1035), who serves them and who asks: over UDP, and over TCP for those who prefer it.

import type { Os } from '../machine/process.ts';
import { TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { SocketAddress } from './connection.ts';
import { listen, SocketError } from './socket.ts';
import { type Datagram, udpSocket } from './udp.ts';

export type DnsType = 'A' | 'AAAA' | 'CNAME' | 'SRV' | 'PTR' | 'TXT' | 'NS' | 'SOA' | 'MX';
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

export interface DnsQuery {
  readonly id: number;
  readonly question: DnsQuestion;
}

export interface DnsReply {
  readonly id: number;
  readonly question: DnsQuestion;
  readonly code: DnsCode;
  readonly authoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

export type DnsHandler = (query: DnsQuery, from: SocketAddress, protocol: 'udp' | 'tcp') => Op<DnsReply>;

const DNS_PORT = 53;

/** Serves DNS on UDP and TCP; `handler` runs as a thread of the process for each query. Throws SocketError EADDRINUSE. */
export function serveDns(os: Os, port: number, handler: DnsHandler): void {
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
}

/** Asks one server over UDP; undefined when it does not answer in time or nobody listens there. */
export function* dnsQuery(os: Os, server: string, query: DnsQuery, timeout: Micros): Op<DnsReply | undefined> {
  const socket = udpSocket(os, 0);
  const { sim } = os;
  const cause = sim.cause;
  try {
    socket.connect(server, DNS_PORT);
    socket.send(server, DNS_PORT, query, { trace: { kind: 'dns', verb: 'query', detail: query } });
    const got = yield* socket.receiveWithin(timeout);
    return got === TIMED_OUT || got === undefined ? undefined : (got.payload as DnsReply);
  } catch (error) {
    if (error instanceof SocketError) return undefined;
    throw error;
  } finally {
    sim.cause = cause;
    socket.close();
  }
}
