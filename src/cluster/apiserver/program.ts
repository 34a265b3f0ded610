// The kube-apiserver process: reads its flags, reaches etcd, fills the watch cache, serves :6443, runs its post-start hooks.

import type { Secret } from '../api/generated/types.ts';
import type { Os, Program } from '../machine/process.ts';
import { type HttpStream, serveHttp } from '../network/http.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { Admission } from './admission/chain.ts';
import { flagProblem } from './admission/plugins.ts';
import { type Audit, openAudit } from './audit/audit.ts';
import { ALWAYS_ALLOW, ALWAYS_DENY, type AuthorizationModule, Authorizer } from './authorization/authorizer.ts';
import { NodeAuthorizer } from './authorization/node.ts';
import { Rbac } from './authorization/rbac.ts';
import { Aggregator } from './aggregator/aggregator.ts';
import { Definitions } from './apiextensions/definitions.ts';
import { Authenticator } from './chain/authenticate.ts';
import { handle } from './chain/handler.ts';
import { Metrics } from './metrics.ts';
import { etcdEndpoint, type Flags, readFlags } from './flags.ts';
import { FlowControl, LEVELS, SCHEMAS } from './flowcontrol/flow-control.ts';
import { keepFlowControl } from './flowcontrol/keeper.ts';
import { ServerKinds } from './kinds.ts';
import { ServiceIps } from './registry/cluster-ips.ts';
import { NodePorts } from './registry/node-ports.ts';
import type { RequestInfo } from './request.ts';
import type { Server } from './server.ts';
import { compactPeriodically, keepEndpoints, runHooks } from './startup/hooks.ts';
import { type Encryption, readEncryption } from './storage/encryption.ts';
import { EtcdClient } from './storage/etcd.ts';
import { Store } from './storage/store.ts';
import { WatchCache } from './storage/watch-cache.ts';

/** How long it tries to reach etcd before it gives up and is restarted. */
const ETCD_PATIENCE = 20 * SECOND;
const RETRY = SECOND;

export const apiserverProgram: Program = function* (os: Os): Op<number> {
  const flags = readFlags(os.argv);
  const wrong = flagProblem(flags.enableAdmission, flags.disableAdmission);
  if (wrong !== '') {
    os.logError(`command failed: ${JSON.stringify(wrong)}`);
    return 1;
  }
  const etcd = new EtcdClient(
    os,
    flags.etcdServers.map((url) => etcdEndpoint(url, readIfThere(os, flags.etcdCertFile))),
  );
  const cache = new WatchCache(os.sim);
  const kinds = new ServerKinds();
  const definitions = new Definitions(os.sim, kinds, cache);
  const aggregator = new Aggregator(os.sim, kinds, cache);
  const stream = yield* reachEtcd(os, etcd, cache);
  if (!stream) {
    os.logError('command failed: "context deadline exceeded"');
    return 1;
  }
  const problems: string[] = [];
  const audit = openAudit(os, flags.auditPolicyFile, flags.auditLogPath, (text) => problems.push(text));
  let encryption: Encryption | null = null;
  try {
    const file = flags.encryptionProviderConfig;
    encryption = file === '' ? null : readEncryption(os.files.read(file));
  } catch (error) {
    problems.push(`error while parsing encryption provider configuration file ${JSON.stringify(flags.encryptionProviderConfig)}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (problems.length > 0) {
    os.logError(`command failed: ${JSON.stringify(problems[0])}`);
    return 1;
  }
  const server = buildServer(os, flags, new Store(etcd, cache, encryption), { kinds, aggregator }, audit);
  os.go('watch-cache', () => followEtcd(os, etcd, cache, stream));
  const certificate = readIfThere(os, flags.tlsCertFile);
  serveHttp(os, { port: flags.securePort, tls: { certificate } }, (request, peer) => handle(server, request, peer));
  os.logError(`Serving securely on [::]:${flags.securePort}`);
  yield* runHooks(server);
  server.ready = true;
  os.go('crd-controllers', () => definitions.run(server));
  os.go('apiservice-registration', () => aggregator.run(server));
  os.go('priority-and-fairness', () => keepFlowControl(server));
  os.go('endpoint-reconciler', () => keepEndpoints(server));
  os.go('compactor', () => compactPeriodically(server));
  // The request tasks do the work; this thread has nothing more to do until the process is killed.
  yield* os.signals().receive();
  yield* removeOwnEndpoint(server);
  return 0;
};

function buildServer(os: Os, flags: Flags, store: Store, served: Pick<Server, 'kinds' | 'aggregator'>, audit: Audit | null): Server {
  const { sim } = os;
  const { cache, etcd } = store;
  const random = sim.random(`apiserver/${os.machine.name}/${sim.now}`);
  const uids = sim.random(`apiserver/${os.machine.name}/${sim.now}/uids`);
  const rbac = new Rbac({
    roles: cache.ofKey('roles.rbac.authorization.k8s.io'),
    roleBindings: cache.ofKey('rolebindings.rbac.authorization.k8s.io'),
    clusterRoles: cache.ofKey('clusterroles.rbac.authorization.k8s.io'),
    clusterRoleBindings: cache.ofKey('clusterrolebindings.rbac.authorization.k8s.io'),
  });
  const sources = {
    schemas: cache.ofKey(SCHEMAS),
    levels: cache.ofKey(LEVELS),
    countOf: ({ kind }: RequestInfo) => (kind ? (cache.of(kind)?.objects.size ?? 0) : 0),
  };
  const flowControl = new FlowControl(sim, sources, flags.maxRequestsInflight + flags.maxMutatingRequestsInflight);
  cache.listeners.push((cacher, before, after) => {
    rbac.changed(cacher, before, after);
    flowControl.changed(cacher);
  });
  const modules: Readonly<Record<string, () => AuthorizationModule>> = {
    Node: () => new NodeAuthorizer((key) => cache.ofKey(key)),
    RBAC: () => rbac,
    AlwaysAllow: () => ALWAYS_ALLOW,
    AlwaysDeny: () => ALWAYS_DENY,
  };
  const authorizer = new Authorizer(flags.authorizationMode.flatMap((mode) => modules[mode]?.() ?? []));
  const serviceAccountKey = readIfThere(os, flags.serviceAccountKeyFile);
  return {
    os,
    sim,
    place: os.place,
    flags,
    store,
    ...served,
    rbac,
    authorizer,
    authenticator: new Authenticator(sim, {
      clientCa: readIfThere(os, flags.clientCaFile),
      serviceAccountKey,
      issuer: flags.serviceAccountIssuer,
      audiences: flags.apiAudiences,
      bootstrapTokens: flags.bootstrapTokenAuth,
      anonymous: flags.anonymousAuth,
      metadataOf: (resource, key) => cache.ofKey(resource).get(key)?.metadata,
      secret: (namespace, name) => cache.ofKey('secrets').get(`${namespace}/${name}`) as Secret | undefined,
    }),
    flowControl,
    audit,
    metrics: new Metrics(),
    admission: new Admission(cache, flags.enableAdmission, flags.disableAdmission),
    serviceIps: new ServiceIps(sim, store, flags.serviceClusterIpRange, random, uids),
    nodePorts: new NodePorts(etcd, random, flags.serviceNodePortRange),
    uids,
    random,
    signingKey: readIfThere(os, flags.serviceAccountSigningKeyFile),
    serviceAccountKey,
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
