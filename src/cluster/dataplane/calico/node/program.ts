// The image calico/node: runit starts Felix, BIRD, confd and the keeper of the CNI plug-in's token after `calico-node -startup`, and
// starts again what has ended (node/filesystem/sbin/start_runit).

import type { Os, Program } from '../../../machine/process.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../../sim/time.ts';
import { birdclProgram } from '../bird/birdcl.ts';
import { birdProgram, CONTROL_SOCKET } from '../bird/program.ts';
import { CONFIG_DIR } from '../bird/configuration.ts';
import { felixProgram } from '../felix/program.ts';
import { confdProgram } from './confd.ts';
import { healthProgram } from './health.ts';
import { shutdownProgram, startupProgram } from './startup.ts';
import { monitorTokenProgram } from './token.ts';
import { tunnelAddressProgram } from './tunnel-address.ts';

const RESTART = SECOND;

interface Service {
  readonly comm: string;
  readonly argv: readonly string[];
  readonly program: Program;
}

const SERVICES: readonly Service[] = [
  { comm: 'calico-node', argv: ['calico-node', '-felix'], program: felixProgram },
  { comm: 'bird', argv: ['bird', '-R', '-s', CONTROL_SOCKET, '-d', '-c', `${CONFIG_DIR}/bird.cfg`], program: birdProgram },
  { comm: 'confd', argv: ['calico-node', '-confd'], program: confdProgram },
  { comm: 'tunnel-addrs', argv: ['calico-node', '-allocate-tunnel-addrs'], program: tunnelAddressProgram },
  { comm: 'token-watch', argv: ['calico-node', '-monitor-token'], program: monitorTokenProgram },
];

const runit: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const startup = os.spawn(startupProgram, { argv: ['calico-node', '-startup'], comm: 'calico-node' });
  if ((yield* startup.wait()).code !== 0) return 1;
  os.process.exec(['/usr/local/bin/runsvdir', '-P', '/etc/service/enabled'], 'runsvdir');
  for (const service of SERVICES) os.go(`runsv ${service.comm}`, () => supervise(os, service));
  yield* stop.receive();
  return 0;
};

function* supervise(os: Os, { comm, argv, program }: Service): Op<never> {
  for (;;) {
    const process = os.spawn(program, { argv, comm });
    yield* process.wait();
    yield* os.sleep(RESTART);
  }
}

/** What the image can run. */
export const nodeImageProgram: Program = function* (os: Os): Op<number | void> {
  const [, ...args] = os.argv;
  const name = (os.argv[0] ?? '').replace(/^.*\//, '');
  if (name === 'birdcl') return yield* birdclProgram(os);
  if (name === 'calico-node' && args.some((arg) => /^-+(felix|bird)-(live|ready)$/.test(arg))) {
    yield* os.sleep(20 * MILLISECOND);
    return yield* healthProgram(os);
  }
  if (name === 'calico-node' && args[0]?.endsWith('-shutdown')) return yield* shutdownProgram(os);
  if (name === 'calico-node' && /^-*init$/.test(args[0] ?? '')) return 0;
  if (name === 'calico-node' && /^-+v/.test(args[0] ?? '')) return os.log('v3.32.0');
  return yield* runit(os);
};
