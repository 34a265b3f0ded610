// `npm run cluster`: a cluster without a page behind a loopback port.

import { parseArgs } from 'node:util';
import type { NetworkKind, RuntimeKind } from '../session/protocol.ts';
import { makeCredentials, writeKubeconfig } from './credentials.ts';
import { Headless } from './headless.ts';
import { serveBridge } from './server.ts';
import { takeUpgrade } from './upgrade.ts';

const USAGE = `Usage: npm run cluster -- [--port N] [--proxy] [--workers 3] [--control-planes 1] [--runtime containerd] [--network flannel] [--cpus 2] [--memory 4] [--seed 1] [--speed 1] [--kubeconfig FILE]

  --port N            loopback port of the Kubernetes API (default 8001; 0 for any)
  --proxy             plain HTTP without credentials, as kubectl proxy serves it; without: HTTPS and a token in a kubeconfig
  --workers N         worker nodes
  --control-planes N  control-plane nodes
  --runtime NAME      containerd, cri-o or docker
  --network NAME      flannel or calico
  --cpus N            CPUs of each machine
  --memory N          memory of each machine in GiB
  --seed N            what the run's chance is drawn from
  --speed N           virtual seconds per second
  --kubeconfig FILE   where to write the kubeconfig
`;

const OPTIONS = {
  port: { type: 'string', default: '8001' },
  proxy: { type: 'boolean', default: false },
  workers: { type: 'string', default: '3' },
  'control-planes': { type: 'string', default: '1' },
  runtime: { type: 'string', default: 'containerd' },
  network: { type: 'string', default: 'flannel' },
  cpus: { type: 'string', default: '2' },
  memory: { type: 'string', default: '4' },
  seed: { type: 'string', default: '1' },
  speed: { type: 'string', default: '1' },
  kubeconfig: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < least) throw new Error(`--${name}: ${JSON.stringify(text)} is not a number of at least ${least}`);
  return value;
}

const GIB = 2 ** 30;
const RUNTIMES: readonly RuntimeKind[] = ['containerd', 'cri-o', 'docker'];
const NETWORKS: readonly NetworkKind[] = ['flannel', 'calico'];

function oneOf<T extends string>(option: string, all: readonly T[], text: string): T {
  const one = all.find((name) => name === text);
  if (!one) throw new Error(`--${option}: ${JSON.stringify(text)} is none of ${all.join(', ')}`);
  return one;
}

/** Serves until it is interrupted; returns an exit code only for a start that failed. */
export async function clusterCommand(argv: readonly string[]): Promise<number | undefined> {
  let options: ReturnType<typeof read>;
  try {
    options = read(argv);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 1;
  }
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { port, proxy, kubeconfig, ...topology } = options;
  const cluster = new Headless(topology);
  cluster.onFault = (error) => process.stderr.write(`fault of the model: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  const credentials = proxy ? null : await makeCredentials();
  let bridge: Awaited<ReturnType<typeof serveBridge>>;
  try {
    bridge = await serveBridge({ port, backend: cluster, ...(credentials === null ? {} : { tls: credentials }), upgrade: takeUpgrade });
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  process.stdout.write(`Kubernetes API on ${proxy ? 'http' : 'https'}://127.0.0.1:${bridge.port}\n`);
  if (!proxy || kubeconfig !== undefined) process.stdout.write(`kubeconfig: ${writeKubeconfig(bridge.port, credentials, kubeconfig)}\n`);
  if (!(await cluster.boot())) {
    process.stderr.write('error: the cluster did not become ready\n');
    return 1;
  }
  cluster.start();
  process.stdout.write('ready\n');
  return undefined;
}

function read(argv: readonly string[]) {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  if (values.help) return null;
  return {
    port: numberOf('port', values.port, 0),
    workers: numberOf('workers', values.workers, 0),
    controlPlanes: numberOf('control-planes', values['control-planes'], 1),
    runtime: oneOf('runtime', RUNTIMES, values.runtime),
    network: oneOf('network', NETWORKS, values.network),
    cpus: numberOf('cpus', values.cpus, 1),
    memoryBytes: numberOf('memory', values.memory, 1) * GIB,
    seed: numberOf('seed', values.seed, 0),
    speed: numberOf('speed', values.speed, 0.001),
    proxy: values.proxy,
    kubeconfig: values.kubeconfig,
  };
}
