// The images of NGINX Gateway Fabric: control plane (with the Job that makes certificates) and data plane.

import { createAuthority, issueCertificate } from '../../api/pki.ts';
import { toBase64 } from '../../api/base64.ts';
import { isAlreadyExists } from '../../api/status.ts';
import { Client } from '../../client/client.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { ImageEntry } from '../../images/entry.ts';
import { BUSYBOX } from '../../images/shell/shell.ts';
import { BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../../images/toolbox.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { formatTime, MILLISECOND, SECOND } from '../../sim/time.ts';
import { gatewayControllerProgram } from './controller.ts';
import { dataPlaneProgram, gatewayNginx, NGINX_CONF } from './data-plane.ts';
import { NGF_IMAGE, NGF_NGINX_IMAGE } from './versions.ts';

const YEARS = 3 * 365 * 24 * 3600 * SECOND;

/** `gateway generate-certs`: an authority, and certificates for the control plane and for agents. */
const generateCertificates: Program = function* (os: Os): Op<number> {
  const flag = (name: string): string => os.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'nginx-gateway' });
  const namespace = os.env['POD_NAMESPACE'] ?? 'nginx-gateway';
  const random = os.sim.random(`ngf/${os.place}`);
  const now = os.sim.epoch + os.sim.now;
  const period = { notBefore: formatTime(now), notAfter: formatTime(now + YEARS) };
  const authority = createAuthority({ commonName: 'nginx-gateway', organizations: ['F5'], ...period, entropy: random.uuid() });
  const issue = (commonName: string, sans: readonly string[]) => issueCertificate(authority, { commonName, sans, ...period, entropy: random.uuid() });
  yield* os.sleep(120 * MILLISECOND);
  const host = `${flag('service')}.${namespace}.svc`;
  for (const [name, made] of [[flag('server-tls-secret'), issue(host, [host])], [flag('agent-tls-secret'), issue('*.cluster.local', ['*.cluster.local'])]] as const) {
    try {
      const data = { 'ca.crt': toBase64(authority.certificate), 'tls.crt': toBase64(made.certificate), 'tls.key': toBase64(made.key) };
      yield* client.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'kubernetes.io/tls', data });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
  return 0;
};

const controlPlane: Program = function* (os: Os): Op<number | void> {
  yield* os.sleep(250 * MILLISECOND);
  os.process.footprint(42 * 1_048_576, 0.002);
  return yield* os.argv.includes('generate-certs') ? generateCertificates(os) : gatewayControllerProgram(os);
};

const tools = toolboxOf(BUSYBOX, BUSYBOX_COMMANDS);
const ENTRYPOINT = '/agent/entrypoint.sh';

const dataPlane: Program = (os: Os): Op<number | void> => {
  const name = (os.argv[0] ?? '').split('/').pop() ?? '';
  if (name === 'nginx') return gatewayNginx(os);
  return os.argv[0] === ENTRYPOINT ? dataPlaneProgram(os) : runCommandLine(os, tools);
};

const repositoryOf = (image: string): string => image.slice(0, image.lastIndexOf(':'));

export const gatewayImages: readonly ImageEntry[] = [
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
    hasExecutable: hasExecutable(tools, ['nginx', '/usr/sbin/nginx', ENTRYPOINT]),
  },
];
