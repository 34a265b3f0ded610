// kube-scheduler: the program of the static Pod that kubeadm writes. Informers, leader election, then the scheduler.

import { Client, type ClientConfig } from '../client/client.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import { InformerFactory } from '../client/informer.ts';
import { inClusterConfig, loadKubeconfig } from '../client/kubeconfig.ts';
import { LeaderElector } from '../client/leaderelection.ts';
import type { Os, Program } from '../machine/process.ts';
import { serveHttp } from '../network/http.ts';
import type { Op } from '../sim/simulation.ts';
import type { SchedulerConfiguration } from './configuration.ts';
import { providedConfiguration } from './configuration-provider.ts';
import { Listers } from './listers.ts';
import { DEFAULT_SCHEDULER, frameworkOf, type Handle } from './profile.ts';
import { EventsV1Recorder } from './recorder.ts';
import { WatchedResourceClaims } from './resource-claims.ts';
import { Scheduler, type SchedulerProfile } from './scheduler.ts';
import { StorageObjects } from './storage-objects.ts';

/** Flags as kubeadm's manifest: --kubeconfig, --leader-elect, --bind-address; and --config. */
export const schedulerProgram: Program = function* (os: Os): Op<number> {
  const flags = parseFlags(os.argv);
  let configuration: SchedulerConfiguration;
  let config: ClientConfig;
  try {
    configuration = configurationOf(os, flags);
    config = configuration.kubeconfig === '' ? inClusterConfig(os) : loadKubeconfig(os, configuration.kubeconfig);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    os.logError(`"command failed" err=${JSON.stringify(messageOf(error))}`);
    return 1;
  }
  os.go('signals', () => endWhenTold(os));
  const { profiles, backoff, leaderElection } = configuration;
  serveHealth(os, flags.get('bind-address') ?? '0.0.0.0', Number(flags.get('secure-port') ?? '10259'));
  const client = new Client(os, { ...config, userAgent: 'kube-scheduler/v1.36.0', streamsLists: true });
  const events = client.as('kube-scheduler/v1.36.0 events');
  const factory = new InformerFactory(os, client);
  const handle: Handle = {
    client,
    factory,
    listers: new Listers(factory),
    claims: new WatchedResourceClaims(factory),
    storage: new StorageObjects(os, factory),
    random: os.sim.random(`scheduler/${os.machine.name}/preemption`),
  };
  const byName = new Map<string, SchedulerProfile>();
  try {
    for (const profile of profiles) {
      byName.set(profile.schedulerName, { framework: frameworkOf(profile, handle), recorder: new EventsV1Recorder(os, events, profile.schedulerName) });
    }
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    os.logError(`"command failed" err=${JSON.stringify(messageOf(error))}`);
    return 1;
  }
  const scheduler = new Scheduler(os, {
    client,
    profiles: byName,
    backoff,
    // Finished Pods take nothing of a node.
    pods: factory.informer('pods', { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' }),
    nodes: factory.informer('nodes'),
    namespaces: factory.informer('namespaces'),
  });
  factory.start();
  yield* factory.waitForSync();

  if (!leaderElection.leaderElect) {
    yield* scheduler.run();
    return 0;
  }
  const elector = new LeaderElector(os, {
    client: client.as('kube-scheduler/v1.36.0 leader-election'),
    namespace: leaderElection.resourceNamespace,
    name: leaderElection.resourceName,
    identity: `${os.machine.name}_${os.sim.random(`scheduler/${os.place}/${os.process.pid}`).uuid()}`,
  });
  yield* elector.acquire();
  os.go('scheduler', () => scheduler.run());
  yield* elector.renew();
  os.logError('"Leaderelection lost"');
  return 1;
};

function* endWhenTold(os: Os): Op<void> {
  yield* os.signals().receive();
  os.logError('"Requested to terminate, exiting"');
  yield* os.exit(0);
}

/** The file of --config, or what the flags say; --leader-elect and its like count in both cases. */
function configurationOf(os: Os, flags: ReadonlyMap<string, string>): SchedulerConfiguration {
  const path = flags.get('config');
  const file = path === undefined ? undefined : providedConfiguration()(os.files.read(path));
  const kubeconfig = file === undefined ? flags.get('kubeconfig') : file.kubeconfig;
  if (kubeconfig === undefined) throw new Error('stat : no such file or directory');
  const elect = flags.get('leader-elect');
  return {
    profiles: file?.profiles ?? [{ schedulerName: DEFAULT_SCHEDULER }],
    backoff: file?.backoff ?? {},
    kubeconfig,
    leaderElection: {
      leaderElect: elect === undefined ? (file?.leaderElection.leaderElect ?? true) : elect !== 'false',
      resourceName: flags.get('leader-elect-resource-name') ?? file?.leaderElection.resourceName ?? 'kube-scheduler',
      resourceNamespace: flags.get('leader-elect-resource-namespace') ?? file?.leaderElection.resourceNamespace ?? 'kube-system',
    },
  };
}

function serveHealth(os: Os, address: string, port: number): void {
  serveHttp(os, { port, address, tls: { certificate: '' } }, function* (request) {
    yield* os.sleep(0);
    const known = request.path === '/healthz' || request.path === '/livez' || request.path === '/readyz';
    return { status: known ? 200 : 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: known ? 'ok' : '404 page not found' };
  });
}

/** `--name=value` and `--name value`. */
function parseFlags(argv: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i] as string;
    if (!arg.startsWith('--')) continue;
    const equals = arg.indexOf('=');
    if (equals > 0) flags.set(arg.slice(2, equals), arg.slice(equals + 1));
    else if (argv[i + 1] !== undefined && !(argv[i + 1] as string).startsWith('--')) flags.set(arg.slice(2), argv[++i] as string);
    else flags.set(arg.slice(2), 'true');
  }
  return flags;
}
