// Situations of a whole cluster as stories in text: situations/<topic>/<name>.txt. Each begins with a new cluster and is a
// person's evening at the terminal. `UPDATE=1 npx vitest run src/session/situations.test.ts -t <name>` writes what is printed
// anew; read the difference before you keep it.
//   # text             a comment; `# cluster: workers=3 cpus=4 memory=8 runtime=cri-o network=calico` on the first lines sets the cluster
//   $ command          a line for bash on the operator's machine, with kubectl; a here-document may follow
//   worker-1$ command  the same on another machine, as root over ssh
//   > 350s             time passes
//   ~ worker-1 cut     something is done to a wire: see wireOf
//   anything else      what was printed (`! ` before lines of stderr, `[exit 1]` a code other than 0)

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Cluster, type ClusterOptions } from '../cluster/bootstrap/cluster.ts';
import { bootUntilReady, finish, runOnMachine } from '../cluster/bootstrap/operator.ts';
import type { NetworkKind } from '../cluster/bootstrap/pod-network.ts';
import type { RuntimeKind } from '../cluster/runtime/runtime-kind.ts';
import { MINUTE, SECOND } from '../cluster/sim/time.ts';
import { operatorShell } from './operator-shell.ts';
import { tools } from './tools.ts';
import { performWire, wireOf } from './wires.ts';

const FOLDER = fileURLToPath(new URL('./situations/', import.meta.url));
const GIB = 1024 ** 3;

type Step =
  | { readonly type: 'comment'; readonly text: string }
  | { readonly type: 'pass'; readonly text: string; readonly seconds: number }
  | { readonly type: 'wire'; readonly text: string }
  | { readonly type: 'command'; readonly text: string; readonly machine: string; readonly command: string };

function stepsOf(story: string): Step[] {
  const steps: Step[] = [];
  const lines = story.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const command = /^([a-z][a-z0-9-]*)?\$ (.*)$/.exec(line);
    const pass = /^> (\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(line);
    if (command) {
      const from = i;
      const end = /<<-?\s*['"]?(\w+)['"]?/.exec(line)?.[1];
      if (end !== undefined) while (i < lines.length && lines[i] !== end) i++;
      const text = lines.slice(from, i + 1).join('\n');
      steps.push({ type: 'command', text, machine: command[1] ?? 'operator', command: text.slice(text.indexOf('$ ') + 2) });
    } else if (pass) {
      const unit = { ms: 0.001, s: 1, m: 60, h: 3600 }[pass[2] as string] ?? 1;
      steps.push({ type: 'pass', text: line, seconds: Number(pass[1]) * unit });
    } else if (line.startsWith('~ ')) {
      steps.push({ type: 'wire', text: line });
    } else if (line.startsWith('#') || (line === '' && i < lines.length - 1 && /^([#>~]|[a-z0-9-]*\$ )/.test(lines[i + 1] as string))) {
      steps.push({ type: 'comment', text: line });
    }
  }
  return steps;
}

function optionsOf(story: string): ClusterOptions {
  const settings = Object.fromEntries([...(/^# cluster: (.*)$/m.exec(story)?.[1] ?? '').matchAll(/(\w+)=(\S+)/g)].map((m) => [m[1], m[2]]));
  const { workers = '2', cpus = '2', memory = '4', runtime = 'containerd', network = 'flannel' } = settings;
  return { controlPlanes: 1, seed: 1, workers: Number(workers), cpus: Number(cpus), memoryBytes: Number(memory) * GIB, runtime: runtime as RuntimeKind, network: network as NetworkKind };
}

function replay(story: string): string {
  const cluster = new Cluster(optionsOf(story));
  tools.stockImages(cluster.images);
  expect(bootUntilReady(cluster, 5 * MINUTE)).toBe(true);
  const told: string[] = [];
  for (const step of stepsOf(story)) {
    told.push(step.text);
    if (step.type === 'pass') cluster.sim.runUntil(cluster.sim.now + step.seconds * SECOND);
    if (step.type === 'wire') performWire(cluster, wireOf(step.text.slice(2)));
    if (step.type !== 'command') continue;
    const machine = cluster.machines.get(step.machine);
    if (machine === undefined) throw new Error(`no machine ${step.machine}`);
    const run = runOnMachine(cluster, machine, operatorShell, ['bash', '-c', step.command], '');
    const exit = finish(cluster, run, 30 * MINUTE);
    for (const { stream, line } of run.output) told.push(stream === 'stderr' ? `! ${line}` : line);
    while (told.at(-1) === '' || told.at(-1) === '! ') told.pop();
    if (exit?.code !== 0) told.push(`[exit ${exit?.code ?? 'never'}]`);
  }
  return `${told.map((line) => line.trimEnd()).join('\n')}\n`;
}

for (const topic of readdirSync(FOLDER)) {
  describe(`${topic}`, () => {
    for (const file of readdirSync(FOLDER + topic).filter((name) => name.endsWith('.txt'))) {
      it(`${file.slice(0, -'.txt'.length).replaceAll('-', ' ')}`, () => {
        const path = `${FOLDER}${topic}/${file}`;
        const kept = readFileSync(path, 'utf8');
        const now = replay(kept);
        if (process.env['UPDATE']) writeFileSync(path, now);
        else expect(now).toBe(kept);
      });
    }
  });
}
