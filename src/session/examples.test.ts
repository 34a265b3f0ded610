// The page's examples: each applied to a cluster of its own and left alone for 50 seconds. What then is there is kept as text;
// `npx vitest run src/session/examples.test.ts -u` writes it anew; read the difference before you keep it.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from '../cluster/bootstrap/cluster.ts';
import { bootUntilReady, finish, runOnOperator } from '../cluster/bootstrap/operator.ts';
import { MINUTE, SECOND } from '../cluster/sim/time.ts';
import { operatorShell } from './operator-shell.ts';
import { tools } from './tools.ts';

const FOLDER = fileURLToPath(new URL('../ui/editor/examples/', import.meta.url));
const SHOW = 'kubectl get pods -A --no-headers --field-selector metadata.namespace!=kube-system,metadata.namespace!=kube-flannel';

describe('the examples of the editor', () => {
  let cluster: Cluster;
  const bash = (command: string, stdin = ''): string => {
    const run = runOnOperator(cluster, operatorShell, ['bash', '-c', command], stdin);
    finish(cluster, run, 5 * MINUTE);
    return run.output.map(({ line }) => line).join('\n');
  };

  beforeAll(() => {
    cluster = new Cluster({ controlPlanes: 1, workers: 3, seed: 1 });
    tools.stockImages(cluster.images);
    if (!bootUntilReady(cluster, 5 * MINUTE)) throw new Error('the cluster did not become ready');
  });

  it('do what they say', async () => {
    const told: string[] = [];
    for (const file of readdirSync(FOLDER).toSorted()) {
      const text = readFileSync(FOLDER + file, 'utf8');
      told.push(`# ${file}`, bash('kubectl apply -f -', text));
      cluster.sim.runUntil(cluster.sim.now + 50 * SECOND);
      told.push(...bash(SHOW).split('\n').map((line) => line.trimEnd()), '');
      bash('kubectl delete --wait=false -f -', text);
      cluster.sim.runUntil(cluster.sim.now + MINUTE);
      expect(bash(SHOW)).toBe('No resources found');
    }
    await expect(told.join('\n')).toMatchFileSnapshot('./examples.txt');
  });
});
