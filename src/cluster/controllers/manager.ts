// kube-controller-manager (cmd/kube-controller-manager): wins the leader election, then runs all controllers in one process.

import { Client } from '../client/client.ts';
import { EventRecorder } from '../client/events.ts';
import { InformerFactory } from '../client/informer.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import { LeaderElector } from '../client/leaderelection.ts';
import type { Os, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { BootstrapSigner } from './bootstrapsigner.ts';
import { ClusterRoleAggregation } from './clusterroleaggregation.ts';
import type { Controller, ControllerContext } from './context.ts';
import { CronJobController } from './cronjob.ts';
import { CsrApproving } from './csrapproving.ts';
import { CsrCleaner } from './csrcleaner.ts';
import { CsrSigning } from './csrsigning.ts';
import { DaemonSetController } from './daemonset.ts';
import { DeploymentController } from './deployment.ts';
import { DisruptionController } from './disruption.ts';
import { EndpointsController } from './endpoints.ts';
import { EndpointSliceController } from './endpointslice.ts';
import { EndpointSliceMirroring } from './endpointslicemirroring.ts';
import { type ManagerFlags, parseFlags } from './flags.ts';
import { GarbageCollector } from './garbagecollector.ts';
import { serveHealth } from './health.ts';
import { HorizontalController } from './horizontal.ts';
import { JobController } from './job.ts';
import { NamespaceController } from './namespace.ts';
import { NodeIpamController } from './nodeipam.ts';
import { NodeLifecycleController } from './nodelifecycle.ts';
import { PodGarbageCollector } from './podgc.ts';
import { REPLICA_SETS, ReplicaSetController } from './replicaset.ts';
import { REPLICATION_CONTROLLERS } from './replicationcontroller.ts';
import { ResourceQuotaController } from './resourcequota.ts';
import { RootCaCertPublisher } from './rootca.ts';
import { ServiceAccountController } from './serviceaccount.ts';
import { ServiceAccountTokens } from './serviceaccount-tokens.ts';
import { ServiceAccountCredentials } from './serviceaccount-credentials.ts';
import { ClaimProtection, VolumeProtection } from './storageprotection.ts';
import { StatefulSetController } from './statefulset.ts';
import { onAttachable, onEphemeralVolume, onStorage, WhenNeeded } from './storage-controllers.ts';
import { TaintEvictionController } from './tainteviction.ts';
import { TokenCleaner } from './tokencleaner.ts';
import { TtlController } from './ttl.ts';
import { TtlAfterFinished } from './ttlafterfinished.ts';
import { PolicyStatusController } from './validatingadmissionpolicystatus.ts';

const PROGRAM = 'kube-controller-manager';

/** By upstream's names, in the order in which they are made. The garbage collector comes last: it watches what is left. */
const CONTROLLERS: Readonly<Record<string, (context: ControllerContext, more: InformerFactory) => Controller>> = {
  'node-ipam-controller': (context) => new NodeIpamController(context),
  'node-lifecycle-controller': (context) => new NodeLifecycleController(context),
  'taint-eviction-controller': (context) => new TaintEvictionController(context),
  'resourcequota-controller': (context, more) => new ResourceQuotaController(context, more),
  'namespace-controller': (context) => new NamespaceController(context),
  'serviceaccount-controller': (context) => new ServiceAccountController(context),
  'serviceaccount-token-controller': (context) => new ServiceAccountTokens(context),
  'root-ca-certificate-publisher-controller': (context) => new RootCaCertPublisher(context),
  'deployment-controller': (context) => new DeploymentController(context),
  'replicaset-controller': (context) => new ReplicaSetController(context, REPLICA_SETS),
  'replicationcontroller-controller': (context) => new ReplicaSetController(context, REPLICATION_CONTROLLERS),
  'daemonset-controller': (context) => new DaemonSetController(context),
  'horizontal-pod-autoscaler-controller': (context) => new HorizontalController(context),
  'disruption-controller': (context) => new DisruptionController(context),
  'statefulset-controller': (context) => new StatefulSetController(context),
  'job-controller': (context) => new JobController(context),
  'cronjob-controller': (context) => new CronJobController(context),
  'endpointslice-controller': (context) => new EndpointSliceController(context),
  'endpoints-controller': (context) => new EndpointsController(context),
  'endpointslice-mirroring-controller': (context) => new EndpointSliceMirroring(context),
  'certificatesigningrequest-approving-controller': (context) => new CsrApproving(context),
  'certificatesigningrequest-signing-controller': (context) => new CsrSigning(context),
  'certificatesigningrequest-cleaner-controller': (context) => new CsrCleaner(context),
  'bootstrap-signer-controller': (context) => new BootstrapSigner(context),
  'token-cleaner-controller': (context) => new TokenCleaner(context),
  'clusterrole-aggregation-controller': (context) => new ClusterRoleAggregation(context),
  'validatingadmissionpolicy-status-controller': (context) => new PolicyStatusController(context),
  'persistentvolume-binder-controller': (context) => new WhenNeeded(context, 'binder', onStorage),
  'persistentvolume-attach-detach-controller': (context) => new WhenNeeded(context, 'attach-detach', onAttachable),
  'persistentvolume-expander-controller': (context) => new WhenNeeded(context, 'expander', onStorage),
  'ephemeral-volume-controller': (context) => new WhenNeeded(context, 'ephemeral', onEphemeralVolume),
  'persistentvolumeclaim-protection-controller': (context) => new ClaimProtection(context),
  'persistentvolume-protection-controller': (context) => new VolumeProtection(context),
  'ttl-controller': (context) => new TtlController(context),
  'ttl-after-finished-controller': (context) => new TtlAfterFinished(context),
  'pod-garbage-collector-controller': (context) => new PodGarbageCollector(context),
  'garbage-collector-controller': (context, more) => new GarbageCollector(context, more),
};

/** Only run when named: kubeadm does. */
const OFF_BY_DEFAULT = new Set(['bootstrap-signer-controller', 'token-cleaner-controller']);
/** The names that they had before 1.28 are still accepted. */
const ALIASES: Readonly<Record<string, string>> = { bootstrapsigner: 'bootstrap-signer-controller', tokencleaner: 'token-cleaner-controller' };

export const controllerManagerProgram: Program = function* (os: Os): Op<number> {
  const flags = parseFlags(os);
  const config = loadKubeconfig(os, flags.kubeconfig);
  const health = serveHealth(os, flags.securePort);
  const base = new Client(os, { ...config, userAgent: `${PROGRAM}/v1.36.0 (linux/amd64) kubernetes`, streamsLists: true });

  if (flags.leaderElect) {
    const identity = `${os.machine.name}_${os.sim.random(`${os.place}/identity/${os.process.pid}`).uuid()}`;
    const client = new Client(os, { ...base.config, userAgent: `${PROGRAM}/leader-election`, timeout: 5 * SECOND }, base.http);
    const elector = new LeaderElector(os, {
      client,
      namespace: 'kube-system',
      name: PROGRAM,
      identity,
      recorder: new EventRecorder(os, client, { component: PROGRAM }),
    });
    yield* elector.acquire();
    os.go('leader-election', function* () {
      yield* elector.renew();
      os.logError('"leaderelection lost"');
      yield* os.exit(1);
    });
  }
  yield* runControllers(os, flags, base);
  health.ready = true;
  return yield* forever(os);
};

function* runControllers(os: Os, flags: ManagerFlags, base: Client): Op<void> {
  const { clientCertificate: _, ...anonymous } = base.config;
  const plain = new Client(os, anonymous);
  const credentials = new ServiceAccountCredentials(base.as(`${PROGRAM}/controller-client-builder`));
  const context: ControllerContext = {
    os,
    flags,
    informers: new InformerFactory(os, base.as(`${PROGRAM}/shared-informers`)),
    base: base.as(`${PROGRAM}/tokens-controller`),
    client: (account) => clientOf(account, flags, flags.useServiceAccountCredentials ? plain : base, credentials),
    recorder: (component, client) => new EventRecorder(os, client, { component }),
  };
  const more = new InformerFactory(os, base.as(`${PROGRAM}/metadata-informers`));
  const controllers: { readonly name: string; readonly controller: Controller }[] = [];
  for (const name in CONTROLLERS) {
    if (isEnabled(name, flags)) controllers.push({ name, controller: (CONTROLLERS[name] as (typeof CONTROLLERS)[string])(context, more) });
  }
  context.informers.start();
  yield* context.informers.waitForSync();
  for (const { name, controller } of controllers) {
    os.logError(`"Started controller" controller="${name}"`);
    os.go(name, () => start(controller));
  }
}

function* start(controller: Controller): Op<void> {
  const starting = controller.run();
  if (starting) yield* starting;
}

/** As the ServiceAccount when the flag says so (`base` is then without the manager's certificate). */
function clientOf(account: string, flags: ManagerFlags, base: Client, credentials: ServiceAccountCredentials): Client {
  // Each deletion of the garbage collector takes two calls: it is allowed twice the rate.
  const qps = flags.kubeApiQps * (account === 'generic-garbage-collector' ? 2 : 1);
  const common = { userAgent: `${PROGRAM}/system:serviceaccount:kube-system:${account}`, qps, burst: flags.kubeApiBurst };
  const token = flags.useServiceAccountCredentials ? { tokenSource: () => credentials.token(account) } : {};
  return new Client(base.os, { ...base.config, ...common, ...token }, base.http);
}

function isEnabled(name: string, flags: ManagerFlags): boolean {
  if (name === 'node-ipam-controller' && !flags.allocateNodeCidrs) return false;
  const named = flags.controllers.map((entry) => (entry.startsWith('-') ? `-${ALIASES[entry.slice(1)] ?? entry.slice(1)}` : (ALIASES[entry] ?? entry)));
  if (named.includes(name)) return true;
  if (named.includes(`-${name}`)) return false;
  return named.includes('*') && !OFF_BY_DEFAULT.has(name);
}

/** Until the process is killed. */
function* forever(os: Os): Op<never> {
  const signals = os.signals();
  yield* signals.receive();
  return yield* os.exit(0);
}
