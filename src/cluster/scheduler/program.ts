// kube-scheduler: the program of the static Pod that kubeadm writes. Informers, leader election, then the scheduler.

import { Client } from '../client/client.ts';
import { InformerFactory } from '../client/informer.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import { LeaderElector } from '../client/leaderelection.ts';
import type { Os, Program } from '../machine/process.ts';
import { serveHttp } from '../network/http.ts';
import type { Op } from '../sim/simulation.ts';
import { Listers } from './listers.ts';
import { DEFAULT_SCHEDULER, defaultProfile } from './profile.ts';
import { EventsV1Recorder } from './recorder.ts';
import { Scheduler } from './scheduler.ts';

/** Flags as kubeadm's manifest: --kubeconfig, --leader-elect, --bind-address. */
export const schedulerProgram: Program = function* (os: Os): Op<number> {
  const flags = parseFlags(os.argv);
  const path = flags.get('kubeconfig');
  if (path === undefined) throw new Error('stat : no such file or directory');
  serveHealth(os, flags.get('bind-address') ?? '0.0.0.0', Number(flags.get('secure-port') ?? '10259'));

  const config = loadKubeconfig(os, path);
  const client = new Client(os, { ...config, userAgent: 'kube-scheduler/v1.36.0' });
  const factory = new InformerFactory(os, client);
  const random = os.sim.random(`scheduler/${os.machine.name}/preemption`);
  const framework = defaultProfile(client, new Listers(factory), random);
  const scheduler = new Scheduler(os, {
    client,
    framework,
    recorder: new EventsV1Recorder(os, client.as('kube-scheduler/v1.36.0 events'), DEFAULT_SCHEDULER),
    name: DEFAULT_SCHEDULER,
    // Finished Pods take nothing of a node.
    pods: factory.informer('pods', { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' }),
    nodes: factory.informer('nodes'),
    namespaces: factory.informer('namespaces'),
  });
  factory.start();
  yield* factory.waitForSync();

  if (flags.get('leader-elect') === 'false') {
    yield* scheduler.run();
    return 0;
  }
  const elector = new LeaderElector(os, {
    client: client.as('kube-scheduler/v1.36.0 leader-election'),
    namespace: 'kube-system',
    name: 'kube-scheduler',
    identity: `${os.machine.name}_${os.sim.random(`scheduler/${os.place}/${os.process.pid}`).uuid()}`,
  });
  yield* elector.acquire();
  os.go('scheduler', () => scheduler.run());
  yield* elector.renew();
  os.logError('"Leaderelection lost"');
  return 1;
};

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
