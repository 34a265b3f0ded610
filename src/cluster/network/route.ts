// `ip route`, `ip neigh`, `bridge fdb`: the tables that say where a packet goes next. Each change is a trace record.

import type { Place } from '../sim/trace.ts';
import type { Interface } from './device.ts';
import { formatCidr, networkOf, parseCidr } from './ip.ts';
import type { Neighbour, Netns, Route } from './netns.ts';

export interface RouteOptions {
  /** `10.244.1.0/24`, or `default`. */
  readonly destination: string;
  readonly via?: string;
  readonly device: Interface;
  readonly onlink?: boolean;
  readonly source?: string;
  readonly metric?: number;
  readonly protocol?: Route['protocol'];
  readonly type?: 'blackhole';
}

/** Puts a route where the longest prefix comes first; replaces one with the same destination and metric. */
export function insertRoute(netns: Netns, route: Route): Route | null {
  const routes = [...netns.routes];
  const same = routes.findIndex(
    (r) => r.destination.int === route.destination.int && r.destination.prefix === route.destination.prefix && r.metric === route.metric,
  );
  const old = same < 0 ? null : (routes[same] as Route);
  if (same >= 0) routes.splice(same, 1);
  const at = routes.findIndex(
    (r) => r.destination.prefix < route.destination.prefix || (r.destination.prefix === route.destination.prefix && r.metric > route.metric),
  );
  routes.splice(at < 0 ? routes.length : at, 0, route);
  netns.routes = routes;
  return old;
}

const ANYWHERE = parseCidr('0.0.0.0/0');

/** `ip route replace`. Throws `Nexthop has invalid gateway` when the next hop is not on the device's link. */
export function addRoute(netns: Netns, options: RouteOptions, by?: Place): Route {
  const { device, via = null, onlink = false } = options;
  if (via !== null && !onlink) {
    const hop = netns.routes.find((r) => r.via === null && r.device === device && networkOf({ ...parseCidr(via), prefix: r.destination.prefix }).int === r.destination.int);
    if (hop === undefined) throw new Error('Error: Nexthop has invalid gateway.');
  }
  const route: Route = {
    destination: options.destination === 'default' ? ANYWHERE : networkOf(parseCidr(options.destination)),
    via,
    device,
    onlink,
    source: options.source ?? null,
    metric: options.metric ?? 0,
    protocol: options.protocol ?? 'boot',
    ...(options.type === undefined ? {} : { type: options.type }),
  };
  const old = insertRoute(netns, route);
  netns.changed();
  routeChange(route, 'route-add', by, old);
  return route;
}

/** `ip route del`: false when there is none to that destination. */
export function deleteRoute(netns: Netns, destination: string, by?: Place): boolean {
  const d = destination === 'default' ? ANYWHERE : networkOf(parseCidr(destination));
  const route = netns.routes.find((r) => r.destination.int === d.int && r.destination.prefix === d.prefix);
  if (route === undefined) return false;
  netns.routes = netns.routes.filter((r) => r !== route);
  netns.changed();
  routeChange(route, 'route-del', by);
  netns.fabric.disturbed();
  return true;
}

interface RouteView {
  readonly via: string | null;
  readonly device: string;
  readonly onlink: boolean;
  readonly source: string | null;
}

const view = (r: Route): RouteView => ({ via: r.via, device: r.device.name, onlink: r.onlink, source: r.source });

/** `default`, a host, or a prefix. */
export const destinationText = (r: Route): string => (r.destination.prefix === 0 ? 'default' : r.destination.prefix === 32 ? r.destination.address : formatCidr(r.destination));

/** The trace record of a route that came or went. */
export function routeChange(route: Route, verb: 'route-add' | 'route-del', by: Place | undefined, replaced: Route | null = null): void {
  const { machine, name } = route.device.netns;
  const added = verb === 'route-add';
  emit(route.device.netns, verb, `route/${machine.name}/${name}/${destinationText(route)}`, added ? (replaced === null ? null : view(replaced)) : view(route), added ? view(route) : null, by);
}

/** `ip neigh replace … lladdr … nud permanent`. */
export function addNeighbour(netns: Netns, options: { readonly address: string; readonly mac: string; readonly device: Interface }, by?: Place): void {
  const table = (options.device.neighbours ??= new Map<string, Neighbour>());
  const old = table.get(options.address);
  const neighbour: Neighbour = { ...options, state: 'PERMANENT' };
  table.set(options.address, neighbour);
  netns.changed();
  emit(netns, 'neighbour-add', neighbourKey(netns, neighbour), old === undefined ? null : neighbourView(old), neighbourView(neighbour), by);
}

/** `ip neigh del`: false when there is none. */
export function deleteNeighbour(netns: Netns, device: Interface, address: string, by?: Place): boolean {
  const old = device.neighbours?.get(address);
  if (old === undefined) return false;
  device.neighbours?.delete(address);
  netns.changed();
  emit(netns, 'neighbour-del', neighbourKey(netns, old), neighbourView(old), null, by);
  netns.fabric.disturbed();
  return true;
}

const neighbourKey = (netns: Netns, n: Neighbour): string => `neighbour/${netns.machine.name}/${netns.name}/${n.device.name}/${n.address}`;
const neighbourView = (n: Neighbour): unknown => ({ mac: n.mac, device: n.device.name, state: n.state });

/** `bridge fdb replace <mac> dev <vxlan> dst <address>`. */
export function addFdbEntry(device: Interface, entry: { readonly mac: string; readonly destination: string }, by?: Place): void {
  const fdb = fdbOf(device);
  const old = fdb.get(entry.mac);
  fdb.set(entry.mac, entry);
  device.netns.changed();
  emit(device.netns, 'fdb-add', `fdb/${device.netns.machine.name}/${device.name}/${entry.mac}`, old === undefined ? null : { destination: old.destination }, { destination: entry.destination }, by);
}

/** `bridge fdb del`: false when there is none. */
export function deleteFdbEntry(device: Interface, mac: string, by?: Place): boolean {
  const fdb = fdbOf(device);
  const old = fdb.get(mac);
  if (old === undefined) return false;
  fdb.delete(mac);
  device.netns.changed();
  emit(device.netns, 'fdb-del', `fdb/${device.netns.machine.name}/${device.name}/${mac}`, { destination: old.destination }, null, by);
  device.netns.fabric.disturbed();
  return true;
}

function fdbOf(device: Interface): NonNullable<Interface['vxlan']>['fdb'] {
  if (device.vxlan === null) throw new Error(`${device.name} is not a VXLAN device`);
  return device.vxlan.fdb;
}

function emit(netns: Netns, verb: string, key: string, before: unknown, after: unknown, by: Place | undefined): void {
  const { machine } = netns;
  const { sim } = machine;
  sim.trace.emit(sim.cause, {
    kind: 'network',
    verb,
    from: by ?? machine.place,
    to: machine.place,
    start: sim.now,
    change: { key, before, after },
  });
}
