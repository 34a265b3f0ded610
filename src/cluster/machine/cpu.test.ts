// CPUs and memory of a machine: shares by weight, quotas, throttling, and whom the kernel kills.

import { expect, test } from 'vitest';
import { SECOND } from '../sim/time.ts';
import { Simulation } from '../sim/simulation.ts';
import { weightOfShares } from './cgroup.ts';
import { Machine } from './machine.ts';
import type { Process } from './process.ts';

function machine(cpus = 2): { readonly m: Machine; readonly sim: Simulation; readonly busy: (cgroup: string, threads: number, work?: number) => Process } {
  const sim = new Simulation();
  const m = new Machine(sim, { name: 'm', cpus });
  m.powerOn();
  sim.runUntil(1);
  m.cpu.idleCores = 0;
  const busy = (cgroup: string, threads: number, work = Number.POSITIVE_INFINITY): Process =>
    m.spawn((os) => os.process.compute(work, threads), { argv: ['busy'], cgroup });
  return { m, sim, busy };
}

const cores = (sim: Simulation, processes: readonly Process[], seconds: number): number[] => {
  const before = processes.map((p) => p.cpuMicros);
  const begun = sim.now;
  sim.runUntil(sim.now + seconds * SECOND);
  return processes.map((p, i) => Number(((p.cpuMicros - (before[i] as number)) / (sim.now - begun)).toFixed(3)));
};

test('weights divide what is short, and nobody gets more than it wants', () => {
  const { m, sim, busy } = machine();
  m.cgroups.of('/a').cpuWeight = 300;
  m.cgroups.of('/b').cpuWeight = 100;
  const [a, b, c] = [busy('/a', 2), busy('/b', 2), busy('/c', 1)];
  sim.runUntil(sim.now + 1);
  expect(cores(sim, [a, b, c] as Process[], 10)).toEqual([1.2, 0.4, 0.4]);
  a?.kill('SIGKILL');
  expect(cores(sim, [b, c] as Process[], 10)).toEqual([1, 1]);
});

test('a quota throttles, and what is in it takes longer', () => {
  const { m, sim, busy } = machine();
  const group = m.cgroups.of('/pod/c');
  group.cpuLimit = 0.5;
  const job = busy('/pod/c', 1, 2 * SECOND);
  const begun = sim.now;
  sim.runUntil(sim.now + 3 * SECOND);
  expect(job.alive).toBe(true);
  sim.runUntil(sim.now + SECOND + 10);
  expect([job.alive, Math.round((sim.now - begun) / SECOND)]).toEqual([false, 4]);
  expect(Math.round(group.cpuMicros / SECOND)).toBe(2);
  expect(group.throttling).toMatchObject({ periods: expect.closeTo(40, 1), throttled: expect.closeTo(40, 1) });
  // Changing the limit changes the pace of what runs.
  const other = busy('/pod/c', 1);
  sim.runUntil(sim.now + 1);
  group.cpuLimit = 1;
  m.cpu.changed();
  expect(cores(sim, [other], 5)).toEqual([1]);
});

test('shares of the Container Runtime Interface as weights: 5 points of the conversion of runc and kubelet', () => {
  expect([2, 102, 1024, 2048, 262_144].map(weightOfShares)).toEqual([1, 17, 100, 174, 10_000]);
});

test('out of memory: the highest badness goes, with its group when the group says so', () => {
  const { m, sim } = machine();
  const hold = (cgroup: string, bytes: number, oomScoreAdj: number): Process =>
    m.spawn(
      function* (os) {
        os.process.setMemory(bytes);
        yield* os.sleep(1000 * SECOND);
      },
      { argv: ['hold'], cgroup, oomScoreAdj },
    );
  const total = m.memoryTotal - m.cgroups.root.memoryBytes;
  m.cgroups.of('/pods/best').oomGroup = true;
  const sure = hold('/pods/sure', total * 0.5, -997);
  const best = hold('/pods/best', total * 0.1, 1000);
  const helper = hold('/pods/best', total * 0.05, 1000);
  const told: string[] = [];
  m.cgroups.onOom = ({ constraint, victim }) => void told.push(`${constraint} ${victim.pid === best.pid ? 'best' : victim.comm}`);
  sim.runUntil(sim.now + SECOND);
  const burst = hold('/pods/burst', total * 0.4, 600);
  sim.runUntil(sim.now + SECOND);
  expect([sure.alive, best.alive, helper.alive, burst.alive]).toEqual([true, false, false, true]);
  expect(best.status).toEqual({ code: 137, signal: 'SIGKILL', reason: 'OOMKilled' });
  expect(told).toEqual(['/ best']);
  expect(m.cgroups.find('/pods')?.oomKills).toBe(2);
});
