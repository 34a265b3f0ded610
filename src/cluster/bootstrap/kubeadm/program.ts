// The kubeadm command: `kubeadm init` and `kubeadm join` with the flags that this cluster's set-up uses.

import { isProgrammingError, messageOf } from '../../client/errors.ts';
import type { Os, Program } from '../../machine/process.ts';
import { CONTAINERD_SOCKET } from '../../runtime/runtime-kind.ts';
import type { Op } from '../../sim/simulation.ts';
import { init } from './init.ts';
import { join } from './join.ts';

/** Exit code 1 with the reason on stderr when a phase fails. */
export const kubeadmProgram: Program = function* (os: Os): Op<number> {
  const [, command, ...rest] = os.argv;
  const flag = (name: string, fallback = ''): string => {
    const prefix = `--${name}=`;
    return rest.find((arg) => arg.startsWith(prefix))?.slice(prefix.length) ?? fallback;
  };
  const criSocket = flag('cri-socket', CONTAINERD_SOCKET).replace(/^unix:\/\//, '');
  try {
    if (command === 'init') {
      yield* init(os, {
        nodeName: flag('node-name', os.machine.name),
        advertiseAddress: flag('apiserver-advertise-address'),
        podSubnet: flag('pod-network-cidr'),
        serviceSubnet: flag('service-cidr', '10.96.0.0/12'),
        dnsDomain: flag('service-dns-domain', 'cluster.local'),
        token: flag('token'),
        criSocket,
      });
    } else if (command === 'join') {
      yield* join(os, { endpoint: rest.find((arg) => !arg.startsWith('-')) ?? '', token: flag('token'), criSocket });
    } else {
      os.logError(`invalid subcommand "${command ?? ''}"`);
      return 1;
    }
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    os.logError(`error: error execution phase: ${messageOf(error)}`);
    return 1;
  }
  return 0;
};
