// Nodes (kubectl/pkg/describe describeNode); what the Pods on them ask for is in node-resources.ts.

import type { Event, Lease, Node, Pod, ResourceSlice, Taint } from '../../cluster/api/generated/types.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { describeEvents } from './events.ts';
import { byText, head, labelsAndAnnotations, multiline, row, sortedKeys, type StringMap } from './metadata.ts';
import { nodeResources } from './node-resources.ts';
import { type Page, typeOf } from './page.ts';
import { dateText, type Writer } from './writer.ts';

const LEASES = typeOf('coordination.k8s.io/v1', 'Lease', 'leases', true);
const SLICES = typeOf('resource.k8s.io/v1', 'ResourceSlice', 'resourceslices', false);
const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';
const POOLS_SHOWN = 10;

function rolesOf({ metadata }: Node): string[] {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL) roles.add(value);
  }
  roles.delete('');
  return [...roles].sort(byText);
}

const taintText = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : value ? ':' : ''}`;

/** The running Pods of the node; null when one may not see them. */
function* podsOn(page: Page, node: string): Op<Pod[] | null> {
  try {
    return yield* page.pods('', { fieldSelector: `spec.nodeName=${node},status.phase!=Failed,status.phase!=Succeeded` });
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'Forbidden') return null;
    throw error;
  }
}

/** Events name a node by its uid, or (those of its kubelet) by its name in place of the uid. */
function* eventsOf(page: Page, { metadata }: Node): Op<Event[]> {
  const { name, uid = '' } = metadata;
  const byUid = yield* page.search({ kind: 'Node', name, uid });
  return [...byUid, ...(yield* page.search({ kind: 'Node', name, uid: name }))];
}

export function* describeNode(page: Page, node: Node): Op<void> {
  const { metadata, spec, status } = node;
  const pods = yield* podsOn(page, metadata.name);
  const events = page.settings.showEvents ? yield* eventsOf(page, node) : null;
  const slices = yield* slicesOf(page, metadata.name);
  head(page, metadata, false);
  page.write(0, `Roles:\t${rolesOf(node).join(',') || '<none>'}\n`);
  labelsAndAnnotations(page, metadata);
  page.write(0, `CreationTimestamp:\t${dateText(metadata.creationTimestamp)}\n`);
  const order = ({ effect, key }: Taint): string => `${effect},${key}`;
  multiline(page, 'Taints', [...(spec.taints ?? [])].sort((a, b) => byText(order(a), order(b))).map(taintText));
  page.write(0, `Unschedulable:\t${spec.unschedulable ?? false}\n`);
  yield* lease(page, metadata.name);
  conditions(page, node);
  page.write(0, 'Addresses:\n');
  for (const { type, address } of status.addresses ?? []) page.write(1, `${type}:\t${address}\n`);
  amounts(page, 'Capacity', status.capacity);
  amounts(page, 'Allocatable', status.allocatable);
  resourceSlices(page, slices);
  systemInfo(page, node);
  if (spec.podCIDR) page.write(0, `PodCIDR:\t${spec.podCIDR}\n`);
  if (spec.podCIDRs?.length) page.write(0, `PodCIDRs:\t${spec.podCIDRs.join(',')}\n`);
  if (spec.providerID) page.write(0, `ProviderID:\t${spec.providerID}\n`);
  if (pods) nodeResources(page, node, pods);
  else page.write(0, 'Pods:\tnot authorized\n');
  if (events) describeEvents(page, events);
}

function* lease(page: Page, node: string): Op<void> {
  let found: Lease;
  try {
    found = yield* page.get<Lease>(LEASES, 'kube-node-lease', node);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return page.write(0, `Lease:\tFailed to get lease: ${error.message}\n`);
  }
  const { holderIdentity, acquireTime, renewTime } = found.spec ?? {};
  page.write(0, 'Lease:\n');
  page.write(1, `HolderIdentity:\t${holderIdentity ?? '<unset>'}\n`);
  page.write(1, `AcquireTime:\t${acquireTime ? dateText(acquireTime) : '<unset>'}\n`);
  page.write(1, `RenewTime:\t${renewTime ? dateText(renewTime) : '<unset>'}\n`);
}

function conditions(w: Writer, { status }: Node): void {
  if (!status.conditions?.length) return;
  w.write(0, 'Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n');
  w.write(1, '----\t------\t-----------------\t------------------\t------\t-------\n');
  for (const c of status.conditions) {
    w.write(1, row(`${c.type} `, `${c.status} `, `${dateText(c.lastHeartbeatTime)} `, `${dateText(c.lastTransitionTime)} `, `${c.reason ?? ''} `, c.message));
  }
}

function amounts(w: Writer, title: string, list: StringMap | undefined): void {
  const names = sortedKeys(list);
  if (names.length > 0) w.write(0, `${title}:\n`);
  for (const name of names) w.write(1, `${name}:\t${list?.[name]}\n`);
}

function systemInfo(w: Writer, { status }: Node): void {
  const info = status.nodeInfo;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Machine ID', info?.machineID],
    ['System UUID', info?.systemUUID],
    ['Boot ID', info?.bootID],
    ['Kernel Version', info?.kernelVersion],
    ['OS Image', info?.osImage],
    ['Operating System', info?.operatingSystem],
    ['Architecture', info?.architecture],
    ['Container Runtime Version', info?.containerRuntimeVersion],
    ['Kubelet Version', info?.kubeletVersion],
  ];
  w.write(0, 'System Info:\n');
  for (const [title, value] of lines) w.write(1, `${title}:\t${value ?? ''}\n`);
}

function* slicesOf(page: Page, node: string): Op<ResourceSlice[]> {
  try {
    return yield* page.list<ResourceSlice>(SLICES, '', { fieldSelector: `spec.nodeName=${node}` }, false);
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

/** The devices of the node, by driver and pool. */
export function resourceSlices(w: Writer, slices: readonly ResourceSlice[]): void {
  if (slices.length === 0) return;
  const pools = new Map<string, { driver: string; pool: string; slices: number; devices: number }>();
  for (const { spec } of slices) {
    const key = `${spec.driver}/${spec.pool.name}`;
    const known = pools.get(key) ?? { driver: spec.driver, pool: spec.pool.name, slices: 0, devices: 0 };
    known.slices++;
    known.devices += spec.devices?.length ?? 0;
    pools.set(key, known);
  }
  w.write(0, 'Node-Local ResourceSlices:\n');
  w.write(1, 'Driver\tPool\tSlices\tDevices\n');
  w.write(1, '------\t----\t------\t-------\n');
  const keys = [...pools.keys()].sort(byText);
  for (const key of keys.slice(0, POOLS_SHOWN)) {
    const p = pools.get(key);
    if (p) w.write(1, row(p.driver, p.pool, p.slices, p.devices));
  }
  if (keys.length > POOLS_SHOWN) w.write(1, `...and ${keys.length - POOLS_SHOWN} more pools\n`);
}
