// Benchmarks of the model: boot, a Deployment to Ready, a seek.

import type { Deployment } from '../cluster/api/generated/types.ts';
import { MINUTE, SECOND } from '../cluster/sim/time.ts';
import { Replica } from '../session/replica.ts';
import { NEW_SESSION, Session } from '../session/session.ts';
import { tools } from '../session/tools.ts';

const timed = (work: () => void): number => {
  const begun = performance.now();
  work();
  return performance.now() - begun;
};

export function bootOnce(): number {
  return timed(() => {
    const replica = new Replica(NEW_SESSION, tools);
    replica.boot();
    if (!replica.ready) throw new Error('the cluster did not become ready');
  });
}

const manifest = (replicas: number): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: ${replicas}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx
        ports:
        - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - port: 80
`;

/** A node takes 110 Pods: as many workers as the replicas need, and never fewer than three. */
const workersFor = (replicas: number): number => Math.max(3, Math.ceil(replicas / 90));

/** From apply to all replicas Ready, on a booted cluster. */
export function deployOnce(replicas: number): number {
  const replica = new Replica({ seed: 1, topology: { controlPlanes: 1, workers: workersFor(replicas) }, inputs: [] }, tools);
  replica.boot();
  replica.history.moveTo(replica.history.lastId);
  const ready = (): number => {
    replica.history.moveTo(replica.history.lastId);
    const deployment = replica.history.value('object/deployments.apps/default/web') as Deployment | undefined;
    return deployment?.status?.readyReplicas ?? 0;
  };
  const limit = replica.now + 10 * MINUTE;
  return timed(() => {
    replica.run({ type: 'apply', text: manifest(replicas) });
    while (ready() < replicas) {
      if (replica.now >= limit) throw new Error(`only ${ready()} of ${replicas} replicas became Ready in ten minutes`);
      replica.runUntil(replica.now + SECOND / 10);
    }
  });
}

/** Ten minutes with a few actions in them. */
function tenMinutes(): Session {
  const session = new Session(NEW_SESSION, tools);
  session.act({ type: 'apply', text: manifest(3) });
  for (const replicas of [5, 2, 6]) {
    session.seek(session.live + 2 * MINUTE);
    session.act({ type: 'apply', text: manifest(replicas) });
  }
  session.seek(session.live + 4 * MINUTE);
  return session;
}

/** Back to the middle of ten minutes, as a session that has had idle time to prepare for it does. */
export function seekOnce(times: number): number[] {
  const session = tenMinutes();
  const end = session.live;
  const prepare = (): void => {
    while (!session.prepare(() => false)) {
      // until nothing is left to prepare
    }
  };
  return Array.from({ length: times }, () => {
    prepare();
    const taken = timed(() => session.replayTo(end / 2));
    session.replayTo(end);
    return taken;
  });
}

/** The same for a session that begins with its log alone: a link that somebody opens. */
export function seekFromLog(times: number): number[] {
  const session = tenMinutes();
  const log = session.log();
  return Array.from({ length: times }, () => timed(() => new Session({ ...log, until: log.until / 2 }, tools)));
}
