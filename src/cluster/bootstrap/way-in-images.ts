// The images of the ways into a cluster: ingress-nginx, MetalLB and NGINX Gateway Fabric, in any version: they behave as the one that is modelled.

import { generateCertificates } from '../addons/gateway/certificates.ts';
import { gatewayControllerProgram } from '../addons/gateway/controller.ts';
import { dataPlaneProgram, gatewayNginx, NGINX_CONF } from '../addons/gateway/data-plane.ts';
import { NGF_IMAGE, NGF_NGINX_IMAGE } from '../addons/gateway/versions.ts';
import { certgenProgram } from '../addons/ingress-nginx/certgen.ts';
import { ingressControllerProgram, ingressNginx, waitShutdown } from '../addons/ingress-nginx/program.ts';
import { metallbControllerProgram } from '../addons/metallb/controller.ts';
import { METALLB_IMAGES } from '../addons/metallb/manifest.ts';
import { speakerProgram } from '../addons/metallb/speaker.ts';
import type { ImageEntry } from '../images/entry.ts';
import { CURL_APPLETS } from '../images/shell/applets/net.ts';
import { BASH, BUSYBOX } from '../images/shell/shell.ts';
import { BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../images/toolbox.ts';
import type { Os, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND } from '../sim/time.ts';

// ---- ingress-nginx

const ingressTools = toolboxOf(BASH, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS }, ['sh', 'bash', 'ash']);
const DUMB_INIT: readonly string[] = ['/usr/bin/dumb-init', '--'];

const ingressController: Program = function* (os: Os): Op<number | void> {
  os.process.exec(os.argv, 'nginx-ingress-c');
  yield* os.sleep(300 * MILLISECOND);
  os.process.footprint(78 * 1_048_576, 0.003);
  return yield* ingressControllerProgram(os);
};

const PROGRAMS: Readonly<Record<string, Program>> = { 'nginx-ingress-controller': ingressController, nginx: ingressNginx, 'wait-shutdown': waitShutdown };

const ingressProgram: Program = (os) => {
  const argv = os.argv[0] === DUMB_INIT[0] ? os.argv.slice(DUMB_INIT.length) : os.argv;
  const name = (argv[0] ?? '').split('/').pop() ?? '';
  const called = argv === os.argv ? os : (Object.create(os, { argv: { value: argv } }) as Os);
  return (PROGRAMS[name] ?? ((o: Os) => runCommandLine(o, ingressTools)))(called);
};

const versioned = (tag: string): string | null => (/^v?\d+\.\d+\.\d+/.test(tag) ? tag : null);

const ingressNginxImages: readonly ImageEntry[] = [
  ...['registry.k8s.io/ingress-nginx/controller', 'k8s.gcr.io/ingress-nginx/controller'].map((repository) => ({
    repository,
    tags: versioned,
    entrypoint: DUMB_INIT,
    cmd: ['/nginx-ingress-controller'],
    env: { PATH: '/usr/local/nginx/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    exposedPorts: [80, 443],
    sizeBytes: 114_200_000,
    files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nwww-data:x:101:82:Linux User,,,:/home/www-data:/sbin/nologin\n', '/tmp/nginx/.keep': '', '/etc/nginx/template/nginx.tmpl': '' },
    program: ingressProgram,
    hasExecutable: hasExecutable(ingressTools, ['nginx-ingress-controller', '/nginx-ingress-controller', 'nginx', '/usr/bin/nginx', '/wait-shutdown']),
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

// ---- MetalLB

function metallbImage(name: string, program: Program, megabytes: number): ImageEntry {
  const started: Program = function* (os: Os): Op<number | void> {
    yield* os.sleep(250 * MILLISECOND);
    os.process.footprint(28 * 1_048_576, 0.001);
    return yield* program(os);
  };
  return { repository: `${METALLB_IMAGES}/${name}`, tags: (tag) => tag, entrypoint: [`/${name}`], cmd: [], sizeBytes: megabytes * 1_000_000, program: started };
}

const metallbImages: readonly ImageEntry[] = [metallbImage('controller', metallbControllerProgram, 33), metallbImage('speaker', speakerProgram, 45)];

// ---- NGINX Gateway Fabric

const controlPlane: Program = function* (os: Os): Op<number | void> {
  yield* os.sleep(250 * MILLISECOND);
  os.process.footprint(42 * 1_048_576, 0.002);
  return yield* os.argv.includes('generate-certs') ? generateCertificates(os) : gatewayControllerProgram(os);
};

const gatewayTools = toolboxOf(BUSYBOX, BUSYBOX_COMMANDS);
const ENTRYPOINT = '/agent/entrypoint.sh';

const dataPlane: Program = (os: Os): Op<number | void> => {
  const name = (os.argv[0] ?? '').split('/').pop() ?? '';
  if (name === 'nginx') return gatewayNginx(os);
  return os.argv[0] === ENTRYPOINT ? dataPlaneProgram(os) : runCommandLine(os, gatewayTools);
};

const repositoryOf = (image: string): string => image.slice(0, image.lastIndexOf(':'));

const gatewayImages: readonly ImageEntry[] = [
  { repository: repositoryOf(NGF_IMAGE), tags: (tag) => tag, entrypoint: ['/usr/bin/gateway'], cmd: [], sizeBytes: 31_400_000, program: controlPlane },
  {
    repository: repositoryOf(NGF_NGINX_IMAGE),
    tags: (tag) => tag,
    entrypoint: [ENTRYPOINT],
    cmd: [],
    exposedPorts: [80, 443],
    sizeBytes: 41_900_000,
    files: { '/etc/nginx/nginx.conf': NGINX_CONF, '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nnginx:x:101:1001:nginx:/var/cache/nginx:/sbin/nologin\n' },
    program: dataPlane,
    hasExecutable: hasExecutable(gatewayTools, ['nginx', '/usr/sbin/nginx', ENTRYPOINT]),
  },
];

export const wayInImages: readonly ImageEntry[] = [...ingressNginxImages, ...metallbImages, ...gatewayImages];
