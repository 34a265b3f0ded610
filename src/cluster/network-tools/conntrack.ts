// conntrack(8): the table of connection tracking, its events and counters.

import type { Os, Program } from '../machine/process.ts';
import { type ConntrackEntry, type ConntrackEvent, deleteConntrack, entryText, formatConntrack } from '../network/conntrack.ts';
import type { Netns } from '../network/netns.ts';
import { netnsOf } from '../network/socket.ts';
import { Channel, TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';

const VERSION = 'conntrack v1.4.7 (conntrack-tools)';

type Filter = (entry: ConntrackEntry) => boolean;

/**
 * `conntrack -L|-D|-C|-F|-E|-S [-p PROTOCOL] [-s ADDRESS] [-d ADDRESS] [-r ADDRESS] [-q ADDRESS] [--sport N] [--dport N] [--state STATE]
 * [-u ASSURED|UNREPLIED] [-n] [-g]`.
 */
export const conntrackProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const netns = netnsOf(os);
  const { now } = os.sim;
  const has = (...names: readonly string[]): boolean => args.some((arg) => names.includes(arg));
  const matches = filterOf(args);
  if (has('-C', '--count')) {
    os.log(String(netns.conntrack.list(now).length));
    return 0;
  }
  if (has('-S', '--stats')) {
    os.log(`cpu=0   \tfound=0 invalid=0 insert=0 insert_failed=0 drop=${netns.conntrack.drops} early_drop=0 error=0 search_restart=0 clash_resolve=0 chaintoolong=0 `);
    return 0;
  }
  if (has('-F', '--flush')) {
    deleteConntrack(netns, () => true);
    os.logError(`${VERSION}: connection tracking table has been emptied.`);
    return 0;
  }
  if (has('-E', '--event')) return yield* events(os, netns, matches, args);
  if (!has('-L', '--dump', '-D', '--delete')) {
    os.logError(`${VERSION}: you need to supply an action\nTry \`conntrack -h' or 'conntrack --help' for more information.`);
    return 2;
  }
  const chosen = netns.conntrack.list(now).filter(matches);
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

function filterOf(args: readonly string[]): Filter {
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
    [value('--reply-port-src'), (e) => e.reply.sport],
    [value('--reply-port-dst'), (e) => e.reply.dport],
    [value('--state'), (e) => e.state],
  ];
  const status = value('-u', '--status');
  return (e) =>
    wanted.every(([text, read]) => text === undefined || String(read(e)) === text) &&
    (!has('-n', '--src-nat') || e.snat) &&
    (!has('-g', '--dst-nat') || e.dnat) &&
    (status === undefined || entryText(e, 0).includes(`[${status}]`));
}

/** `conntrack -E [-e NEW,UPDATE,DESTROY]`: entries as they come, change and go, until it is stopped. */
function* events(os: Os, netns: Netns, matches: Filter, args: readonly string[]): Op<number> {
  const at = args.findIndex((arg) => arg === '-e' || arg === '--event-mask');
  const mask = at < 0 ? null : (args[at + 1] ?? '').toUpperCase().split(',');
  const lines = new Channel<string>(os.sim);
  let shown = 0;
  const hear = (event: ConntrackEvent, entry: ConntrackEntry): void => {
    if (!matches(entry) || (mask !== null && !mask.includes(event) && !mask.includes('ALL'))) return;
    lines.send(`${`[${event}]`.padStart(9)} ${entryText(entry, event === 'DESTROY' ? null : os.sim.now).trimEnd()}`);
  };
  const { conntrack } = netns;
  (conntrack.listeners ??= new Set()).add(hear);
  const stop = os.signals();
  os.go('stop', function* () {
    yield* stop.receive();
    lines.close();
  });
  try {
    for (;;) {
      const line = yield* lines.receiveWithin(SECOND);
      // The kernel's gc worker: what has expired is told of.
      if (line === TIMED_OUT) conntrack.list(os.sim.now);
      else if (line === undefined) break;
      else {
        shown++;
        os.log(line);
      }
    }
  } finally {
    conntrack.listeners?.delete(hear);
    if (conntrack.listeners?.size === 0) conntrack.listeners = null;
  }
  os.logError(`${VERSION}: ${shown} flow events have been shown.`);
  return 0;
}
