// ipvsadm(8): virtual servers.

import type { Os, Program } from '../machine/process.ts';
import type { VirtualServer } from '../network/ipvs.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';

/** `ipvsadm -Ln [-t|-u ADDRESS:PORT]`, `ipvsadm -C`, `-S -n`. */
export const ipvsadmProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const netns = netnsOf(os);
  const ipvs = netns.rulesIfAny?.ipvs ?? null;
  if (args.includes('-C') || args.includes('--clear')) {
    ipvs?.clear();
    netns.changed();
    return 0;
  }
  if (args.some((arg) => arg === '-c' || arg === '--connection' || /^-L\w*c/.test(arg))) return connections(os, ipvs?.list() ?? []);
  const at = args.findIndex((arg) => arg === '-t' || arg === '-u');
  const only = at < 0 ? undefined : args[at + 1];
  const servers = [...(ipvs?.list() ?? [])]
    .filter((v) => only === undefined || (`${v.address}:${v.port}` === only && (args[at] === '-t') === (v.protocol === 'tcp')))
    .sort((a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0));
  const entries = [...netns.conntrack.list(os.sim.now)];
  os.log('IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn');
  for (const v of servers) {
    os.log(`${v.protocol.toUpperCase().padEnd(4)} ${v.address}:${v.port} ${v.scheduler}${v.persistent > 0 ? ` persistent ${v.persistent}` : ''}`);
    for (const s of v.servers) {
      const own = entries.filter((e) => e.protocol === v.protocol && e.original.dst === v.address && e.original.dport === v.port && e.reply.src === s.address && e.reply.sport === s.port);
      const active = own.filter((e) => e.state === 'ESTABLISHED').length;
      os.log(`  -> ${`${s.address}:${s.port}`.padEnd(28)} Masq    ${String(s.weight).padEnd(6)} ${String(active).padEnd(10)} ${String(own.length - active).padEnd(10)}`);
    }
  }
  return 0;
};

/** What a connection that nothing is said on has left (ipvs' own time-outs; kube-proxy leaves them as they are). */
const IPVS_TIMEOUTS: Readonly<Record<string, number>> = { ESTABLISHED: 900, TIME_WAIT: 120, CLOSE: 10, SYN_SENT: 60, UDP: 300 };

/** `ipvsadm -Lnc`. */
function connections(os: Os, servers: readonly VirtualServer[]): number {
  const { now } = os.sim;
  os.log('IPVS connection entries\npro expire state       source             virtual            destination');
  for (const e of netnsOf(os).conntrack.list(now)) {
    if (!servers.some((v) => v.protocol === e.protocol && v.address === e.original.dst && v.port === e.original.dport)) continue;
    const state = e.protocol === 'udp' ? 'UDP' : e.state === 'SYN_SENT' ? 'SYN_RECV' : e.state;
    const left = Math.min(IPVS_TIMEOUTS[e.protocol === 'udp' ? 'UDP' : e.state] ?? 60, Math.ceil((e.expires - now) / 1_000_000));
    const two = (n: number): string => String(n).padStart(2, '0');
    const { src, sport, dst, dport } = e.original;
    os.log(`${e.protocol.toUpperCase().padEnd(3)} ${two(Math.floor(left / 60))}:${two(left % 60)}  ${state.padEnd(11)} ${`${src}:${sport}`.padEnd(18)} ${`${dst}:${dport}`.padEnd(18)} ${e.reply.src}:${e.reply.sport}`);
  }
  return 0;
}
