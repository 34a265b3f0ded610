// A cluster from bare machines to a running application, told as a transcript: what the operator typed, how long it took,
// what was printed. Regenerate testdata/boot.txt with `UPDATE=1 npx vitest run src/cluster/bootstrap` and read the diff.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kubectlProgram } from '../../kubectl/kubectl.ts';
import { stockEverydayImages } from '../images/everyday.ts';
import { iptablesSave } from '../network-tools/iptables-save.ts';
import type { Netns } from '../network/netns.ts';
import { formatRoutes } from '../network/iproute.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { hashRecords, Trace } from '../sim/trace.ts';
import { Cluster } from './cluster.ts';
import { bootUntilReady, finish, isReady, runOnOperator } from './operator.ts';

const TRANSCRIPT = new URL('testdata/boot.txt', import.meta.url);

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: nginx
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

/** One session whose every command and answer is written down. */
class Session {
  readonly cluster: Cluster;
  readonly lines: string[] = [];

  constructor(seed: number) {
    this.cluster = new Cluster({ controlPlanes: 1, workers: 3, seed, trace: new Trace(1_000_000) });
    stockEverydayImages(this.cluster.images);
  }

  boot(): boolean {
    const ready = bootUntilReady(this.cluster, 5 * MINUTE);
    this.say(`boot: ${ready ? 'ready' : 'not ready'} after ${Math.round(this.cluster.sim.now / SECOND)}s`);
    return ready;
  }

  kubectl(command: string, stdin?: string): void {
    this.say(`$ kubectl ${command}`);
    const run = runOnOperator(this.cluster, kubectlProgram, ['kubectl', ...command.split(' ')], stdin);
    const status = finish(this.cluster, run, 30 * SECOND);
    for (const line of [...run.stdout, ...run.stderr]) this.say(line.trimEnd());
    if (status?.code !== 0) this.say(`exit ${status?.code ?? 'never'}`);
  }

  advance(seconds: number): void {
    this.say(`advance ${seconds}s`);
    this.cluster.sim.runUntil(this.cluster.sim.now + seconds * SECOND);
  }

  show(title: string, text: string): void {
    this.say(`# ${title}`);
    for (const line of text.trimEnd().split('\n')) this.say(line.trimEnd());
  }

  say(line: string): void {
    this.lines.push(line);
  }
}

function story(seed: number): Session {
  const session = new Session(seed);
  session.boot();
  session.kubectl('get nodes -o wide');
  session.kubectl('get pods -A -o wide');
  session.kubectl('apply -f -', WEB);
  session.advance(20);
  session.kubectl('get deployments,replicasets,pods -o wide');
  session.kubectl('get service,endpointslices');
  const host = session.cluster.machines.get('worker-1')?.hostNetns as Netns;
  session.show('worker-1: ip route', formatRoutes(host));
  session.show(
    'worker-1: iptables-save | grep default/web',
    iptablesSave(host)
      .split('\n')
      .filter((l) => l.includes('default/web'))
      .join('\n'),
  );
  return session;
}

describe('boot', () => {
  const session = story(1);

  test('the story', () => {
    const text = `${session.lines.join('\n')}\n`;
    if (process.env['UPDATE'] === '1' || !existsSync(TRANSCRIPT)) writeFileSync(TRANSCRIPT, text);
    expect(text).toBe(readFileSync(TRANSCRIPT, 'utf8'));
  });

  test('a minute later everything is still well', () => {
    session.cluster.sim.runUntil(session.cluster.sim.now + MINUTE);
    expect(isReady(session.cluster)).toBe(true);
  });

  test('the same seed gives the same run to the last byte', () => {
    const [a, b] = [new Session(7), new Session(7)];
    expect(a.boot()).toBe(true);
    expect(b.boot()).toBe(true);
    expect(b.cluster.sim.resumes).toBe(a.cluster.sim.resumes);
    expect(hashRecords(b.cluster.sim.trace.records)).toBe(hashRecords(a.cluster.sim.trace.records));
  });
});
