// Lets a harness that compares in-browser Kubernetes simulators drive Orrery: the object that its scenarios expect of an
// adapter. Time is virtual, so `tick` and `idle` run the simulation instead of waiting.

import type { Deployment, Pod } from '../cluster/api/generated/types.ts';
import { MILLISECOND, SECOND } from '../cluster/sim/time.ts';
import { Replica } from '../session/replica.ts';
import { tools } from '../session/tools.ts';

export const name = 'orrery';

type Listener = (type: 'add' | 'update' | 'delete', pod: Pod) => void;

const POD_KEY = /^object\/pods\/([^/]*)\//;

/** A Kubernetes node takes 110 Pods, so a thousand need ten workers or more. */
export function create({ nodes = 3 }: { nodes?: number } = {}): object {
  let replica: Replica | null = null;
  const listeners = new Set<{ namespace: string; listener: Listener }>();
  const running = (): Replica => {
    if (!replica) throw new Error('not booted');
    return replica;
  };
  const state = (): Replica => {
    const r = running();
    r.history.moveTo(r.history.lastId);
    return r;
  };
  /** Runs on, and tells the watchers of every change of a Pod on the way. */
  const run = (micros: number): void => {
    const r = running();
    const seen = r.history.lastId;
    r.runUntil(r.now + micros);
    for (let id = seen + 1; id <= r.history.lastId; id++) {
      const change = r.cluster.sim.trace.get(id)?.change;
      const namespace = change ? POD_KEY.exec(change.key)?.[1] : undefined;
      if (!change || namespace === undefined) continue;
      const type = change.before === null ? 'add' : change.after === null ? 'delete' : 'update';
      for (const l of listeners) if (l.namespace === namespace) l.listener(type, (change.after ?? change.before) as Pod);
    }
  };
  const kubectl = (argv: readonly string[], stdin?: string): void => {
    const r = running();
    const command = r.run({ type: 'kubectl', argv, ...(stdin === undefined ? {} : { stdin }) });
    while (command.process.status === null) run(MILLISECOND);
    if (command.process.status?.code !== 0) throw new Error(command.stderr.join('\n'));
  };
  const pods = (namespace: string): Pod[] => {
    const found: Pod[] = [];
    for (const [key, value] of state().history.entries()) if (POD_KEY.exec(key)?.[1] === namespace) found.push(value as Pod);
    return found;
  };
  return {
    name,
    serverImage: 'ghcr.io/orrery/bench-server:1.0',
    systemNamespace: 'kube-system',
    boot: () => {
      replica = new Replica({ seed: 1, topology: { controlPlanes: 1, workers: nodes }, inputs: [] }, tools);
      replica.boot();
    },
    apply: (...objects: object[]) => kubectl(['apply', '-f', '-'], objects.map((o) => JSON.stringify(o)).join('\n---\n')),
    scale: (namespace: string, deployment: string, replicas: number) =>
      kubectl(['scale', '-n', namespace, 'deployment', deployment, `--replicas=${replicas}`]),
    listPods: pods,
    getDeployment: (namespace: string, deployment: string) => state().history.value(`object/deployments.apps/${namespace}/${deployment}`) as Deployment,
    eventCount: () => [...state().history.entries()].filter(([key]) => key.startsWith('object/events/')).length,
    /** Trace records so far; the harness only takes differences. */
    writes: () => running().history.lastId,
    watchPods: (namespace: string, listener: Listener) => {
      const entry = { namespace, listener };
      listeners.add(entry);
      for (const pod of pods(namespace)) listener('add', pod);
      return () => void listeners.delete(entry);
    },
    simNow: () => running().now / MILLISECOND,
    tick: () => run(SECOND / 10),
    idle: (ms: number) => run(ms * MILLISECOND),
    onNetwork: () => undefined,
    close: () => {
      replica = null;
    },
  };
}
