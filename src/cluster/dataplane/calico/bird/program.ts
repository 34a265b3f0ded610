// BIRD as Calico runs it (projectcalico/bird 1.6): reads what confd has written, speaks BGP with its peers, and keeps the kernel's routes
// marked `proto bird` in step with what they say. Its control socket answers birdcl and calicoctl.

import type { Os, Program } from '../../../machine/process.ts';
import { contains, parseCidr } from '../../../network/ip.ts';
import type { Netns, Route } from '../../../network/netns.ts';
import { addRoute, deleteRoute, destinationText } from '../../../network/route.ts';
import { listen, netnsOf } from '../../../network/socket.ts';
import { listenUnix } from '../../../network/unix.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../../sim/time.ts';
import { type BirdConfiguration, readConfiguration } from './configuration.ts';
import { BGP_PORT } from './messages.ts';
import { Peer, type Router } from './peer.ts';

export const CONTROL_SOCKET = '/var/run/calico/bird.ctl';
export const BIRD_VERSION = 'v0.3.3+birdv1.6.8';
/** `scan time 2`: how often the kernel's table is read. */
const SCAN: Micros = 2 * SECOND;
const SETTLE: Micros = 5 * MILLISECOND;
/** How long a starting BIRD waits for its peers before it takes away routes of its former self. */
const RECOVERY: Micros = 240 * SECOND;

/** `bird -R -s /var/run/calico/bird.ctl -d -c /etc/calico/confd/config/bird.cfg`. */
export const birdProgram: Program = function* (os: Os): Op<number> {
  const signals = os.signals();
  const bird = new Bird(os);
  os.log('bird: Started');
  bird.start();
  for (;;) {
    const signal = yield* signals.receive();
    if (signal === 'SIGHUP') bird.configure();
    else if (signal !== undefined) break;
  }
  bird.stop();
  os.log('bird: Shutdown completed');
  return 0;
};

class Bird implements Router {
  readonly os: Os;
  announced: ReadonlySet<string> = new Set();
  readonly #netns: Netns;
  readonly #peers = new Map<string, Peer>();
  readonly #started: Micros;
  #configuration: BirdConfiguration | undefined = undefined;
  #syncPlanned = false;
  #seen: readonly Route[] | null = null;
  #recovered = false;

  constructor(os: Os) {
    this.os = os;
    this.#netns = netnsOf(os);
    this.#started = os.sim.now;
  }

  get as(): number {
    return this.#configuration?.as ?? 0;
  }

  get routerId(): string {
    return this.#configuration?.routerId ?? '';
  }

  start(): void {
    this.configure();
    const listener = listen(this.os, BGP_PORT);
    listener.onConnection = (connection) => {
      const peer = [...this.#peers.values()].find((p) => p.peer.address === connection.remote.address);
      if (peer === undefined) connection.close();
      else peer.accept(connection);
    };
    const control = listenUnix(this.os, CONTROL_SOCKET);
    control.onConnection = (connection) => {
      connection.push(`0001 BIRD ${BIRD_VERSION} ready.`);
      connection.onMessage = (line) => {
        for (const answer of this.#answer(String(line).trim())) connection.push(answer);
      };
    };
    this.os.go('krt scan', () => this.#scan());
  }

  /** Reads its files (anew). */
  configure(): void {
    const { os } = this;
    const next = readConfiguration((path) => (os.files.exists(path) ? os.files.read(path) : undefined));
    if (next === undefined) return;
    if (this.#configuration !== undefined) os.log('bird: Reconfiguring');
    this.#configuration = next;
    const wanted = new Map(next.peers.map((p) => [p.name, p]));
    for (const [name, peer] of this.#peers) {
      const same = wanted.get(name);
      if (same !== undefined && same.address === peer.peer.address && same.as === peer.peer.as && same.passive === peer.peer.passive) continue;
      os.log(`bird: ${name}: Removing`);
      peer.close('Peer de-configured');
      this.#peers.delete(name);
    }
    for (const [name, peer] of wanted) if (!this.#peers.has(name)) this.#peers.set(name, new Peer(this, peer));
    this.changed();
  }

  /** Says goodbye; the kernel's routes stay (`persist`). */
  stop(): void {
    for (const peer of this.#peers.values()) peer.close('Administrative shutdown');
  }

  changed(): void {
    if (this.#syncPlanned) return;
    this.#syncPlanned = true;
    this.os.go('krt sync', () => this.#syncSoon());
  }

  *#syncSoon(): Op<void> {
    yield* this.os.sleep(SETTLE);
    this.#syncPlanned = false;
    this.#sync();
  }

  *#scan(): Op<never> {
    for (;;) {
      yield* this.os.sleep(SCAN);
      if (this.#netns.routes !== this.#seen) this.#sync();
    }
  }

  #sync(): void {
    const { os } = this;
    const configuration = this.#configuration;
    if (configuration === undefined) return;
    const desired = new Map<string, string | null>();
    for (const block of configuration.blocks) if (!isIn(configuration.notProgrammed, block)) desired.set(block, null);
    for (const peer of this.#peers.values()) {
      for (const [net, nextHop] of peer.routes) if (!desired.has(net) && !isIn(configuration.notProgrammed, net)) desired.set(net, nextHop);
    }
    const own = this.#netns.routes.filter((r) => r.protocol === 'bird');
    for (const route of own) {
      const net = netOf(route);
      const hop = desired.get(net);
      if (desired.has(net) && (hop === null ? route.type === 'blackhole' : route.via === hop)) desired.delete(net);
      else if (!desired.has(net) && !this.#recovering) deleteRoute(this.#netns, net, os.place);
    }
    for (const [net, nextHop] of desired) this.#program(net, nextHop);
    this.#seen = this.#netns.routes;
    this.#announce(configuration);
  }

  #program(net: string, nextHop: string | null): void {
    const { os } = this;
    const lo = this.#netns.interfaces.get('lo');
    if (nextHop === null) {
      if (lo !== undefined) addRoute(this.#netns, { destination: net, device: lo, type: 'blackhole', protocol: 'bird' }, os.place);
      return;
    }
    // `gateway recursive`: the way to the next hop is the way to what lies behind it.
    const route = this.#netns.route(nextHop);
    if (route === null || route.device.name.startsWith('cali')) return;
    addRoute(this.#netns, { destination: net, via: route.via ?? nextHop, device: route.device, protocol: 'bird' }, os.place);
  }

  /** A new BIRD does not yet know what its peers have to say. */
  get #recovering(): boolean {
    this.#recovered ||= this.os.sim.now - this.#started >= RECOVERY || [...this.#peers.values()].every((p) => p.state === 'Established');
    return !this.#recovered;
  }

  /** The node's blocks, and addresses of its Pods that are of other blocks. */
  #announce({ blocks, pools }: BirdConfiguration): void {
    const announced = new Set(blocks.filter((net) => isIn(pools, net)));
    for (const route of this.#netns.routes) {
      if (!route.device.name.startsWith('cali') || route.destination.prefix !== 32) continue;
      const net = netOf(route);
      if (isIn(pools, net) && !isIn(blocks, net)) announced.add(net);
    }
    this.announced = announced;
    for (const peer of this.#peers.values()) peer.announce();
  }

  // ---- the control socket

  *#answer(line: string): Generator<string> {
    if (line === 'show protocols') {
      yield '2002-name     proto    table    state  since       info';
      const rows = this.#protocolRows();
      for (const [i, row] of rows.entries()) yield i === 0 ? `1002-${row}` : ` ${row}`;
      yield '0000 ';
    } else if (line === 'show status') {
      yield `1000-BIRD ${BIRD_VERSION}`;
      const restarting = this.#recovering;
      yield `1011-Router ID is ${this.routerId}`;
      yield ` Current server time is ${dateTime(this.os.sim.time())}`;
      yield ` Last reboot on ${dateTime(this.os.sim.time(this.#started))}`;
      if (restarting) yield '1024-Graceful restart recovery in progress';
      yield '0013 Daemon is up and running';
    } else if (line === 'show route') {
      const rows = this.#routeRows();
      for (const [i, row] of rows.entries()) yield i === 0 ? `1007-${row}` : ` ${row}`;
      yield '0000 ';
    } else yield '9001 syntax error';
  }

  #protocolRows(): string[] {
    const { sim } = this.os;
    const row = (name: string, kind: string, state: string, since: Micros, info = ''): string => `${name.padEnd(8)} ${kind.padEnd(8)} master   ${state.padEnd(6)} ${sinceText(sim.time(since), sim.time()).padEnd(11)} ${info}`.trimEnd();
    return [
      ...(this.#configuration?.blocks.length ? [row('static1', 'Static', 'up', this.#started)] : []),
      row('kernel1', 'Kernel', 'up', this.#started),
      row('device1', 'Device', 'up', this.#started),
      row('direct1', 'Direct', 'up', this.#started),
      ...[...this.#peers.values()].map((p) => row(p.peer.name, 'BGP', p.state === 'Established' ? 'up' : 'start', p.since, `${p.state.padEnd(13)} ${p.lastError}`)),
    ];
  }

  #routeRows(): string[] {
    const { sim } = this.os;
    const rows: [number, string][] = [];
    const add = (net: string, text: string): void => void rows.push([parseCidr(net).int, `${net.padEnd(18)} ${text}`]);
    for (const route of this.#netns.routes) {
      if (route.protocol === 'kernel') add(netOf(route), `dev ${route.device.name} [direct1 ${sinceText(sim.time(this.#started), sim.time())}] * (240)`);
      else if (route.protocol === 'boot') add(netOf(route), `${route.via === null ? '' : `via ${route.via} on `}${route.via === null ? 'dev ' : ''}${route.device.name} [kernel1 ${sinceText(sim.time(this.#started), sim.time())}] * (10)`);
    }
    for (const block of this.#configuration?.blocks ?? []) add(block, `blackhole [static1 ${sinceText(sim.time(this.#started), sim.time())}] * (200)`);
    for (const peer of this.#peers.values()) {
      for (const [net, nextHop] of peer.routes) add(net, `via ${nextHop} on ${this.#netns.route(nextHop)?.device.name ?? '?'} [${peer.peer.name} ${sinceText(sim.time(peer.since), sim.time())}] * (100/0) [i]`);
    }
    return rows.sort(([a], [b]) => a - b).map(([, text]) => text);
  }
}

const netOf = (route: Route): string => (route.destination.prefix === 32 ? `${route.destination.address}/32` : route.destination.prefix === 0 ? '0.0.0.0/0' : destinationText(route));

function isIn(nets: readonly string[], net: string): boolean {
  const inner = parseCidr(net);
  return nets.some((text) => {
    const outer = parseCidr(text);
    return outer.prefix <= inner.prefix && contains(outer, inner.int);
  });
}

const dateTime = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)}`;
/** Of today the time, else the date. */
const sinceText = (time: string, now: string): string => (time.slice(0, 10) === now.slice(0, 10) ? time.slice(11, 19) : time.slice(0, 10));
