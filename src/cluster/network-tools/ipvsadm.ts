// ipvsadm(8) and ipset(8): virtual servers, and the sets that iptables rules ask.

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

/** `ipset list [NAME]`, `ipset -n list`, `ipset save`. */
export const ipsetProgram: Program = function* (os: Os): Op<number> {
  const words = os.argv.slice(1).filter((arg) => !arg.startsWith('-'));
  const sets = netnsOf(os).rulesIfAny?.ipsets ?? new Map<string, never>();
  const name = words[1];
  if (name !== undefined && !sets.has(name)) {
    os.logError('ipset v7.17: The set with the given name does not exist');
    return 1;
  }
  for (const [own, { type, elements }] of sets) {
    if (name !== undefined && name !== own) continue;
    if (os.argv.includes('-n') || os.argv.includes('-name')) {
      os.log(own);
      continue;
    }
    const header = type === 'bitmap:port' ? 'range 0-65535' : 'family inet hashsize 1024 maxelem 65536';
    os.log(`Name: ${own}\nType: ${type}\nRevision: ${type === 'bitmap:port' ? 3 : 6}\nHeader: ${header}\nSize in memory: ${200 + elements.size * 64}\nReferences: 1\nNumber of entries: ${elements.size}\nMembers:\n${[...elements].map((e) => `${e}\n`).join('')}`);
  }
  return 0;
};
