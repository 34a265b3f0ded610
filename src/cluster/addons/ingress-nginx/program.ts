// The programs of the image registry.k8s.io/ingress-nginx/controller: /nginx-ingress-controller, nginx with its Lua modules, and
// /wait-shutdown, which the preStop hook runs (cmd/nginx, cmd/waitshutdown).

import type { Pod } from '../../api/generated/types.ts';
import { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import { LeaderElector } from '../../client/leaderelection.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import type { Os, Process, Program } from '../../machine/process.ts';
import { HttpClient, serveHttp } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import { klog } from '../klog.ts';
import { masterBeside, nginxProgram } from '../nginx/master.ts';
import { NGINX_VERSION } from '../nginx/phases.ts';
import { IngressController } from './controller.ts';
import { LuaModules } from './lua.ts';
import { keepStatus, publish, runningAddresses, type StatusOptions } from './status.ts';
import { FAKE_CERTIFICATE } from './template.ts';
import { serveWebhook } from './webhook.ts';

export const INGRESS_NGINX_VERSION = 'v1.15.1';
const POST_SHUTDOWN = 10 * SECOND;

const RULE = '-'.repeat(79);
const BANNER = `${RULE}
NGINX Ingress controller
  Release:       ${INGRESS_NGINX_VERSION}
  Build:         dbb11b92d
  Repository:    https://github.com/kubernetes/ingress-nginx
  nginx version: nginx/${NGINX_VERSION}

${RULE}
`;

export const ingressNginx: Program = nginxProgram((os, random) => new LuaModules(os, random));

/** Controllers by the network namespace of their Pod, for /wait-shutdown. */
const controllers = new WeakMap<object, Process>();

/** `pkill -SIGTERM -f nginx-ingress-controller`, then until nginx is gone. */
export const waitShutdown: Program = function* (os: Os): Op<number> {
  const controller = controllers.get(os.process.netns ?? os);
  if (!controller?.alive) return 1;
  controller.kill('SIGTERM');
  do yield* os.sleep(SECOND);
  while (masterBeside(os));
  return 0;
};

export const ingressControllerProgram: Program = function* (os: Os): Op<number> {
  const log = klog(os);
  for (const line of BANNER.split('\n')) os.log(line);
  if (os.argv.includes('--version')) return 0;
  const stop = os.signals();
  controllers.set(os.process.netns ?? os, os.process);
  const flag = flagsOf(os);
  log.warning('client_config.go:667', 'Neither --kubeconfig nor --master was specified.  Using the inClusterConfig.  This might not work.');
  const config = inClusterConfig(os);
  log.info('main.go:205', `"Creating API client" host="${config.server}"`);
  const client = new Client(os, { ...config, userAgent: `nginx-ingress-controller/${INGRESS_NGINX_VERSION} (linux/amd64) ingress-nginx/dbb11b92d` });
  yield* greet(os, client);
  const namespace = os.env['POD_NAMESPACE'] ?? 'default';
  const name = os.env['POD_NAME'] ?? os.env['HOSTNAME'] ?? '';
  const pod: Pod = yield* client.get('pods', namespace, name);
  const recorder = new EventRecorder(os, client, { component: 'nginx-ingress-controller' });
  const controller = new IngressController({ os, client, recorder, log, nginx: ingressNginx, flag, pod: { namespace, name, uid: pod.metadata.uid ?? '' } });
  log.info('main.go:101', `"SSL fake certificate created" file="${FAKE_CERTIFICATE}"`);
  const webhook = flag('validating-webhook');
  const certificate = flag('validating-webhook-certificate') ?? '/usr/local/certificates/cert';
  const key = flag('validating-webhook-key') ?? '/usr/local/certificates/key';
  if (webhook !== undefined) log.info('ssl.go:535', `"loading tls certificate" path="${certificate}" key="${key}"`);
  serveHealth(os, Number(flag('healthz-port') ?? '10254'));
  log.info('nginx.go:273', '"Starting NGINX Ingress controller"');
  yield* controller.start();
  const labels = Object.entries(pod.metadata.labels ?? {})
    .filter(([label]) => !/^(pod-template-hash|controller-revision-hash|pod-template-generation)$/.test(label))
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const status: StatusOptions = { os, client, log, flag, pod: { namespace, labels }, ingresses: () => controller.ingresses() };
  let leads = false;
  const elector = new LeaderElector(os, {
    client,
    namespace,
    name: flag('election-id') ?? 'ingress-nginx-leader',
    identity: name,
    leaseDuration: 30 * SECOND,
    renewDeadline: 15 * SECOND,
    retryPeriod: 7.5 * SECOND,
  });
  os.go('leader-election', function* () {
    for (;;) {
      yield* elector.acquire();
      leads = true;
      log.info('status.go:85', `"New leader elected" identity="${name}"`);
      const keeping = os.go('status', () => keepStatus(status));
      yield* elector.renew();
      leads = false;
      keeping.kill();
    }
  });
  os.go('nginx', () => controller.run());
  if (webhook !== undefined && os.files.exists(certificate)) {
    log.info('nginx.go:339', `"Starting validation webhook" address="${webhook}" certPath="${certificate}" keyPath="${key}"`);
    serveWebhook(os, Number(webhook.split(':').pop()), os.files.read(certificate), controller, log);
  }
  for (;;) if ((yield* stop.receive()) !== 'SIGHUP') break;
  log.info('sigterm.go:35', '"Received SIGTERM, shutting down"');
  log.info('nginx.go:395', '"Shutting down controller queues"');
  if (leads) yield* withdraw(status);
  if (webhook !== undefined) log.info('nginx.go:403', '"Stopping admission controller"');
  yield* controller.stop();
  log.info('sigterm.go:43', `Handled quit, delaying controller exit for ${POST_SHUTDOWN / SECOND} seconds`);
  yield* os.sleep(POST_SHUTDOWN);
  log.info('sigterm.go:46', '"Exiting" code=0');
  return 0;
};

/** The last one takes its addresses out of the Ingresses. */
function* withdraw(status: StatusOptions): Op<void> {
  const { log } = status;
  try {
    const addresses = yield* runningAddresses(status);
    if (addresses.length > 1) {
      log.info('status.go:131', '"leaving status update for next leader"');
      return;
    }
    log.info('status.go:140', `"removing value from ingress status" address=${JSON.stringify(addresses)}`);
    yield* publish(status, []);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    log.error('status.go:126', `"error obtaining running IP address" err="${messageOf(error)}"`);
  }
}

function* greet(os: Os, client: Client): Op<void> {
  const log = klog(os);
  for (;;) {
    try {
      const { body } = yield* client.raw({ method: 'GET', path: '/version', verb: 'get' });
      const { major, minor, gitVersion, gitTreeState, gitCommit, platform } = body as Readonly<Record<string, string>>;
      log.info('main.go:248', `"Running in Kubernetes cluster" major="${major ?? ''}" minor="${minor ?? ''}" git="${gitVersion ?? ''}" state="${gitTreeState ?? ''}" commit="${gitCommit ?? ''}" platform="${platform ?? ''}"`);
      return;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
    }
    yield* os.sleep(SECOND);
  }
}

/** /healthz: nginx runs and its balancer has been given backends. */
function serveHealth(os: Os, port: number): void {
  serveHttp(os, { port }, function* ({ path }) {
    if (path !== '/healthz') return { status: 404, headers: {}, body: '404 page not found\n' };
    const bad = (why: string): { status: number; headers: Readonly<Record<string, string>>; body: string } => ({ status: 500, headers: {}, body: `[+]ping ok\n[-]nginx-ingress-controller failed: ${why}\nhealthz check failed\n` });
    if (!masterBeside(os)) return bad('reason withheld');
    try {
      const client = new HttpClient(os, { host: '127.0.0.1', port: 10_246, keepAlive: false });
      const { status } = yield* client.request({ method: 'GET', path: '/is-dynamic-lb-initialized', query: {}, headers: {} }, 900 * MILLISECOND);
      return status === 200 ? { status: 200, headers: {}, body: 'ok' } : bad('reason withheld');
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      return bad('reason withheld');
    }
  });
}

/** `--name=value`, with $(VARIABLES) filled in by the kubelet. */
function flagsOf(os: Os): (name: string) => string | undefined {
  return (name) => {
    const prefix = `--${name}=`;
    return os.argv.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
  };
}
