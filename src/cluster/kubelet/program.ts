// The `kubelet` program: puts the parts together and runs them (cmd/kubelet, kubelet.go Run).

import type { Os, Program } from '../machine/process.ts';
import { EventRecorder } from '../client/events.ts';
import { Client, type ClientConfig } from '../client/client.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import { Netns } from '../network/netns.ts';
import { RuntimeClient } from '../runtime/socket.ts';
import { CriError } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { type KubeletConfig, loadConfig } from './config.ts';
import type { Context } from './context.ts';
import { Events } from './events.ts';
import { Kubelet } from './kubelet.ts';
import { PodCache } from './pod-cache.ts';
import { serveHealthz } from './server.ts';
import { bootstrapCredentials } from './tls-bootstrap.ts';

const MAX_CONNECT_TRIES = 5;

export const kubeletProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const { files } = os.machine;
  let config: KubeletConfig;
  try {
    config = loadConfig(os.argv, files, files.exists('/etc/hostname') ? files.read('/etc/hostname').trim() : os.machine.name);
  } catch (error) {
    os.logError(`"command failed" err="${error instanceof Error ? error.message : String(error)}"`);
    return 1;
  }
  const runtime = new RuntimeClient(os, config.runtimeSocket);
  let runtimeName = '';
  let runtimeVersion = '';
  for (let tries = 1; ; tries++) {
    try {
      const version = yield* runtime.version();
      runtimeName = version.runtimeName;
      runtimeVersion = `${runtimeName}://${version.runtimeVersion.replace(/^v/, '')}`;
      break;
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      if (tries === MAX_CONNECT_TRIES) {
        os.logError(`"command failed" err="failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint \\"unix://${config.runtimeSocket}\\": ${error.text}"`);
        return 1;
      }
      yield* os.sleep(SECOND);
    }
  }
  os.process.footprint(58_000_000, 0.012);
  serveHealthz(os, config.healthzPort);
  const clientConfig = yield* credentials(os, config);
  const client = clientConfig ? new Client(os, { ...clientConfig, streamsLists: true }) : null;
  const { nodeName } = config;
  const recorder = client ? new EventRecorder(os, client, { component: 'kubelet', host: nodeName }) : null;
  const context: Context = {
    os, config, nodeName, nodeIp: config.nodeIp === '' ? firstAddress(os) : config.nodeIp, client, runtime, runtimeName, runtimeVersion,
    cache: new PodCache(), events: new Events(recorder, nodeName), random: os.sim.random(`kubelet/${nodeName}/${os.machine.boots}/${os.process.pid}`),
  };
  const kubelet = new Kubelet(context);
  os.go('kubelet', () => kubelet.run());
  yield* stop.receive();
  return 0;
};

/** The kubeconfig, made by TLS bootstrap when there is none yet; undefined for a kubelet that stands alone. */
function* credentials(os: Os, config: KubeletConfig): Op<ClientConfig | undefined> {
  const { files } = os.machine;
  if (config.kubeconfig === '') return undefined;
  if (!files.exists(config.kubeconfig) && files.exists(config.bootstrapKubeconfig)) yield* bootstrapCredentials(os, config);
  if (!files.exists(config.kubeconfig)) return undefined;
  return loadKubeconfig(os, config.kubeconfig);
}

/** The first address of the machine that is not the loopback's. */
function firstAddress(os: Os): string {
  const host = os.machine.hostNetns;
  if (!(host instanceof Netns)) return '';
  for (const device of host.interfaces.values()) {
    if (device.kind === 'ethernet' && device.addresses[0]) return device.addresses[0].address;
  }
  return '';
}
