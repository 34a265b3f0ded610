// ss(8): who listens, and which connections are open in a namespace.

import type { Os, Process, Program } from '../machine/process.ts';
import { Connection } from '../network/connection.ts';
import type { Netns } from '../network/netns.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';

interface Row {
  readonly netid: 'tcp' | 'udp';
  readonly state: string;
  readonly queue: number;
  readonly local: string;
  readonly peer: string;
  readonly process: Process;
}

/** Programs in Go listen on IPv6's any-address, which takes both families; ss prints it as a star. */
const GO = /^(kube|etcd|flannel|containerd|crio|dockerd|cri-docker|coredns|metrics|agnhost|local-path|csi|nfs)/;

function socketsOf(netns: Netns): Row[] {
  const rows: Row[] = [];
  const ports = netns.portsIfAny;
  if (ports === null) return rows;
  const add = (netid: 'tcp' | 'udp', port: number, s: { readonly address: string; readonly process: Process }): void => {
    const any = s.address === '0.0.0.0' && GO.test(s.process.comm);
    rows.push({
      netid, state: netid === 'tcp' ? 'LISTEN' : 'UNCONN', queue: netid === 'tcp' ? (GO.test(s.process.comm) ? 4096 : 511) : 0,
      local: `${any ? '*' : s.address}:${port}`, peer: any ? '*:*' : '0.0.0.0:*', process: s.process,
    });
  };
  for (const [port, sockets] of ports.udp) for (const s of sockets) add('udp', port, s);
  for (const [port, sockets] of ports.tcp) for (const s of sockets) add('tcp', port, s);
  for (const c of netns.fabric.connections) {
    if (!(c instanceof Connection) || c.netns !== netns || c.closed) continue;
    rows.push({ netid: 'tcp', state: 'ESTAB', queue: 0, local: `${c.local.address}:${c.local.port}`, peer: `${c.remote.address}:${c.remote.port}`, process: c.process });
  }
  return rows;
}

/** `ss [-l|-a] [-t] [-u] [-n] [-p] [state established] [sport = :80] …`. */
export const ssProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const letters = args.filter((arg) => /^-[a-zA-Z0-9]+$/.test(arg)).join('').replaceAll('-', '');
  const has = (letter: string, long: string): boolean => letters.includes(letter) || args.includes(`--${long}`);
  const [listening, all, processes] = [has('l', 'listening'), has('a', 'all'), has('p', 'processes')];
  const [tcp, udp] = [has('t', 'tcp'), has('u', 'udp')];
  const both = tcp === udp;
  const port = (side: string): string | undefined => new RegExp(`\\b${side}\\s*(?:=|==|eq)?\\s*:?(\\d+)`).exec(args.join(' '))?.[1];
  const [sport, dport] = [port('sport'), port('dport')];
  const rows = socketsOf(netnsOf(os)).filter((row) => {
    if (!both && (row.netid === 'tcp') !== tcp) return false;
    if (!all && (row.state === 'ESTAB') === listening) return false;
    return (sport === undefined || row.local.endsWith(`:${sport}`)) && (dport === undefined || row.peer.endsWith(`:${dport}`));
  });
  const split = (text: string): [string, string] => [text.slice(0, text.lastIndexOf(':')), text.slice(text.lastIndexOf(':') + 1)];
  const width = (texts: readonly string[], least: number): number => Math.max(least, ...texts.map((text) => text.length));
  const [localWidth, localPort] = [width(rows.map((r) => split(r.local)[0]), 13), width(rows.map((r) => split(r.local)[1]), 4)];
  const [peerWidth, peerPort] = [width(rows.map((r) => split(r.peer)[0]), 12), width(rows.map((r) => split(r.peer)[1]), 4)];
  const columns = (netid: string, state: string, recv: string, send: string, local: readonly [string, string], peer: readonly [string, string], last: string): string =>
    `${both ? netid.padEnd(6) : ''}${state.padEnd(8)}${recv.padEnd(8)}${send.padEnd(8)}${local[0].padStart(localWidth)}:${local[1].padEnd(localPort)} ${peer[0].padStart(peerWidth)}:${peer[1].padEnd(peerPort)} ${last}`;
  os.log(columns('Netid', 'State', 'Recv-Q', 'Send-Q', ['Local Address', 'Port'], ['Peer Address', 'Port'], 'Process'));
  const seen = new Map<Process, number>();
  for (const row of rows) {
    const fd = (seen.get(row.process) ?? 2) + 1;
    seen.set(row.process, fd);
    os.log(columns(row.netid, row.state, '0', String(row.queue), split(row.local), split(row.peer), processes ? `users:(("${row.process.comm}",pid=${row.process.pid},fd=${fd}))` : ''));
  }
  return 0;
};
