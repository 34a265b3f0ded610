// The small servers and tools that tutorials use: kuard, podinfo, http-echo, echoserver, hello-app, agnhost, whoami …

import type { Os, Program } from '../../machine/process.ts';
import type { HttpRequest, HttpResponse } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import type { ImageEntry } from '../entry.ts';
import { type Answer, json, MEGABYTE, type PlainServer, servePlainly, STARTUP, text } from '../plain/server.ts';
import { BIND_APPLETS } from '../shell/applets/bind-tools.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import { BUSYBOX } from '../shell/shell.ts';
import { BUSYBOX_COMMANDS, runCommandLine, toolboxOf } from '../toolbox.ts';
import { agnhost } from './agnhost.ts';
import { kuard } from './kuard.ts';
import { podinfo, podcli } from './podinfo.ts';

const tools = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS });
const withBind = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...BIND_APPLETS, ...CURL_APPLETS });
const NO_SUCH_TAG = /(typo|does-?not-?exist|non-?exist|no-?such|not-?found|invalid|bogus|wrong|broken|fake)/;
const anyTag = (tag: string): string | null => (NO_SUCH_TAG.test(tag) ? null : tag);

interface Demo {
  readonly repository: string;
  readonly command: string;
  readonly run: Program;
  readonly sizeBytes: number;
  readonly user?: string;
  readonly ports?: readonly number[];
  /** Its shell and tools; most have none. */
  readonly shell?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

function entry({ repository, command, run, sizeBytes, user, ports, shell = true, env }: Demo): ImageEntry {
  const base = command.slice(command.lastIndexOf('/') + 1);
  return {
    repository,
    tags: anyTag,
    entrypoint: [command],
    cmd: [],
    sizeBytes,
    ...(user === undefined ? {} : { user }),
    ...(ports === undefined ? {} : { exposedPorts: ports }),
    ...(env === undefined ? {} : { env }),
    annotations: { 'sim.k8s/server': base },
    files: { '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n' },
    program(os) {
      const name = (os.argv[0] ?? '').split('/').pop() ?? '';
      return name === base ? run(os) : runCommandLine(os, tools);
    },
    ...(shell ? {} : { hasExecutable: (name: string) => name.split('/').pop() === base }),
  };
}

function web(ports: readonly number[], answer: Answer, lines: readonly string[] = [], megabytes = 8): Program {
  const server: PlainServer = { ports, listensWhereExpected: true, lines, memoryBytes: megabytes * MEGABYTE, startup: STARTUP, answer };
  return (os) => servePlainly(os, server);
}

const hostOf = (os: Os): string => os.env['HOSTNAME'] ?? os.machine.name;

/** hashicorp/http-echo: says what `-text` says. */
const httpEcho: Program = function* (os) {
  const value = (flag: string): string | undefined => {
    const at = os.argv.findIndex((arg) => arg.replace(/^--?/, '').startsWith(flag));
    const arg = os.argv[at] ?? '';
    return at < 0 ? undefined : arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : os.argv[at + 1];
  };
  const said = value('text') ?? os.env['ECHO_TEXT'];
  if (said === undefined) {
    os.logError('Missing -text option!');
    return 127;
  }
  const port = Number((value('listen') ?? ':5678').split(':').pop());
  const status = Number(value('status-code') ?? 200);
  return yield* servePlainly(os, {
    ports: [port], listensWhereExpected: false, memoryBytes: 5 * MEGABYTE, startup: STARTUP, lines: [`[INFO] server is listening on :${port}`],
    *answer(_os, request, peer) {
      os.log(`${request.headers['host'] ?? ''} ${peer.address}:${peer.port} "${request.method} ${request.path} HTTP/1.1" ${status} ${said.length + 1} "${request.headers['user-agent'] ?? ''}" 21.3µs`);
      return request.path === '/health' ? json({ status: 'ok' }) : text(`${said}\n`, status);
    },
  });
};

function* echoAnswer(os: Os, request: HttpRequest, peer: { readonly address: string }): Op<HttpResponse> {
  const query = Object.entries(request.query).map(([k, v]) => `${k}=${v}`).join('&');
  const lines = [
    '', '', `Hostname: ${hostOf(os)}`, '', 'Pod Information:', `\t${os.env['POD_NAME'] === undefined ? '-no pod information available-' : `pod name:\t${os.env['POD_NAME']}`}`, '',
    'Server values:', '\tserver_version=nginx: 1.21.6 - lua: 10020', '', 'Request Information:', `\tclient_address=${peer.address}`, `\tmethod=${request.method}`,
    `\treal path=${request.path}${query === '' ? '' : `?${query}`}`, `\tquery=${query}`, '\trequest_version=1.1', `\trequest_scheme=http`, `\trequest_uri=http://${request.headers['host'] ?? ''}:8080${request.path}`, '',
    'Request Headers:', ...Object.entries(request.headers).map(([k, v]) => `\t${k}=${v}`), '', 'Request Body:', `\t${typeof request.body === 'string' ? request.body : '-no body in request-'}`, '', '',
  ];
  return text(lines.join('\n'));
}

/** traefik/whoami: who answered, and what was asked. */
function* whoamiAnswer(os: Os, request: HttpRequest, peer: { readonly address: string; readonly port: number }): Op<HttpResponse> {
  const headers = Object.entries(request.headers).filter(([k]) => k !== 'host').map(([k, v]) => `${k.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase())}: ${v}\n`).join('');
  return text(`Hostname: ${hostOf(os)}\nIP: 127.0.0.1\nRemoteAddr: ${peer.address}:${peer.port}\n${request.method} ${request.path} HTTP/1.1\nHost: ${request.headers['host'] ?? ''}\n${headers}\n`);
}

const helloApp = (version: string): Answer =>
  function* (os, request) {
    os.log(`Serving request: ${request.path}`);
    return text(`Hello, world!\nVersion: ${version}\nHostname: ${hostOf(os)}\n`);
  };

/** hpa-example: each request computes for a while. */
function* busyAnswer(os: Os): Op<HttpResponse> {
  yield* os.process.compute(100 * MILLISECOND);
  return text('OK!', 200, 'text/html; charset=UTF-8');
}

/** The liveness image of the documentation: healthy for ten seconds. */
const liveness: Program = function* (os) {
  const begun = os.sim.now;
  const server: PlainServer = {
    ports: [8080], listensWhereExpected: false, lines: [], memoryBytes: 3 * MEGABYTE, startup: STARTUP,
    *answer(_os, request) {
      const seconds = Math.floor((os.sim.now - begun) / SECOND);
      if (request.path === '/started') return text(`${seconds}s`);
      return seconds < 10 ? text('ok') : text(`error: ${seconds}s`, 500);
    },
  };
  return yield* servePlainly(os, server);
};

/** kube-webhook-certgen: makes a certificate and ends. */
const certgen: Program = function* (os) {
  yield* os.sleep(700 * MILLISECOND);
  const word = os.argv[1] ?? '';
  if (word === 'create') os.log('{"level":"info","msg":"created secret","source":"cmd/create.go:38"}');
  else if (word === 'patch') os.log('{"level":"info","msg":"patched webhook configurations","source":"k8s/k8s.go:128"}');
  else os.log('Use this to create a ca and signed certificates and patch admission webhooks to allow for quick installation and configuration of validating and admission webhooks.');
  return 0;
};

const page = (body: string): Answer =>
  function* () {
    return text(body);
  };

const HPA = web([80], busyAnswer, ["AH00094: Command line: 'apache2 -D FOREGROUND'"], 12);
const HELLO = web([8080], helloApp('1.0.0'), ['Server listening on port 8080']);
const SERVE_HOSTNAME = web([9376], function* (os) {
  return text(hostOf(os));
}, ['Serving on port 9376.']);

export const DEMO_IMAGES: readonly ImageEntry[] = [
  ...['gcr.io/kuar-demo/kuard-amd64', 'gcr.io/kuar-demo/kuard-arm64'].map((repository) =>
    entry({ repository, command: '/kuard', run: kuard, sizeBytes: 11_100_000, ports: [8080], user: '65534' }),
  ),
  { ...entry({ repository: 'ghcr.io/stefanprodan/podinfo', command: '/home/app/podinfo', run: podinfo, sizeBytes: 26_500_000, ports: [9898, 9797, 9999], user: '100:101' }), ...podcli },
  { ...entry({ repository: 'docker.io/stefanprodan/podinfo', command: '/home/app/podinfo', run: podinfo, sizeBytes: 26_500_000, ports: [9898, 9797, 9999], user: '100:101' }), ...podcli },
  { ...entry({ repository: 'docker.io/deavon/podinfo', command: '/home/app/podinfo', run: podinfo, sizeBytes: 26_500_000, ports: [9898, 9797, 9999], user: '100:101' }), ...podcli },
  entry({ repository: 'docker.io/hashicorp/http-echo', command: '/http-echo', run: httpEcho, sizeBytes: 2_700_000, ports: [5678], user: '65532', shell: false }),
  ...['registry.k8s.io/echoserver', 'registry.k8s.io/e2e-test-images/echoserver', 'gcr.io/google_containers/echoserver', 'us-docker.pkg.dev/k8s-minikube/test-artifacts/echoserver', 'docker.io/kicbase/echo-server', 'docker.io/ealen/echo-server', 'docker.io/jmalloc/echo-server', 'gcr.io/k8s-minikube/kicbase/echo-server'].map((repository) =>
    entry({ repository, command: '/usr/local/bin/run.sh', run: web([8080], echoAnswer, ['Generating self-signed cert', 'Starting nginx']), sizeBytes: 43_200_000, ports: [8080] }),
  ),
  entry({ repository: 'docker.io/traefik/whoami', command: '/whoami', run: web([80], whoamiAnswer, ['Starting up on port 80']), sizeBytes: 2_900_000, ports: [80], shell: false }),
  entry({ repository: 'docker.io/containous/whoami', command: '/whoami', run: web([80], whoamiAnswer, ['Starting up on port 80']), sizeBytes: 2_900_000, ports: [80], shell: false }),
  ...['gcr.io/google-samples/hello-app', 'us-docker.pkg.dev/google-samples/containers/gke/hello-app', 'gcr.io/google-samples/hello-go-gke', 'us-docker.pkg.dev/google-samples/containers/gke/whereami'].map((repository) =>
    entry({ repository, command: '/hello-app', run: HELLO, sizeBytes: 3_800_000, ports: [8080] }),
  ),
  entry({ repository: 'gcr.io/google-samples/node-hello', command: '/server.js', run: web([8080], page('Hello Kubernetes!'), [], 25), sizeBytes: 264_000_000, ports: [8080] }),
  entry({ repository: 'gcr.io/google-samples/kubernetes-bootcamp', command: '/server.js', sizeBytes: 83_000_000, ports: [8080], run: web([8080], function* (os) {
    return text(`Hello Kubernetes bootcamp! | Running on: ${hostOf(os)} | v=1\n`);
  }, ['Kubernetes Bootcamp App Started At: 2026 | Running On: the Pod'], 25) }),
  entry({ repository: 'docker.io/jocatalin/kubernetes-bootcamp', command: '/server.js', sizeBytes: 83_000_000, ports: [8080], run: web([8080], function* (os) {
    return text(`Hello Kubernetes bootcamp! | Running on: ${hostOf(os)} | v=2\n`);
  }, [], 25) }),
  entry({ repository: 'registry.k8s.io/hpa-example', command: '/usr/local/bin/apache2-foreground', run: HPA, sizeBytes: 200_000_000, ports: [80] }),
  entry({ repository: 'registry.k8s.io/liveness', command: '/server', run: liveness, sizeBytes: 4_400_000 }),
  entry({ repository: 'registry.k8s.io/e2e-test-images/liveness', command: '/server', run: liveness, sizeBytes: 4_400_000 }),
  entry({ repository: 'registry.k8s.io/test-webserver', command: '/test-webserver', run: web([80], page('')), sizeBytes: 4_700_000, ports: [80] }),
  entry({ repository: 'registry.k8s.io/serve_hostname', command: '/serve_hostname', run: SERVE_HOSTNAME, sizeBytes: 6_200_000, ports: [9376] }),
  ...['registry.k8s.io/e2e-test-images/agnhost', 'gcr.io/k8s-staging-e2e-test-images/agnhost'].map((repository) =>
    entry({ repository, command: '/agnhost', run: agnhost, sizeBytes: 53_500_000 }),
  ),
  entry({ repository: 'registry.k8s.io/e2e-test-images/dnsutils', command: '/usr/bin/sleep', run: (os) => runCommandLine(os, withBind), sizeBytes: 38_000_000 }),
  entry({ repository: 'registry.k8s.io/e2e-test-images/jessie-dnsutils', command: '/usr/bin/sleep', run: (os) => runCommandLine(os, withBind), sizeBytes: 109_000_000 }),
  entry({ repository: 'registry.k8s.io/ingress-nginx/kube-webhook-certgen', command: '/kube-webhook-certgen', run: certgen, sizeBytes: 23_900_000, user: '65532', shell: false }),
];
