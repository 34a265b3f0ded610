// Processes and machines: exit, signals, PID namespaces, systemd's restarts, memory limits, power.

import { expect, test } from 'vitest';
import { Simulation } from '../sim/simulation.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { Machine } from './machine.ts';
import type { ExitStatus, Program, SpawnOptions } from './process.ts';

const forever: Program = function* (os) {
  yield* os.sleep(1_000 * MINUTE);
};

function machine(): { m: Machine; sim: Simulation } {
  const sim = new Simulation();
  const m = new Machine(sim, { name: 'worker-1' });
  m.powerOn();
  return { m, sim };
}

/** How a program ends, run alone; `poke` may act on it after a second. */
function ending(program: Program, options: Partial<SpawnOptions> = {}, poke?: (m: Machine, pid: number) => void): ExitStatus | null {
  const { m, sim } = machine();
  const p = m.spawn(program, { argv: ['/bin/x'], ...options });
  sim.after(SECOND, () => poke?.(m, p.pid));
  sim.runUntil(10 * SECOND);
  return p.status;
}

test('how processes end', () => {
  const term = (m: Machine, pid: number): unknown => m.kill(pid, 'SIGTERM');
  const graceful: Program = function* (os) {
    const signals = os.signals();
    const signal = yield* signals.receive();
    yield* os.sleep(SECOND);
    return signal === 'SIGTERM' ? 0 : 1;
  };
  const table = {
    returns: ending(function* () {}),
    'returns a code': ending(function* (os) {
      yield* os.sleep(1);
      return 3;
    }),
    'exits deep down': ending(function* (os) {
      os.go('thread', () => os.exit(7));
      yield* os.sleep(MINUTE);
    }),
    crashes: ending(function* () {
      throw new Error('nil pointer');
    }),
    'a thread crashes': ending(function* (os) {
      os.go('thread', function* () {
        yield* os.sleep(1);
        throw new Error('nil map');
      });
      yield* os.sleep(MINUTE);
    }),
    SIGTERM: ending(forever, {}, term),
    'SIGTERM, handled': ending(graceful, {}, term),
    'SIGTERM to a container’s init without a handler': ending(forever, { isolatePids: true }, term),
    'SIGTERM to a container’s init with a handler': ending(graceful, { isolatePids: true }, term),
    SIGKILL: ending(graceful, { isolatePids: true }, (m, pid) => m.kill(pid, 'SIGKILL')),
  };
  expect(table).toMatchInlineSnapshot(`
    {
      "SIGKILL": {
        "code": 137,
        "signal": "SIGKILL",
      },
      "SIGTERM": {
        "code": 143,
        "signal": "SIGTERM",
      },
      "SIGTERM to a container’s init with a handler": {
        "code": 0,
        "signal": null,
      },
      "SIGTERM to a container’s init without a handler": null,
      "SIGTERM, handled": {
        "code": 0,
        "signal": null,
      },
      "a thread crashes": {
        "code": 2,
        "signal": null,
      },
      "crashes": {
        "code": 2,
        "signal": null,
      },
      "exits deep down": {
        "code": 7,
        "signal": null,
      },
      "returns": {
        "code": 0,
        "signal": null,
      },
      "returns a code": {
        "code": 3,
        "signal": null,
      },
    }
  `);
});

test('threads unwind, resources are given back, waiters hear', () => {
  const { m, sim } = machine();
  const log: string[] = [];
  const p = m.spawn(
    function* (os) {
      os.go('thread', function* () {
        try {
          yield* os.sleep(MINUTE);
        } finally {
          log.push('thread unwound');
        }
      });
      os.process.onExit((status) => log.push(`released ${status.code}`));
      yield* os.sleep(SECOND);
    },
    { argv: ['x'], logs: { write: (_, line) => log.push(line) } },
  );
  m.spawn(
    function* (os) {
      log.push(`waited ${(yield* p.wait()).code} @${os.sim.now}`);
    },
    { argv: ['waiter'] },
  );
  sim.runUntil(MINUTE);
  expect(log).toEqual(['thread unwound', 'released 0', `waited 0 @${SECOND}`]);
  expect([...m.processes.values()].map((q) => q.comm)).toEqual(['systemd']);
});

test('children: orphans go to init; in a PID namespace all die with its init', () => {
  for (const isolatePids of [false, true]) {
    const { m, sim } = machine();
    const parent = m.spawn(
      function* (os) {
        os.spawn(forever, { argv: ['child'] });
        yield* os.sleep(SECOND);
      },
      { argv: ['parent'], isolatePids, place: 'machine/worker-1/pod/default/web/container/web' },
    );
    sim.runUntil(SECOND / 2);
    const child = [...m.processes.values()].find((p) => p.comm === 'child');
    expect([child?.ppid, child?.place]).toEqual([parent.pid, parent.place]);
    sim.runUntil(2 * SECOND);
    expect([child?.alive, child?.ppid]).toEqual(isolatePids ? [false, parent.pid] : [true, 1]);
  }
});

test('systemd starts units at boot and again when they end; the journal remembers', () => {
  const { m, sim } = machine();
  const runs: number[] = [];
  m.units.install({
    name: 'kubelet',
    argv: ['/usr/bin/kubelet'],
    restart: 'always',
    restartSec: 10,
    program: function* (os) {
      runs.push(os.sim.now);
      os.log('started');
      yield* os.sleep(SECOND);
      return 1;
    },
  });
  m.units.start('kubelet');
  sim.runUntil(23 * SECOND);
  expect(runs).toEqual([0, 11 * SECOND, 22 * SECOND]);
  expect(m.units.journal('kubelet').slice(0, 5).map((e) => e.line)).toEqual([
    'Started kubelet.service.',
    'started',
    'kubelet.service: Main process exited, code=exited, status=1/FAILURE',
    "kubelet.service: Failed with result 'exit-code'.",
    'kubelet.service: Scheduled restart job, restart counter is at 1.',
  ]);
  m.units.stop('kubelet');
  sim.runUntil(60 * SECOND);
  expect([runs.length, m.units.status('kubelet').state]).toEqual([3, 'inactive']);
  m.powerOff();
  expect(m.processes.size).toBe(0);
  sim.runUntil(70 * SECOND);
  m.powerOn();
  sim.runUntil(71 * SECOND - 1);
  expect(runs).toEqual([0, 11 * SECOND, 22 * SECOND, 70 * SECOND]);
  expect(m.units.status('kubelet').process?.pid).toBe(2);
});

test('power off: no process gets another step, the disk stays, /run is new', () => {
  const { m, sim } = machine();
  let steps = 0;
  m.files.write('/run/flannel/subnet.env', 'x');
  m.files.write('/var/lib/etcd/db', 'x');
  m.spawn(
    function* (os) {
      for (;;) {
        yield* os.sleep(SECOND);
        steps++;
      }
    },
    { argv: ['etcd'] },
  );
  sim.runUntil(3.5 * SECOND);
  const { bootId } = m;
  m.powerOff();
  sim.runUntil(10 * SECOND);
  m.powerOn();
  expect([steps, m.files.exists('/run/flannel/subnet.env'), m.files.read('/var/lib/etcd/db'), m.bootId === bootId]).toEqual([3, false, 'x', false]);
  expect(sim.trace.records.map((r) => r.change?.key).filter((k) => k?.startsWith('machine/'))).toHaveLength(3);
});

test('memory: a cgroup over its limit loses its largest process', () => {
  const { m, sim } = machine();
  const group = m.cgroups.of('/kubepods.slice/pod1.slice/app');
  group.memoryLimit = 100;
  const [small, big] = [30, 60].map((bytes) =>
    m.spawn(
      function* (os) {
        os.process.setMemory(bytes);
        yield* os.sleep(SECOND);
        os.process.setMemory(bytes * 1.5);
        yield* os.sleep(MINUTE);
      },
      { argv: ['x'], cgroup: group.path },
    ),
  );
  sim.runUntil(2 * SECOND);
  expect(big?.status).toEqual({ code: 137, signal: 'SIGKILL', reason: 'OOMKilled' });
  expect([small?.alive, group.memoryBytes, m.cgroups.find('/kubepods.slice')?.memoryBytes, group.oomKills]).toEqual([true, 45, 45, 1]);
  expect(m.cgroups.remove(group.path)).toBe(false);
  small?.kill('SIGKILL');
  expect(m.cgroups.remove(group.path)).toBe(true);
});
