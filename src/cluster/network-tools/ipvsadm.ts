// ipvsadm(8): virtual servers.

import type { Os, Program } from '../machine/process.ts';
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
