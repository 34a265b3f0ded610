// What a fresh API server puts into the cluster (its post-start hooks): RBAC policy, system namespaces, priority classes,
// the range of ClusterIPs, and the Service default/kubernetes with this server among its endpoints.

import type { Endpoints, EndpointSlice, Service } from '../../api/generated/types.ts';
import { applyDefaults } from '../../api/defaults.ts';
import { decodeObject } from '../../api/decode.ts';
import { kindOf, mustResource, type ResourceKind } from '../../api/kinds.ts';
import { type ApiObject, isDeleting, jsonEqual } from '../../api/meta.ts';
import type { Op } from '../../sim/simulation.ts';
import { MINUTE, SECOND } from '../../sim/time.ts';
import { ensureFlowControl } from '../flowcontrol/keeper.ts';
import type { Server } from '../server.ts';
import { publishAuthentication } from './authentication-info.ts';
import { ensure } from './ensure.ts';
import { bootstrapPolicy, type PolicyObject } from './policy.ts';
import { reconciled } from './policy-reconcile.ts';

const NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'];
const PRIORITY_CLASSES = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];
const MASTER_LEASES = '/registry/masterleases/';
const MASTER_LEASE_SECONDS = 15;
const RECONCILE_INTERVAL = 10 * SECOND;
const COMPACTION_INTERVAL = 5 * MINUTE;
const COMPACT_KEY = 'compact_rev_key';

/** Makes what is missing; returns when the server may call itself ready. */
export function* runHooks(server: Server): Op<void> {
  for (const name of NAMESPACES) yield* ensure(server, namespace(name));
  yield* ensureFlowControl(server);
  for (const object of bootstrapPolicy()) yield* reconcilePolicy(server, object);
  for (const { name, value, description } of PRIORITY_CLASSES) {
    yield* ensure(server, {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
      description,
    } as unknown as ApiObject);
  }
  yield* ensure(server, serviceCidr(server));
  yield* publishAuthentication(server);
  yield* ensureKubernetesService(server);
  yield* reconcileEndpoints(server);
}

/** Renews this server's place among the endpoints of default/kubernetes. */
export function* keepEndpoints(server: Server): Op<void> {
  for (;;) {
    yield* server.sim.sleep(RECONCILE_INTERVAL);
    server.sim.cause = null;
    try {
      yield* reconcileEndpoints(server);
    } catch (error) {
      server.os.logError(`error reconciling endpoints: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/**
 * Every five minutes etcd forgets what was five minutes ago. Several servers agree by compare-and-swap on one key
 * (storage/etcd3/compact.go): who loses the race takes note and waits.
 */
export function* compactPeriodically(server: Server): Op<void> {
  const { etcd } = server.store;
  let time = 0;
  let revision = 0;
  for (;;) {
    yield* server.sim.sleep(COMPACTION_INTERVAL);
    server.sim.cause = null;
    try {
      const response = yield* etcd.txn({
        compare: [{ key: COMPACT_KEY, target: 'VERSION', result: 'EQUAL', revision: time }],
        success: [{ requestPut: { key: COMPACT_KEY, value: Object.freeze({ revision }) } }],
        failure: [{ requestRange: { key: COMPACT_KEY } }],
      });
      if (!response.succeeded) {
        const found = (response.responses[0] as { responseRange: { kvs: readonly { version: number }[] } }).responseRange.kvs[0];
        time = found?.version ?? 0;
        revision = response.header.revision;
        continue;
      }
      time++;
      if (revision > 0) yield* etcd.compact(revision);
      revision = response.header.revision;
    } catch (error) {
      server.os.logError(`etcd: compaction failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Makes the object, or gives the one that is there what it lacks, unless its annotation says that it is to be left alone. */
function* reconcilePolicy(server: Server, wanted: PolicyObject): Op<void> {
  const kind = kindOf(wanted.apiVersion as string, wanted.kind as string) as ResourceKind;
  const at = { kind, namespace: wanted.metadata.namespace ?? '', name: wanted.metadata.name };
  const current = server.store.cached(at);
  if (!current) return yield* ensure(server, wanted as ApiObject);
  if (!reconciled(current, wanted)) return;
  yield* server.store.update(at, function* (newest) {
    return reconciled(newest, wanted) ?? newest;
  });
}

const namespace = (name: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
});

function serviceCidr(server: Server): ApiObject {
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: '',
    message: 'Kubernetes Service CIDR is ready',
    lastTransitionTime: server.sim.time(),
  };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: [server.flags.serviceClusterIpRange] },
    status: { conditions: [condition] },
  } as unknown as ApiObject;
}

function* ensureKubernetesService(server: Server): Op<void> {
  const address = server.serviceIps.first;
  const at = { kind: mustResource('services'), namespace: 'default', name: 'kubernetes' };
  if (server.store.cached(at)) return;
  yield* server.serviceIps.allocate(address, { namespace: 'default', name: 'kubernetes' });
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: address,
      clusterIPs: [address],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: server.flags.securePort }],
    },
  } as unknown as Service;
  yield* ensure(server, service);
}

/** The lease reconciler: each server holds a key that expires; the addresses of all keys are the endpoints. */
function* reconcileEndpoints(server: Server): Op<void> {
  const { store, flags } = server;
  const { etcd } = store;
  const lease = yield* etcd.grantLease(MASTER_LEASE_SECONDS);
  const key = `${MASTER_LEASES}${flags.advertiseAddress}`;
  yield* etcd.txn({
    compare: [],
    success: [{ requestPut: { key, value: Object.freeze({ ip: flags.advertiseAddress }), lease } }],
    failure: [],
  });
  const { kvs } = yield* etcd.range({ key: MASTER_LEASES, rangeEnd: `${MASTER_LEASES.slice(0, -1)}0` });
  const addresses = kvs.map((kv) => (kv.value as { readonly ip: string }).ip).sort();
  yield* write(server, endpoints(addresses, flags.securePort));
  yield* write(server, endpointSlice(addresses, flags.securePort));
}

function* write(server: Server, wanted: ApiObject): Op<void> {
  const kind = kindOf(wanted.apiVersion, wanted.kind) as ResourceKind;
  const at = { kind, namespace: 'default', name: 'kubernetes' };
  const cached = server.store.cached(at);
  if (!cached) return yield* ensure(server, wanted);
  const { metadata: _now, ...now } = cached;
  const { metadata: _then, ...then } = applyDefaults(kind, decodeObject(kind, wanted, 'Ignore').object);
  if (jsonEqual(now, then) || isDeleting(cached)) return;
  yield* server.store.update(at, function* (current) {
    return { ...then, metadata: current.metadata } as ApiObject;
  });
}

function endpoints(addresses: readonly string[], port: number): ApiObject {
  const object = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
  return object as Endpoints;
}

function endpointSlice(addresses: readonly string[], port: number): ApiObject {
  const object = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: addresses.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
  return object as unknown as EndpointSlice;
}
