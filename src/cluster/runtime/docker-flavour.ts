// How Docker looks from outside when cri-dockerd speaks CRI for it: names of containers and images, JSON logs, the daemon's words.

import { CriError, type ContainerConfig, type SandboxConfig } from './cri.ts';
import { type Flavour, familiarName, manifestUrl, runcSays, type RuntimeWords, whyMissing } from './flavour.ts';
import type { Random } from '../sim/random.ts';

export const DOCKER_VERSION = '29.1.3';

const FROM_DAEMON = 'Error response from daemon: ';

const daemon = (text: string): CriError => new CriError('Unknown', `${FROM_DAEMON}${text}`);

const words: RuntimeWords = {
  noSandbox: (id) => daemon(`No such container: ${id}`),
  noContainer: (id) => daemon(`No such container: ${id}`),
  sandboxNotRunning: (id) => daemon(`cannot join network namespace of a non running container: container ${id} is exited`),
  notRunning: (id, state) => new CriError('Unknown', `container not running (${id}): ${state.toLowerCase()}`),
  network: (id, { name, namespace }, _network, text) =>
    new CriError('Unknown', `failed to set up sandbox container "${id}" network for pod "${name}": networkPlugin cni failed to set up pod "${name}_${namespace}" network: ${text}`),
  sandboxImage: (image, error) => new CriError('Unknown', `unable to pull sandbox image "${image}": ${error.message}`),
  pull(problem, reference) {
    const name = reference.text;
    if (problem === 'unauthorized') return daemon(`pull access denied for ${familiarName(reference.repository)}, repository does not exist or may require 'docker login'`);
    const failed = `failed to resolve reference "${name}": `;
    if (problem === 'not-found') return daemon(`${failed}${name}: not found`);
    const { host, url } = manifestUrl(reference);
    return daemon(`${failed}failed to do request: Head "${url}": dial tcp: lookup ${host}: no such host`);
  },
  badReference: () => new CriError('Unknown', 'invalid reference format'),
  start(id, fault) {
    const message = `failed to create task for container: failed to create shim task: ${runcSays(fault)}: unknown`;
    return { error: new CriError('Unknown', `failed to start container "${id}": ${FROM_DAEMON}${message}`), exitCode: 127, reason: 'ContainerCannotRun', message };
  },
  exec: (_random, executable) => ({
    exitCode: 127,
    stdout: `OCI runtime exec failed: exec failed: unable to start container process: exec: "${executable}": ${whyMissing(executable)}: unknown`,
    stderr: '',
  }),
  engineDown: (error) => ({ reason: 'DockerDaemonNotReady', message: `docker: failed to get docker version: failed to get docker version from dockerd: ${error.message}` }),
  networkNotReady: 'docker: network plugin is not ready: cni config uninitialized',
};

export const DOCKER: Flavour = {
  runtimeName: 'docker',
  runtimeVersion: DOCKER_VERSION,
  stream: 'dockerd',
  sandboxImage: 'registry.k8s.io/pause:3.10.1',
  pauses: true,
  pauseFirst: true,
  looksAtCreation: false,
  netnsName: (random) => shortId(random),
  imageName: familiarName,
  imageId: (id) => id,
  imageRef: (digestName) => `docker-pullable://${digestName}`,
  scopePrefix: 'docker',
  ownLog: (id) => `/var/lib/docker/containers/${id}/${id}-json.log`,
  printLine: (time, { stream, line }) => `${JSON.stringify({ log: `${line}\n`, stream, time })}\n`,
  words,
};

const shortId = (random: Random): string => (random.uint32().toString(16).padStart(8, '0') + random.uint32().toString(16).padStart(8, '0')).slice(0, 12);

/** The names that cri-dockerd gives to what it makes. */
export const sandboxName = ({ name, namespace, uid, attempt }: SandboxConfig): string => `k8s_POD_${name}_${namespace}_${uid}_${attempt}`;
export const containerName = (sandbox: SandboxConfig, config: ContainerConfig): string =>
  `k8s_${config.name}_${sandbox.name}_${sandbox.namespace}_${sandbox.uid}_${config.attempt}`;
