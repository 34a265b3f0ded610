// What a person does at the operator's machine: runs a command there, or looks whether the cluster is ready.

import { Client } from '../client/client.ts';
import { isProgrammingError } from '../client/errors.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import type { Node, Pod } from '../api/generated/types.ts';
import type { Machine } from '../machine/machine.ts';
import type { Chunk, ExitStatus, LogSink, Os, Process, Program } from '../machine/process.ts';
import { Channel, type Deferred } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { TraceRecord } from '../sim/trace.ts';
import { type Cluster, OPERATOR_ENV } from './cluster.ts';
import { OPERATOR_HOME, OPERATOR_KUBECONFIG } from './provision.ts';

/** A command that was started on the operator's machine. */
export interface Command {
  /** The `input` record: the root of its flow. */
  readonly record: TraceRecord;
  readonly process: Process;
  readonly exit: Deferred<ExitStatus>;
  /** Lines printed so far. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Both, in the order in which they were printed. */
  readonly output: readonly PrintedLine[];
}

export interface PrintedLine {
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/**
 * Starts `program` as a person's action. `stdin` is the text of its standard input.
 * It runs when the simulation runs.
 */
export function runOnOperator(cluster: Cluster, program: Program, argv: readonly string[], stdin?: string): Command {
  return runOnMachine(cluster, cluster.operator, program, argv, stdin);
}

/** The same for a person who is logged in to another machine as root. */
export function runOnMachine(cluster: Cluster, machine: Machine, program: Program, argv: readonly string[], stdin?: string): Command {
  const { sim } = cluster;
  const stdout: string[] = [];
  const stderr: string[] = [];
  const output: PrintedLine[] = [];
  const logs: LogSink = {
    write(stream, line) {
      (stream === 'stdout' ? stdout : stderr).push(line);
      output.push({ stream, line });
    },
  };
  const place = `${machine.place}/${argv[0] ?? 'command'}`;
  const outer = sim.cause;
  const record = sim.trace.emit(null, {
    kind: 'input',
    verb: 'command',
    from: place,
    start: sim.now,
    detail: { argv, stdin: stdin ?? null },
  });
  sim.cause = record;
  const input = new Channel<Chunk>(sim);
  if (stdin !== undefined) input.send(stdin);
  input.close();
  const process = machine.spawn(program, { argv, env: { ...OPERATOR_ENV, PWD: OPERATOR_HOME }, stdin: input, place, logs });
  sim.cause = outer;
  return { record, process, exit: process.exit, stdout, stderr, output };
}

/** Runs a command to its end, for at most `limit` of virtual time. */
export function finish(cluster: Cluster, command: Command, limit: Micros): ExitStatus | undefined {
  const deadline = cluster.sim.now + limit;
  while (!command.exit.settled && cluster.sim.step(deadline)) {
    // one event at a time
  }
  return command.process.status ?? undefined;
}

const ASKING: Micros = 5 * SECOND;
const BETWEEN_LOOKS: Micros = SECOND;

/** Asks the API server as the operator: every node is Ready and every Pod of kube-system and of the network is. Time goes on meanwhile. */
export function isReady(cluster: Cluster): boolean {
  const { sim, operator } = cluster;
  if (!operator.files.exists(OPERATOR_KUBECONFIG)) return false;
  let ready = false;
  const look: Program = function* (os: Os): Op<void> {
    const client = new Client(os, { ...loadKubeconfig(os, OPERATOR_KUBECONFIG), userAgent: 'kubectl/v1.36.0' });
    try {
      const nodes = yield* client.list('nodes', '');
      if (nodes.items.length < cluster.machines.size - 1 || !nodes.items.every(isNodeReady)) return;
      for (const namespace of cluster.network === 'flannel' ? ['kube-system', 'kube-flannel'] : ['kube-system']) {
        const pods = yield* client.list('pods', namespace);
        if (pods.items.length < nodes.items.length || !pods.items.every(isPodReady)) return;
      }
      ready = true;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
    }
  };
  const process = operator.spawn(look, { argv: ['kubectl', 'get', 'nodes,pods'], env: OPERATOR_ENV, place: `${operator.place}/kubectl` });
  const deadline = sim.now + ASKING;
  while (process.alive && sim.step(deadline)) {
    // until it has its answer
  }
  process.kill('SIGKILL');
  return ready;
}

const condition = (conditions: readonly { readonly type: string; readonly status: string }[] | undefined, type: string): boolean =>
  conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
const isNodeReady = (node: Node): boolean => condition(node.status?.conditions, 'Ready');
const isPodReady = (pod: Pod): boolean => condition(pod.status?.conditions, 'Ready');

/** Runs until the cluster is ready; false when `limit` of virtual time has passed without. */
export function bootUntilReady(cluster: Cluster, limit: Micros): boolean {
  const { sim, provisioning } = cluster;
  const deadline = sim.now + limit;
  while (provisioning.alive && sim.step(deadline)) {
    // kubeadm at work
  }
  if (provisioning.status?.code !== 0) return false;
  while (sim.now < deadline) {
    if (isReady(cluster)) return true;
    sim.runUntil(Math.min(deadline, sim.now + BETWEEN_LOOKS));
  }
  return false;
}
