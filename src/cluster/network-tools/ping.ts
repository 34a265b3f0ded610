// ping(8) of iputils and traceroute(8), as they print.

import type { Os, Program } from '../machine/process.ts';
import { lookupHost } from '../network/resolver.ts';
import { netnsOf, ping } from '../network/socket.ts';
import { sourceAddress, walk } from '../network/walk.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../sim/time.ts';

function option(args: readonly string[], ...names: readonly string[]): string | undefined {
  for (const [i, arg] of args.entries()) {
    if (names.includes(arg)) return args[i + 1];
    const name = names.find((n) => n.length === 2 && arg.startsWith(n) && arg.length > 2);
    if (name !== undefined) return arg.slice(2);
  }
  return undefined;
}

const VALUED = new Set(['-c', '-i', '-W', '-w', '-s', '-I', '-t', '-M', '-m', '-q', '-p', '-f']);
/** What is not an option or the value of one. */
const wordsOf = (args: readonly string[]): string[] => args.filter((arg, i) => !arg.startsWith('-') && !VALUED.has(args[i - 1] ?? ''));

/** `ping [-c COUNT] [-i INTERVAL] [-W TIMEOUT] [-s SIZE] [-q] HOST`. */
export const pingProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const [host] = wordsOf(args);
  if (host === undefined) {
    os.logError('ping: usage error: Destination address required');
    return 1;
  }
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) {
    os.logError(`ping: ${host}: Name or service not known`);
    return 2;
  }
  const size = Number(option(args, '-s') ?? 56);
  const count = Number(option(args, '-c') ?? Infinity);
  const limit = Number(option(args, '-W') ?? 10) * SECOND;
  const interval = Number(option(args, '-i') ?? 1) * SECOND;
  const quiet = args.includes('-q');
  os.log(`PING ${host} (${address}) ${size}(${size + 28}) bytes of data.`);
  const own = sourceAddress(netnsOf(os), address) ?? '';
  const started = os.sim.now;
  const times: number[] = [];
  let errors = 0;
  let sent = 0;
  while (sent < count) {
    const at = os.sim.now;
    sent++;
    const result = yield* ping(os, address, sent < count ? interval : limit);
    if (result.ok) {
      times.push(result.rtt / 1000);
      if (!quiet) os.log(`${size + 8} bytes from ${host === address ? address : `${host} (${address})`}: icmp_seq=${sent} ttl=${result.ttl ?? 64} time=${digits(result.rtt / 1000)} ms`);
    } else if (result.reason?.startsWith('connect')) {
      os.logError('ping: connect: Network is unreachable');
      return 2;
    } else if (result.reason !== undefined) {
      errors++;
      if (!quiet) os.log(`From ${result.from ?? own} icmp_seq=${sent} ${result.reason}`);
    }
    if (sent < count) yield* os.sleep(Math.max(0, interval - (os.sim.now - at)));
  }
  const loss = Math.round(((sent - times.length) * 100) / sent);
  os.log(`\n--- ${host} ping statistics ---`);
  os.log(`${sent} packets transmitted, ${times.length} received, ${errors > 0 ? `+${errors} errors, ` : ''}${loss}% packet loss, time ${Math.round((os.sim.now - started) / MILLISECOND)}ms`);
  if (times.length > 0) {
    const mean = times.reduce((a, b) => a + b, 0) / times.length;
    const deviation = Math.sqrt(Math.max(0, times.reduce((a, b) => a + b * b, 0) / times.length - mean * mean));
    os.log(`rtt min/avg/max/mdev = ${[Math.min(...times), mean, Math.max(...times), deviation].map((n) => n.toFixed(3)).join('/')} ms`);
  }
  return times.length > 0 ? 0 : 1;
};

/** Three or four digits, as iputils rounds. */
const digits = (ms: number): string => (ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3));

/** `traceroute [-n] [-m MAX] HOST`: which hosts forward a packet on its way, by what answers when its life runs out. */
export const tracerouteProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const [host] = wordsOf(args);
  if (host === undefined) {
    os.logError('Usage: traceroute [ -n ] [ -m max_ttl ] host');
    return 2;
  }
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) {
    os.logError(`${host}: Name or service not known\nCannot handle "host" cmdline arg \`${host}' on position 1 (argc 1)`);
    return 2;
  }
  const most = Number(option(args, '-m') ?? 30);
  const numeric = args.includes('-n');
  const netns = netnsOf(os);
  const src = sourceAddress(netns, address);
  if (src === null) {
    os.logError('connect: Network is unreachable');
    return 1;
  }
  os.log(`traceroute to ${host} (${address}), ${most} hops max, 60 byte packets`);
  const probe = walk(netns, { src, dst: address, protocol: 'udp', sport: 40_000, dport: 33_434 }, { record: true });
  const routers: string[] = [];
  for (const hop of probe.hops) if (hop.forwarder !== undefined) routers.push(hop.forwarder);
  for (let n = 1; n <= most; n++) {
    const router = routers[n - 1];
    const last = router === undefined;
    if (last && !probe.delivered) {
      os.log(`${String(n).padStart(2)}  * * *`);
      yield* os.sleep(5 * SECOND);
      if (n > routers.length + 3) return 0;
      continue;
    }
    const target = router ?? address;
    const times: string[] = [];
    for (let i = 0; i < 3; i++) {
      const result = yield* ping(os, target, 5 * SECOND);
      times.push(result.ok ? `${(result.rtt / 1000).toFixed(3)} ms` : '*');
    }
    os.log(`${String(n).padStart(2)}  ${numeric ? target : `${target} (${target})`}  ${times.join('  ')}`);
    if (last) return 0;
  }
  return 0;
};
