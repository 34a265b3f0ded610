// tc(8): the queueing discipline of an interface (iproute2 6.1): netem's delay, jitter, loss, corruption and rate, tbf's rate, and the
// counters of both.

import type { Os, Program } from '../machine/process.ts';
import type { Interface } from '../network/device.ts';
import { impairOutput } from '../network/impair.ts';
import { durationText, type Impairment, percentText, Queue, rateText } from '../network/shaper.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, MILLISECOND, SECOND } from '../sim/time.ts';

class TcError extends Error {
  readonly code: number;

  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

type Kind = 'netem' | 'tbf';

/** What somebody asked for: of a netem with a corruption, the two shares are one loss to us. */
interface Asked extends Impairment {
  readonly kind: Kind;
  readonly handle: number;
  readonly lossShare?: number;
  readonly corrupt?: number;
  /** tbf's, in bytes. */
  readonly burst?: number;
  readonly latency?: Micros;
}

const asked = new WeakMap<Queue, Asked>();

/** `tc [-s] qdisc show [dev DEV]`, `tc qdisc add|change|replace|del dev DEV root …`. */
export const tcProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const statistics = args.some((arg) => arg === '-s' || arg === '-statistics');
  const [object = '', verb = 'show', ...rest] = args.filter((arg) => !arg.startsWith('-'));
  if (object === '' || !'qdisc'.startsWith(object)) {
    os.logError(object === '' ? 'Usage:\ttc [ OPTIONS ] OBJECT { COMMAND | help }\nwhere  OBJECT := { qdisc | class | filter | chain | action | monitor | exec }' : `Object "${object}" is unknown, try "tc help".`);
    return 1;
  }
  try {
    if ('show'.startsWith(verb) || 'list'.startsWith(verb)) for (const line of show(os, rest, statistics)) os.log(line);
    else change(os, verb, rest);
    return 0;
  } catch (error) {
    if (!(error instanceof TcError)) throw error;
    os.logError(error.message);
    return error.code;
  }
};

function deviceOf(os: Os, words: readonly string[]): Interface {
  const name = words[words.indexOf('dev') + 1] ?? '';
  const device = words.includes('dev') ? netnsOf(os).interfaces.get(name) : undefined;
  if (device === undefined) throw new TcError(`Cannot find device "${name}"`);
  return device;
}

function change(os: Os, verb: string, words: readonly string[]): void {
  const device = deviceOf(os, words);
  const { shaper } = device;
  if (verb === 'del' || verb === 'delete') {
    if (shaper === null) throw new TcError('Error: Cannot delete qdisc with handle of zero.', 2);
    impairOutput(device, null);
    return;
  }
  if (verb !== 'add' && verb !== 'change' && verb !== 'replace') throw new TcError(`Command "${verb}" is unknown, try "tc qdisc help".`);
  if (verb === 'add' && shaper !== null) throw new TcError('Error: Exclusivity flag on, cannot modify.', 2);
  if (verb === 'change' && shaper === null) throw new TcError('Error: Qdisc not found. To create specify NLM_F_CREATE flag.', 2);
  const rest = words.filter((_, i) => words[i] !== 'dev' && words[i - 1] !== 'dev' && words[i] !== 'root');
  let handle = shaper instanceof Queue && verb !== 'add' ? (asked.get(shaper)?.handle ?? 0x8001) : 0x8001;
  if (rest[0] === 'handle') handle = Number.parseInt(rest.splice(0, 2)[1] ?? '', 16);
  const [kind = '', ...options] = rest;
  if (kind !== 'netem' && kind !== 'tbf') throw new TcError(kind === '' ? 'Error: Qdisc kind not specified.' : 'Error: Specified qdisc kind is unknown.', 2);
  const wanted = kind === 'netem' ? readNetem(options, handle) : readTbf(options, handle);
  impairOutput(device, wanted);
  asked.set(device.shaper as Queue, wanted);
}

function readNetem(words: readonly string[], handle: number): Asked {
  let delay = 0;
  let jitter = 0;
  let lossShare = 0;
  let corrupt = 0;
  let rate: number | undefined;
  let limit = 1_000;
  const queue = [...words];
  const optional = (): string | undefined => (/^\d/.test(queue[0] ?? '') ? queue.shift() : undefined);
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    switch (word) {
      case 'delay':
      case 'latency': {
        delay = duration(queue.shift(), word);
        const spread = optional();
        if (spread !== undefined) jitter = duration(spread, word);
        optional();
        break;
      }
      case 'loss':
      case 'drop':
        if (queue[0] === 'random') queue.shift();
        lossShare = share(queue.shift(), 'loss');
        optional();
        break;
      case 'corrupt':
        corrupt = share(queue.shift(), 'corrupt');
        optional();
        break;
      case 'rate':
        rate = bits(queue.shift());
        break;
      case 'limit':
        limit = Number(queue.shift());
        break;
      case 'distribution':
        queue.shift();
        break;
      default:
        throw new TcError(`What is "${word}"?\nUsage: ... netem\t[ limit PACKETS ]\n\t\t\t[ delay TIME [ JITTER [CORRELATION]]]\n\t\t\t[ loss random PERCENT [CORRELATION]]\n\t\t\t[ corrupt PERCENT [CORRELATION]]\n\t\t\t[ rate RATE ]`);
    }
  }
  const loss = 1 - (1 - lossShare) * (1 - corrupt);
  return { kind: 'netem', handle, delay, jitter, loss, lossShare, corrupt, limit, ...(rate === undefined ? {} : { rate }) };
}

function readTbf(words: readonly string[], handle: number): Asked {
  const value = (name: string): string | undefined => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const burst = value('burst') ?? value('buffer') ?? value('maxburst');
  const latency = value('latency');
  if (value('rate') === undefined || burst === undefined) throw new TcError('Both "rate" and "burst" are required.');
  if (latency === undefined && value('limit') === undefined) throw new TcError('Either "limit" or "latency" is required.');
  const rate = bits(value('rate'));
  const wait = latency === undefined ? 0 : duration(latency, 'latency');
  const limit = Math.max(1, Math.ceil(latency === undefined ? Number(value('limit')) / 1500 : (rate * wait) / SECOND / 8 / 1500));
  return { kind: 'tbf', handle, rate, limit, burst: size(burst), latency: wait };
}

function* show(os: Os, words: readonly string[], statistics: boolean): Generator<string> {
  const only = words.includes('dev') ? deviceOf(os, words) : null;
  for (const device of netnsOf(os).interfaces.values()) {
    if (only !== null && device !== only) continue;
    const dev = only === null ? ` dev ${device.name}` : '';
    const queue = device.shaper instanceof Queue ? device.shaper : null;
    const a = queue === null ? undefined : asked.get(queue);
    if (a !== undefined) yield `qdisc ${a.kind} ${a.handle.toString(16)}:${dev} root refcnt 2 ${a.kind === 'netem' ? netemText(a) : tbfText(a)}`;
    else if (device.kind === 'ethernet') yield `qdisc fq_codel 0:${dev} root refcnt 2 limit 10240p flows 1024 quantum 1514 target 5ms interval 100ms memory_limit 32Mb ecn drop_batch 64 `;
    else yield `qdisc noqueue 0:${dev} root refcnt 2 `;
    if (!statistics) continue;
    const { bytes, packets, dropped } = queue?.counts ?? { bytes: 0, packets: 0, dropped: 0 };
    yield ` Sent ${bytes} bytes ${packets} pkt (dropped ${dropped}, overlimits 0 requeues 0) \n backlog 0b 0p requeues 0`;
  }
}

function netemText({ limit = 1_000, delay = 0, jitter = 0, lossShare = 0, corrupt = 0, rate }: Asked): string {
  let text = `limit ${limit}`;
  if (delay > 0 || jitter > 0) text += ` delay ${durationText(delay)}${jitter > 0 ? `  ${durationText(jitter)}` : ''}`;
  if (lossShare > 0) text += ` loss ${percentText(lossShare)}`;
  if (corrupt > 0) text += ` corrupt ${percentText(corrupt)}`;
  return rate === undefined ? text : `${text} rate ${rateText(rate)}`;
}

const tbfText = ({ rate = 0, burst = 0, latency = 0 }: Asked): string => `rate ${rateText(rate)} burst ${sizeText(burst)} lat ${durationText(latency)} `;

const sizeText = (bytes: number): string => (bytes >= 1024 && bytes % 1024 === 0 ? `${bytes / 1024}Kb` : `${bytes}b`);

const UNITS: Readonly<Record<string, Micros>> = { '': 1, us: 1, usec: 1, usecs: 1, ms: MILLISECOND, msec: MILLISECOND, msecs: MILLISECOND, s: SECOND, sec: SECOND, secs: SECOND };

function duration(text: string | undefined, option: string): Micros {
  const [, number, unit = ''] = /^([\d.]+)([a-z]*)$/.exec(text ?? '') ?? [];
  const scale = UNITS[unit];
  if (number === undefined || scale === undefined) throw new TcError(`Illegal "${option}"`);
  return Math.round(Number(number) * scale);
}

function share(text: string | undefined, option: string): number {
  const number = /^([\d.]+)%?$/.exec(text ?? '')?.[1];
  const value = Number(number) / 100;
  if (number === undefined || value > 1) throw new TcError(`Illegal "${option} percent"`);
  return value;
}

const RATES: Readonly<Record<string, number>> = { '': 1, bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, kibit: 1024, mibit: 1024 ** 2, bps: 8, kbps: 8e3, mbps: 8e6, gbps: 8e9 };

function bits(text: string | undefined): number {
  const [, number, unit = ''] = /^([\d.]+)([a-zA-Z]*)$/.exec(text ?? '') ?? [];
  const scale = RATES[unit.toLowerCase()];
  if (number === undefined || scale === undefined) throw new TcError(`Illegal "rate"`);
  return Math.round(Number(number) * scale);
}

const SIZES: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, kb: 1024, m: 1024 ** 2, mb: 1024 ** 2, kbit: 128, mbit: 131_072 };

function size(text: string): number {
  const [, number, unit = ''] = /^([\d.]+)([a-zA-Z]*)/.exec(text) ?? [];
  return Math.round(Number(number ?? 0) * (SIZES[unit.toLowerCase()] ?? 1));
}
