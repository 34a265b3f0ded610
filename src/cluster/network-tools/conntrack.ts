// conntrack(8): the table of connection tracking.

import type { Os, Program } from '../machine/process.ts';
import { type ConntrackEntry, deleteConntrack, formatConntrack } from '../network/conntrack.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';

const VERSION = 'conntrack v1.4.7 (conntrack-tools)';

/** `conntrack -L|-D|-C|-F [-p PROTOCOL] [-s ADDRESS] [-d ADDRESS] [-r ADDRESS] [-q ADDRESS] [--sport N] [--dport N] [-n] [-g]`. */
export const conntrackProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const netns = netnsOf(os);
  const { now } = os.sim;
  const value = (...names: readonly string[]): string | undefined => {
    const at = args.findIndex((arg) => names.includes(arg));
    return at < 0 ? undefined : args[at + 1];
  };
  const has = (...names: readonly string[]): boolean => args.some((arg) => names.includes(arg));
  const wanted: readonly (readonly [string | undefined, (e: ConntrackEntry) => string | number])[] = [
    [value('-p', '--proto'), (e) => e.protocol],
    [value('-s', '--src', '--orig-src'), (e) => e.original.src],
    [value('-d', '--dst', '--orig-dst'), (e) => e.original.dst],
    [value('-r', '--reply-src'), (e) => e.reply.src],
    [value('-q', '--reply-dst'), (e) => e.reply.dst],
    [value('--sport', '--orig-port-src'), (e) => e.original.sport],
    [value('--dport', '--orig-port-dst'), (e) => e.original.dport],
    [value('--state'), (e) => e.state],
  ];
  const matches = (e: ConntrackEntry): boolean =>
    wanted.every(([text, read]) => text === undefined || String(read(e)) === text) && (!has('-n', '--src-nat') || e.snat) && (!has('-g', '--dst-nat') || e.dnat);
  if (has('-C', '--count')) {
    os.log(String(netns.conntrack.list(now).length));
    return 0;
  }
  if (has('-F', '--flush')) {
    deleteConntrack(netns, () => true);
    os.logError(`${VERSION}: connection tracking table has been emptied.`);
    return 0;
  }
  const chosen = netns.conntrack.list(now).filter(matches);
  if (!has('-L', '--dump', '-D', '--delete')) {
    os.logError(`${VERSION}: you need to supply an action\nTry \`conntrack -h' or 'conntrack --help' for more information.`);
    return 2;
  }
  const text = formatConntrack({ list: () => chosen }, now);
  if (text !== '') os.write(text);
  if (has('-D', '--delete')) {
    deleteConntrack(netns, matches);
    os.logError(`${VERSION}: ${chosen.length} flow entries have been deleted.`);
    return chosen.length > 0 ? 0 : 1;
  }
  os.logError(`${VERSION}: ${chosen.length} flow entries have been shown.`);
  return 0;
};
