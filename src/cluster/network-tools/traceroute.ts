// traceroute(8) and tracepath(8): which hosts forward a packet on its way, by the ICMP errors of probes whose time to live runs out.

import type { Os, Program } from '../machine/process.ts';
import { ping } from '../network/echo.ts';
import { errorFrom, learnMtu, told } from '../network/icmp.ts';
import type { Netns } from '../network/netns.ts';
import type { Packet } from '../network/packet.ts';
import { lookupHost } from '../network/resolver.ts';
import { netnsOf } from '../network/socket.ts';
import { report } from '../network/tap.ts';
import { sourceAddress, track, walk } from '../network/walk.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import { option, wordsOf } from './options.ts';

const FIRST_PORT = 33_434;
const PATIENCE: Micros = 5 * SECOND;

interface Heard {
  readonly from: string;
  readonly after: Micros;
  /** It is the destination that answered. */
  readonly arrived: boolean;
  /** What the error says beside that time ran out: `!H`, `!N`, `!X`. */
  readonly mark: string;
  /** A narrow way was told of. */
  readonly mtu?: number;
}

const MARKS: Readonly<Record<string, string>> = { 'host-unreachable': ' !H', 'network-unreachable': ' !N', prohibited: ' !X', rejected: '' };

/** A UDP probe with that time to live; null when nobody tells of it in time. */
function* probe(os: Os, netns: Netns, packet: Packet): Op<Heard | null> {
  const { sim } = os;
  const result = walk(netns, packet, { live: true });
  track(result, sim.now);
  const fate = result.rough?.packet(60);
  report(netns.fabric, result.seen, { kind: 'udp', length: 0, payload: ''.padEnd(32) }, 0, result.rough, fate);
  const late = fate?.delay ?? 0;
  const { delivered, netns: there } = result;
  const error = fate?.lost === true ? null : delivered && there !== undefined ? errorFrom(there, netns, result.packet, result.latency) : told(netns, result);
  if (error === null || error.after + late > PATIENCE) {
    yield* sim.sleep(PATIENCE);
    return null;
  }
  yield* sim.sleep(error.after + late);
  const narrow = result.reason === 'message-too-long' || result.reason === 'fragmentation-needed';
  return {
    from: error.from === '' ? packet.src : error.from,
    after: error.after + late,
    arrived: delivered || (result.reason !== 'ttl-exceeded' && !narrow),
    mark: MARKS[result.reason ?? ''] ?? '',
    ...(narrow ? { mtu: result.mtu } : {}),
  };
}

/** An ICMP echo request with that time to live. */
function* echo(os: Os, address: string, ttl: number): Op<Heard | null> {
  const result = yield* ping(os, address, PATIENCE, { ttl });
  if (result.ok) return { from: address, after: result.rtt, arrived: true, mark: '' };
  if (result.reason === undefined) return null;
  const out = result.reason === 'Time to live exceeded';
  return { from: result.from ?? '', after: result.rtt, arrived: !out, mark: out ? '' : ' !H' };
}

/** `traceroute [-n] [-I] [-m MAX] [-q PROBES] HOST`. */
export const tracerouteProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const [host] = wordsOf(args, ['-m', '-q', '-w', '-p', '-f', '-i', '-s']);
  if (host === undefined) {
    os.logError('Usage: traceroute [ -n ] [ -I ] [ -m max_ttl ] [ -q nqueries ] host');
    return 2;
  }
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) {
    os.logError(`${host}: Name or service not known\nCannot handle "host" cmdline arg \`${host}' on position 1 (argc 1)`);
    return 2;
  }
  const most = Number(option(args, '-m') ?? 30);
  const times = Number(option(args, '-q') ?? 3);
  const numeric = args.includes('-n');
  const netns = netnsOf(os);
  const src = sourceAddress(netns, address);
  if (src === null) {
    os.logError('connect: Network is unreachable');
    return 1;
  }
  os.log(`traceroute to ${host} (${address}), ${most} hops max, 60 byte packets`);
  const sport = netns.ephemeralPort('udp');
  let port = FIRST_PORT;
  for (let ttl = 1; ttl <= most; ttl++) {
    let line = String(ttl).padStart(2);
    let shown = '';
    let arrived = false;
    // The probes of a hop are sent at once: their waits are not added up.
    const began = os.sim.now;
    for (let i = 0; i < times; i++) {
      const heard: Heard | null = args.includes('-I') ? yield* echo(os, address, ttl) : yield* probe(os, netns, { src, dst: address, protocol: 'udp', sport, dport: port++, ttl });
      if (heard === null) {
        line += ' *';
        if (os.sim.now - began >= PATIENCE && shown === '') {
          line += ' *'.repeat(times - 1 - i);
          port += times - 1 - i;
          break;
        }
        continue;
      }
      arrived ||= heard.arrived;
      if (heard.from !== shown) line += numeric ? `  ${heard.from}` : `  ${heard.from} (${heard.from})`;
      shown = heard.from;
      line += `  ${(heard.after / 1000).toFixed(3)} ms${heard.mark}`;
    }
    os.log(line.replace(/^(\s*\d+) \*/, '$1  *'));
    if (arrived) return 0;
  }
  return 0;
};

/** `tracepath [-n] [-l LENGTH] HOST`: with packets that are not to be fragmented, so that it finds the path's MTU too. */
export const tracepathProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const [host] = wordsOf(args, ['-l', '-m', '-p']);
  if (host === undefined) {
    os.logError('tracepath: usage error: Destination required');
    return 1;
  }
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) {
    os.logError(`tracepath: ${host}: Name or service not known`);
    return 1;
  }
  const netns = netnsOf(os);
  const src = sourceAddress(netns, address);
  if (src === null) {
    os.logError('tracepath: send failed');
    return 1;
  }
  let size = Number(option(args, '-l') ?? 65_535);
  const sport = netns.ephemeralPort('udp');
  let port = 44_444;
  const row = (ttl: number, mark: string, text: string): void => os.log(`${String(ttl).padStart(2)}${mark}:  ${text}`);
  const most = Number(option(args, '-m') ?? 30);
  for (let ttl = 1; ttl <= most; ) {
    const heard: Heard | null = yield* probe(os, netns, { src, dst: address, protocol: 'udp', sport, dport: port++, ttl, size, df: true });
    if (heard === null) {
      row(ttl++, ' ', 'no reply');
    } else if (heard.mtu !== undefined) {
      size = heard.mtu;
      const own = heard.from === src;
      if (!own) learnMtu(netns, address, size);
      row(ttl, own ? '?' : ' ', `${(own ? '[LOCALHOST]' : heard.from).padEnd(52)}${own ? '' : ` ${(heard.after / 1000).toFixed(3)}ms`} pmtu ${size}`);
    } else {
      row(ttl, ' ', `${heard.from.padEnd(52)} ${(heard.after / 1000).toFixed(3)}ms${heard.arrived ? ' reached' : ''}`);
      if (heard.arrived) {
        os.log(`     Resume: pmtu ${size} hops ${ttl} back ${ttl} `);
        return 0;
      }
      ttl++;
    }
  }
  os.log(`     Too many hops: pmtu ${size}\n     Resume: pmtu ${size} `);
  return 0;
};
