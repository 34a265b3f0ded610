// ping(8) of iputils, as it prints.

import type { Os, Program } from '../machine/process.ts';
import { ping, type PingResult } from '../network/echo.ts';
import { lookupHost } from '../network/resolver.ts';
import { netnsOf } from '../network/socket.ts';
import { sourceAddress } from '../network/walk.ts';
import { Channel, TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, MILLISECOND, SECOND } from '../sim/time.ts';
import { option, wordsOf } from './options.ts';

const VALUED = ['-c', '-i', '-W', '-w', '-s', '-I', '-t', '-M', '-m', '-p', '-l', '-Q', '-S'];

interface Answer {
  readonly sequence: number;
  readonly result: PingResult;
}

/** `ping [-c COUNT] [-i INTERVAL] [-W TIMEOUT] [-s SIZE] [-t TTL] [-M do|want|dont] [-q] HOST`. */
export const pingProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const [host] = wordsOf(args, VALUED);
  if (host === undefined) {
    os.logError('ping: usage error: Destination address required');
    return 1;
  }
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) {
    os.logError(`ping: ${host}: Name or service not known`);
    return 2;
  }
  const discover = option(args, '-M') ?? 'want';
  if (!['do', 'dont', 'want', 'probe'].includes(discover)) {
    os.logError('ping: wrong value for -M: do, dont, want, probe are valid ones.');
    return 2;
  }
  const netns = netnsOf(os);
  const own = sourceAddress(netns, address);
  if (own === null) {
    os.logError('ping: connect: Network is unreachable');
    return 2;
  }
  const run = new Run(os, host, address, own, args);
  return yield* run.go(netns.ephemeralPort('udp'), discover === 'do' || discover === 'probe' ? 'do' : discover === 'dont' ? 'dont' : 'want');
};

class Run {
  readonly #os: Os;
  readonly #host: string;
  readonly #address: string;
  readonly #own: string;
  readonly #size: number;
  readonly #count: number;
  readonly #linger: Micros;
  readonly #interval: Micros;
  readonly #deadline: Micros;
  readonly #ttl: number | undefined;
  readonly #quiet: boolean;
  readonly #times: number[] = [];
  readonly #answers: Channel<Answer | 'stop'>;
  #sent = 0;
  #answered = 0;
  #errors = 0;
  #waitedForArp = 0;
  /** When something was sent or came back last. */
  #last: Micros = 0;

  constructor(os: Os, host: string, address: string, own: string, args: readonly string[]) {
    this.#os = os;
    this.#host = host;
    this.#address = address;
    this.#own = own;
    this.#size = Number(option(args, '-s') ?? 56);
    this.#count = Number(option(args, '-c') ?? Number.POSITIVE_INFINITY);
    this.#linger = Number(option(args, '-W') ?? 10) * SECOND;
    this.#interval = Number(option(args, '-i') ?? 1) * SECOND;
    this.#deadline = os.sim.now + Number(option(args, '-w') ?? Number.POSITIVE_INFINITY) * SECOND;
    const ttl = option(args, '-t');
    this.#ttl = ttl === undefined ? undefined : Number(ttl);
    this.#quiet = args.includes('-q');
    this.#answers = new Channel(os.sim);
  }

  *go(id: number, discover: 'do' | 'want' | 'dont'): Op<number> {
    const os = this.#os;
    const { sim } = os;
    const started = sim.now;
    os.log(`PING ${this.#host} (${this.#address}) ${this.#size}(${this.#size + 28}) bytes of data.`);
    const stop = os.signals();
    os.go('stop', () => this.#stopOn(stop));
    let going = true;
    while (going && this.#sent < this.#count && sim.now < this.#deadline) {
      const sequence = ++this.#sent;
      this.#last = sim.now;
      os.go('request', () => this.#request(sequence, id, discover));
      const last = this.#sent === this.#count;
      going = yield* this.#take(last ? null : Math.min(sim.now + this.#interval, this.#deadline), sim.now);
    }
    this.#summary(this.#last - started);
    return this.#times.length > 0 ? 0 : 1;
  }

  *#stopOn(signals: { receive(): Op<unknown> }): Op<void> {
    yield* signals.receive();
    this.#answers.send('stop');
  }

  *#request(sequence: number, id: number, discover: 'do' | 'want' | 'dont'): Op<void> {
    const { ttl, options } = { ttl: this.#ttl, options: { size: this.#size, sequence, id, discover } };
    const result = yield* ping(this.#os, this.#address, this.#linger, ttl === undefined ? options : { ...options, ttl });
    this.#answers.send({ sequence, result });
  }

  /** Takes answers until the next request is due, or after the last (`until` null) until all are in or no more is to be expected. */
  *#take(until: Micros | null, sent: Micros): Op<boolean> {
    const { sim } = this.#os;
    for (;;) {
      if (until === null && this.#answered === this.#sent) return true;
      const slowest = Math.max(0, ...this.#times) * MILLISECOND;
      const end = until ?? Math.min(sent + (this.#times.length > 0 ? Math.max(2 * slowest, this.#interval) : this.#linger), this.#deadline);
      if (end <= sim.now) return true;
      const answer = yield* this.#answers.receiveWithin(end - sim.now);
      if (answer === TIMED_OUT || answer === undefined) return true;
      if (answer === 'stop') return false;
      this.#answered++;
      this.#tell(answer);
    }
  }

  #tell({ sequence, result }: Answer): void {
    const os = this.#os;
    if (result.ok) {
      this.#times.push(result.rtt / 1000);
      this.#last = os.sim.now;
      const from = this.#host === this.#address ? this.#address : `${this.#host} (${this.#address})`;
      if (!this.#quiet) os.log(`${this.#size + 8} bytes from ${from}: icmp_seq=${sequence} ttl=${result.ttl ?? 64} time=${digits(result.rtt / 1000)} ms`);
    } else if (result.localMtu !== undefined) {
      this.#errors++;
      if (!this.#quiet) os.logError(`ping: local error: message too long, mtu=${result.localMtu}`);
    } else if (result.reason !== undefined) {
      this.#errors++;
      if (result.reason === 'Destination Host Unreachable') this.#waitedForArp++;
      if (!this.#quiet) os.log(`From ${result.from ?? this.#own} icmp_seq=${sequence} ${result.reason}`);
    }
  }

  #summary(took: Micros): void {
    const os = this.#os;
    const times = this.#times;
    const loss = Number((((this.#sent - times.length) * 100) / this.#sent).toPrecision(6));
    os.log(`\n--- ${this.#host} ping statistics ---`);
    os.log(`${this.#sent} packets transmitted, ${times.length} received, ${this.#errors > 0 ? `+${this.#errors} errors, ` : ''}${loss}% packet loss, time ${Math.floor(took / MILLISECOND)}ms`);
    if (times.length > 0) {
      const mean = times.reduce((a, b) => a + b, 0) / times.length;
      const deviation = Math.sqrt(Math.max(0, times.reduce((a, b) => a + b * b, 0) / times.length - mean * mean));
      os.log(`rtt min/avg/max/mdev = ${[Math.min(...times), mean, Math.max(...times), deviation].map((n) => n.toFixed(3)).join('/')} ms`);
    } else if (this.#waitedForArp > 1) {
      os.log(`pipe ${Math.min(this.#waitedForArp, 4)}`);
    }
  }
}

/** Three or four digits, as iputils rounds. */
const digits = (ms: number): string => (ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3));
