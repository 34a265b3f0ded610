// The kube-apiserver process: reads its flags, reaches etcd, fills the watch cache, serves :6443, runs its post-start hooks.

import type { Secret } from '../api/generated/types.ts';
import type { Os, Program } from '../machine/process.ts';
import { type HttpStream, serveHttp } from '../network/http.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { Admission } from './admission/chain.ts';
import { Rbac } from './authorization/rbac.ts';
import { Authenticator } from './chain/authenticate.ts';
import { FlowControl } from './chain/flow-control.ts';
import { handle } from './chain/handler.ts';
import { etcdEndpoint, type Flags, readFlags } from './flags.ts';
import { ServiceIps } from './registry/cluster-ips.ts';
import { NodePorts } from './registry/node-ports.ts';
import type { Server } from './server.ts';
import { compactPeriodically, keepEndpoints, runHooks } from './startup/hooks.ts';
import { EtcdClient } from './storage/etcd.ts';
import { Store } from './storage/store.ts';
import { WatchCache } from './storage/watch-cache.ts';

/** How long it tries to reach etcd before it gives up and is restarted. */
const ETCD_PATIENCE = 20 * SECOND;
const RETRY = SECOND;

export const apiserverProgram: Program = function* (os: Os): Op<number> {
  const flags = readFlags(os.argv);
  const etcd = new EtcdClient(
    os,
    flags.etcdServers.map((url) => etcdEndpoint(url, readIfThere(os, flags.etcdCertFile))),
  );
  const cache = new WatchCache(os.sim);
  const stream = yield* reachEtcd(os, etcd, cache);
  if (!stream) {
    os.logError('command failed: "context deadline exceeded"');
    return 1;
  }
  const server = buildServer(os, flags, etcd, cache);
  os.go('watch-cache', () => followEtcd(os, etcd, cache, stream));
  const certificate = readIfThere(os, flags.tlsCertFile);
  serveHttp(os, { port: flags.securePort, tls: { certificate } }, (request, peer) => handle(server, request, peer));
  os.logError(`Serving securely on [::]:${flags.securePort}`);
  yield* runHooks(server);
  server.ready = true;
  os.go('endpoint-reconciler', () => keepEndpoints(server));
  os.go('compactor', () => compactPeriodically(server));
  // The request tasks do the work; this thread has nothing more to do until the process is killed.
  yield* os.signals().receive();
  yield* removeOwnEndpoint(server);
  return 0;
};

function buildServer(os: Os, flags: Flags, etcd: EtcdClient, cache: WatchCache): Server {
  const { sim } = os;
  const store = new Store(etcd, cache);
  const random = sim.random(`apiserver/${os.machine.name}/${sim.now}`);
  const uids = sim.random(`apiserver/${os.machine.name}/${sim.now}/uids`);
  const rbac = new Rbac({
    roles: cache.ofKey('roles.rbac.authorization.k8s.io'),
    roleBindings: cache.ofKey('rolebindings.rbac.authorization.k8s.io'),
    clusterRoles: cache.ofKey('clusterroles.rbac.authorization.k8s.io'),
    clusterRoleBindings: cache.ofKey('clusterrolebindings.rbac.authorization.k8s.io'),
  });
  cache.listeners.push((cacher, before, after) => rbac.changed(cacher, before, after));
  const uidOf = (resource: string, namespace: string, name: string): string | null =>
    cache.ofKey(resource).get(`${namespace}/${name}`)?.metadata.uid ?? null;
  return {
    os,
    sim,
    place: os.place,
    flags,
    store,
    rbac,
    authenticator: new Authenticator(sim, {
      clientCa: readIfThere(os, flags.clientCaFile),
      serviceAccountKey: readIfThere(os, flags.serviceAccountKeyFile),
      uidOf,
      systemSecret: (name) => cache.ofKey('secrets').get(`kube-system/${name}`) as Secret | undefined,
    }),
    flowControl: new FlowControl(sim),
    admission: new Admission(flags.enableAdmission, flags.disableAdmission),
    serviceIps: new ServiceIps(sim, store, flags.serviceClusterIpRange, random, uids),
    nodePorts: new NodePorts(etcd, random, flags.serviceNodePortRange),
    uids,
    random,
    signingKey: readIfThere(os, flags.serviceAccountSigningKeyFile),
    ready: false,
  };
}

function readIfThere(os: Os, path: string): string {
  return path !== '' && os.files.exists(path) ? os.files.read(path) : '';
}

/** Tries until etcd answers; null when it does not in time. */
function* reachEtcd(os: Os, etcd: EtcdClient, cache: WatchCache): Op<HttpStream | null> {
  const deadline = os.sim.now + ETCD_PATIENCE;
  for (;;) {
    try {
      return yield* cache.start(etcd);
    } catch (error) {
      os.logError(`grpc: addrConn.createTransport failed to connect: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (os.sim.now >= deadline) return null;
    yield* os.sleep(RETRY);
  }
}

/** Keeps the cache fed; after a broken connection it lists anew and goes on. */
function* followEtcd(os: Os, etcd: EtcdClient, cache: WatchCache, first: HttpStream): Op<void> {
  let stream: HttpStream | null = first;
  for (;;) {
    try {
      if (stream) yield* cache.run(stream);
    } catch (error) {
      os.logError(`watch chan error: ${error instanceof Error ? error.message : String(error)}`);
    }
    os.sim.cause = null;
    yield* os.sleep(RETRY);
    try {
      stream = yield* cache.start(etcd);
    } catch {
      stream = null;
    }
  }
}

/** An orderly end takes this server out of the endpoints at once, not when its lease runs out. */
function* removeOwnEndpoint(server: Server): Op<void> {
  const key = `/registry/masterleases/${server.flags.advertiseAddress}`;
  try {
    yield* server.store.etcd.txn({ compare: [], success: [{ requestDeleteRange: { key } }], failure: [] });
  } catch {
    server.os.logError('unable to remove endpoints from kubernetes service');
  }
}
