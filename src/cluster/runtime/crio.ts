// CRI-O as a host process, and how it looks from outside: images by containers/image, containers by crun, sandboxes without a
// pause process unless a Pod's containers share their processes (drop_infra_ctr).

import type { Os, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../sim/time.ts';
import { CriError } from './cri.ts';
import { CriService } from './cri-service.ts';
import { criLine, familiarName, type Flavour, manifestUrl, type RuntimeWords } from './flavour.ts';
import type { Reference } from './registry.ts';
import { CRIO_SOCKET } from './runtime-kind.ts';
import { serveRuntime } from './socket.ts';
import type { StartFault } from './task.ts';

export const CRIO_VERSION = '1.36.0';

const STARTUP: Micros = 250 * MILLISECOND;

const absent = (what: string, id: string): CriError =>
  new CriError('NotFound', `could not find ${what} "${id}": ${what} with ID starting with ${id} not found: ID does not exist`);

/** crun's words; conmon hands them on. */
const crunSays = (executable: string): string =>
  `executable file \`${executable}\` not found${executable.includes('/') ? '' : ' in $PATH'}: No such file or directory`;

const createFault = (fault: StartFault): string => ('mount' in fault ? fault.mount : crunSays(fault.executable));

/** What containers/image says of a manifest that it did not get. */
const manifestFault = ({ repository, tag, digest }: Reference, why: string): string => `reading manifest ${tag ?? digest} in ${repository}: ${why}`;

const words: RuntimeWords = {
  noSandbox: (id) => absent('pod', id),
  noContainer: (id) => absent('container', id),
  sandboxNotRunning: (id) => new CriError('Unknown', `sandbox ${id} is not running`),
  notRunning: (_id, state) => new CriError('NotFound', `container is not created or running: container is ${state.toLowerCase()}`),
  network: (id, { name, namespace, uid, attempt }, network, text) =>
    new CriError(
      'Unknown',
      network === ''
        ? words.networkNotReady
        : `failed to create pod network sandbox k8s_${name}_${namespace}_${uid}_${attempt}(${id}): error adding pod ${namespace}_${name} to CNI network "${network}": ${text}`,
    ),
  sandboxImage: (image, error) => new CriError(error.code, `creating pod sandbox with name: initializing source docker://${image}: ${error.message}`),
  pull(problem, reference) {
    if (problem === 'unreachable') {
      const { host } = manifestUrl(reference);
      return new CriError(
        'Unknown',
        `unable to pull image: initializing source docker://${familiarName(reference.text)}: pinging container registry ${host}: Get "https://${host}/v2/": dial tcp: lookup ${host}: no such host`,
      );
    }
    const why = manifestFault(reference, problem === 'not-found' ? 'manifest unknown' : 'requested access to the resource is denied');
    return new CriError(
      'Unknown',
      `unable to pull image or OCI artifact: pull image err: initializing source docker://${familiarName(reference.text)}: ${why}; artifact err: image reference: get manifest from ref: ${why}`,
    );
  },
  badReference: (text) => new CriError('Unknown', `parsing reference: "${text}": invalid reference format`),
  start(id, fault) {
    const message = `container create failed: ${createFault(fault)}`;
    return { error: new CriError('Unknown', message), exitCode: 255, reason: 'Error', message: `failed to start container ${id}: ${message}` };
  },
  exec: (_random, executable) => ({ exitCode: 127, stdout: '', stderr: crunSays(executable) }),
  engineDown: (error) => ({ reason: 'RuntimeNotReady', message: error.message }),
  networkNotReady: 'Network plugin returns error: no CNI configuration file in /etc/cni/net.d/. Has your network provider started?',
};

const FLAVOUR: Flavour = {
  runtimeName: 'cri-o',
  runtimeVersion: CRIO_VERSION,
  stream: 'crio',
  sandboxImage: 'registry.k8s.io/pause:3.10.1',
  pauses: false,
  pauseFirst: false,
  looksAtCreation: true,
  netnsName: (random) => random.uuid(),
  imageName: (full) => full,
  imageId: (id) => id.slice('sha256:'.length),
  imageRef: (digestName) => digestName,
  scopePrefix: 'crio',
  ownLog: () => null,
  printLine: criLine,
  words,
};

export const crioProgram: Program = function* (os: Os): Op<void> {
  const stop = os.signals();
  yield* os.sleep(STARTUP);
  const service = new CriService(os, FLAVOUR);
  service.recover();
  serveRuntime(os, CRIO_SOCKET, service);
  os.log(`time="${os.sim.time()}" level=info msg="Starting CRI-O, version: ${CRIO_VERSION}"`);
  yield* stop.receive();
};
