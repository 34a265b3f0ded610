// What a plug-in of CoreDNS is: it reads its directives, and stands in a chain that a query goes through until one answers.

import type { SocketAddress } from '../../network/connection.ts';
import type { DnsCode, DnsQuery, DnsRecord, DnsReply } from '../../network/dns.ts';
import type { Os } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import { CorefileError, type Directive, parsingError, type ServerBlock } from './corefile.ts';

export type { Directive } from './corefile.ts';
import type { Records } from './kubernetes.ts';
import type { Metrics } from './metrics.ts';

export interface Request {
  /** The name in lower case. */
  readonly query: DnsQuery;
  readonly arrived: Micros;
  readonly client: SocketAddress;
  readonly protocol: 'udp' | 'tcp';
  /** `dns://:53`. */
  readonly server: string;
  /** The zone of the server block, `.` for the root. */
  readonly zone: string;
}

export interface Result {
  readonly reply: DnsReply;
  /** The plug-in that answered. */
  readonly plugin: string;
  /** What the plug-in errors logs. */
  readonly error?: string;
}

export type Serve = (request: Request) => Op<Result>;
export type Handler = (request: Request, next: Serve) => Op<Result>;

/** What runs as long as one configuration does. */
export interface Context {
  readonly os: Os;
  /** Of the Corefile. */
  readonly path: string;
  readonly metrics: Metrics;
  /** Logs a line of a plug-in. */
  readonly log: (level: 'INFO' | 'WARNING' | 'ERROR', text: string) => void;
  /** Ends the process with a message. */
  readonly fatal: (text: string) => void;
  /** Where the plug-in kubernetes looks; the Pods only if they are asked for. */
  readonly records: (pods: boolean) => { readonly records: Records; readonly synced: () => boolean };
  /** Opens what it listens on, beside DNS. */
  onListen(open: () => void): void;
  /** Runs before the servers start; may wait. */
  onStartup(start: () => Op<void>): void;
  /** Runs when the servers listen. */
  onServing(run: () => void): void;
  /** Runs when the configuration is the one in force. */
  onStarted(run: (blocks: readonly ServerBlock[]) => void): void;
  /** Runs when the configuration gives way to another one, or to the end. */
  onStop(stop: () => void): void;
  /** Names what /ready asks. */
  readiness(name: string, ready: () => boolean): void;
  /** Who is not ready. */
  notReady(): readonly string[];
  readonly lameduck: { duration: string };
  /** Takes a new configuration in place of this one; says why not. */
  restart(text: string): Op<string | null>;
  /** Sends a query to a server of this configuration, from inside. */
  lookup(request: Request): Op<Result>;
}

/** A server block as a plug-in sees it. */
export interface Block {
  /** Its zones, `.` for the root, without the dot at the end for others. */
  readonly zones: readonly string[];
  readonly port: number;
  /** All uses of the plug-in's directive. */
  readonly directives: readonly Directive[];
}

/** Reads the directives; gives a handler for the chain unless the plug-in only listens. Throws CorefileError. */
export type Setup = (block: Block, context: Context) => Handler | null;

export const wrongArguments = (path: string, { name, args, line }: Directive): CorefileError =>
  parsingError(path, line, `Wrong argument count or unexpected line ending after '${args.at(-1) ?? name}'`);

export const unknownProperty = (path: string, { name, line }: Directive): CorefileError => parsingError(path, line, `unknown property '${name}'`);

/** The only use of a directive. */
export function once({ directives }: Block): Directive {
  const [, second] = directives;
  if (second !== undefined) throw new CorefileError('this plugin can only be used once per Server Block');
  return directives[0] as Directive;
}

export const number = (text: string | undefined): number => {
  if (text === undefined || !/^[-+]?\d+$/.test(text)) throw new CorefileError(`strconv.Atoi: parsing "${text ?? ''}": invalid syntax`);
  return Number(text);
};

const UNITS: Readonly<Record<string, Micros>> = { ns: SECOND / 1e9, us: SECOND / 1e6, µs: SECOND / 1e6, ms: SECOND / 1e3, s: SECOND, m: 60 * SECOND, h: 3600 * SECOND };

/** `1h30m`, `500ms`, as Go reads it. */
export function duration(text: string): Micros {
  if (text === '0') return 0;
  if (!/^[-+]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    throw new CorefileError(/^[-+]?\d+(\.\d*)?$/.test(text) ? `time: missing unit in duration "${text}"` : `time: invalid duration "${text}"`);
  }
  let total = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) total += Number(value) * (UNITS[unit as string] as Micros);
  return Math.round(text.startsWith('-') ? -total : total);
}

// ── names ──

export const fqdn = (name: string): string => (name === '.' || name === '' ? '.' : `${name}.`);

export const isBelow = (name: string, zone: string): boolean => zone === '.' || name === zone || name.endsWith(`.${zone}`);

/** The longest of `zones` that a name is in. */
export function zoneOf(name: string, zones: readonly string[]): string | undefined {
  let best: string | undefined;
  for (const zone of zones) if (isBelow(name, zone) && (best === undefined || best === '.' || zone.length > best.length)) best = zone;
  return best;
}

/** `10.0.0.0/8` is `10.in-addr.arpa`; a name is itself, in lower case, without the dot at the end. */
export function normalZone(text: string): string {
  const cidr = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text);
  if (cidr) return `${cidr.slice(1, 1 + Math.floor(Number(cidr[5]) / 8)).toReversed().join('.')}.in-addr.arpa`;
  const name = text.toLowerCase();
  return name === '.' ? '.' : name.replace(/\.$/, '');
}

/** `fallthrough [ZONES…]`: for which names the next plug-in may answer. */
export const fallsThrough = (zones: readonly string[] | null, name: string): boolean => zones !== null && zoneOf(name, zones) !== undefined;
export const fallZones = ({ args }: Directive): readonly string[] => (args.length === 0 ? ['.'] : args.map(normalZone));

// ── replies ──

const NONE: readonly never[] = [];

export function replyTo({ id, question, recursion, edns }: DnsQuery, code: DnsCode, answers: readonly DnsRecord[] = NONE, authority: readonly DnsRecord[] = NONE, additional: readonly DnsRecord[] = NONE): DnsReply {
  return { id, question, ...(recursion === undefined ? {} : { recursion }), ...(edns === undefined ? {} : { edns }), code, authoritative: true, answers, authority, additional };
}

/** An answer that no plug-in wrote: only the code. */
export const plainFailure = (query: DnsQuery, code: DnsCode): DnsReply => ({ ...replyTo(query, code), authoritative: false });

export const CODES: readonly DnsCode[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
