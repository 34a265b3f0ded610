// The images of ingress-nginx, in any version: they behave as the one that is modelled.

import type { ImageEntry } from '../../images/entry.ts';
import { CURL_APPLETS } from '../../images/shell/applets/net.ts';
import { BASH } from '../../images/shell/shell.ts';
import { BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../../images/toolbox.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { certgenProgram } from './certgen.ts';
import { ingressControllerProgram, ingressNginx, waitShutdown } from './program.ts';

const tools = toolboxOf(BASH, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS }, ['sh', 'bash', 'ash']);
const DUMB_INIT: readonly string[] = ['/usr/bin/dumb-init', '--'];

const started: Program = function* (os: Os): Op<number | void> {
  os.process.exec(os.argv, 'nginx-ingress-c');
  yield* os.sleep(300 * MILLISECOND);
  os.process.footprint(78 * 1_048_576, 0.003);
  return yield* ingressControllerProgram(os);
};

const PROGRAMS: Readonly<Record<string, Program>> = { 'nginx-ingress-controller': started, nginx: ingressNginx, 'wait-shutdown': waitShutdown };

const program: Program = (os) => {
  const argv = os.argv[0] === DUMB_INIT[0] ? os.argv.slice(DUMB_INIT.length) : os.argv;
  const name = (argv[0] ?? '').split('/').pop() ?? '';
  const called = argv === os.argv ? os : (Object.create(os, { argv: { value: argv } }) as Os);
  return (PROGRAMS[name] ?? ((o: Os) => runCommandLine(o, tools)))(called);
};

const versioned = (tag: string): string | null => (/^v?\d+\.\d+\.\d+/.test(tag) ? tag : null);

export const ingressNginxImages: readonly ImageEntry[] = [
  ...['registry.k8s.io/ingress-nginx/controller', 'k8s.gcr.io/ingress-nginx/controller'].map((repository) => ({
    repository,
    tags: versioned,
    entrypoint: DUMB_INIT,
    cmd: ['/nginx-ingress-controller'],
    env: { PATH: '/usr/local/nginx/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    exposedPorts: [80, 443],
    sizeBytes: 114_200_000,
    files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nwww-data:x:101:82:Linux User,,,:/home/www-data:/sbin/nologin\n', '/tmp/nginx/.keep': '', '/etc/nginx/template/nginx.tmpl': '' },
    program,
    hasExecutable: hasExecutable(tools, ['nginx-ingress-controller', '/nginx-ingress-controller', 'nginx', '/usr/bin/nginx', '/wait-shutdown']),
  })),
  ...['registry.k8s.io/ingress-nginx/kube-webhook-certgen', 'k8s.gcr.io/ingress-nginx/kube-webhook-certgen'].map((repository) => ({
    repository,
    tags: (tag: string) => tag,
    entrypoint: ['/kube-webhook-certgen'],
    cmd: [],
    sizeBytes: 22_500_000,
    program: certgenProgram,
  })),
];
