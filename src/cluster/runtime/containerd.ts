// containerd as a host process, and how its CRI plug-in looks from outside.

import type { Os, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../sim/time.ts';
import { CriError } from './cri.ts';
import { CriService } from './cri-service.ts';
import { criLine, type Flavour, longId, manifestUrl, runcSays, type RuntimeWords, whyMissing } from './flavour.ts';
import { CONTAINERD_SOCKET } from './runtime-kind.ts';
import { serveRuntime } from './socket.ts';

export const CONTAINERD_VERSION = '2.2.1';
export const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10.1';

const STARTUP: Micros = 150 * MILLISECOND;

const missing = (what: string, id: string): CriError => new CriError('NotFound', `an error occurred when try to find ${what} "${id}": not found`);

const words: RuntimeWords = {
  noSandbox: (id) => missing('sandbox', id),
  noContainer: (id) => missing('container', id),
  sandboxNotRunning: (id) => new CriError('Unknown', `sandbox container "${id}" is not running`),
  notRunning: (_id, state) => new CriError('Unknown', `container is in CONTAINER_${state} state`),
  network: (id, _config, _network, text) => new CriError('Unknown', `failed to setup network for sandbox "${id}": ${text}`),
  sandboxImage: (image, error) => new CriError(error.code, `failed to start sandbox: failed to get sandbox image "${image}": ${error.message}`),
  pull(problem, reference) {
    const name = reference.text;
    const failed = `failed to pull and unpack image "${name}": failed to resolve reference "${name}": `;
    if (problem === 'not-found') return new CriError('NotFound', `${failed}${name}: not found`);
    if (problem === 'unauthorized') {
      return new CriError('Unknown', `${failed}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`);
    }
    const { host, url } = manifestUrl(reference);
    return new CriError('Unknown', `${failed}failed to do request: Head "${url}": dial tcp: lookup ${host}: no such host`);
  },
  badReference: (text) => new CriError('InvalidArgument', `failed to parse image reference "${text}": invalid reference format`),
  start(_id, fault) {
    const message = `failed to create containerd task: failed to create shim task: ${runcSays(fault)}`;
    return { error: new CriError('Unknown', message), exitCode: 128, reason: 'StartError', message };
  },
  exec(random, executable, stream) {
    const why = `OCI runtime exec failed: exec failed: unable to start container process: exec: "${executable}": ${whyMissing(executable)}`;
    return { error: stream ? `failed to start exec "${longId(random)}": ${why}: unknown` : `failed to exec in container: failed to start exec: ${why}` };
  },
  engineDown: (error) => ({ reason: 'ContainerdNotReady', message: error.message }),
  networkNotReady: 'Network plugin returns error: cni plugin not initialized',
};

const FLAVOUR: Flavour = {
  runtimeName: 'containerd',
  runtimeVersion: `v${CONTAINERD_VERSION}`,
  stream: 'containerd',
  sandboxImage: PAUSE_IMAGE,
  pauses: true,
  pauseFirst: false,
  looksAtCreation: false,
  netnsName: (random) => `cni-${random.uuid()}`,
  imageName: (full) => full,
  imageId: (id) => id,
  imageRef: (digestName) => digestName,
  scopePrefix: 'cri-containerd',
  ownLog: () => null,
  printLine: criLine,
  words,
};

/** The `containerd` program; `--config` is read for nothing but its sandbox image. */
export const containerdProgram: Program = function* (os: Os): Op<void> {
  const stop = os.signals();
  yield* os.sleep(STARTUP);
  const service = new CriService(os, FLAVOUR);
  service.recover();
  serveRuntime(os, CONTAINERD_SOCKET, service);
  os.log(`time="${os.sim.time()}" level=info msg="containerd successfully booted"`);
  yield* stop.receive();
};
