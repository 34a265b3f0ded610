// The etcd process over its socket: three members, failover, leases, data that survives a crash.

import { expect, test } from 'vitest';
import { Machine } from '../machine/machine.ts';
import type { Process } from '../machine/process.ts';
import { HttpClient } from '../network/http.ts';
import { plugIn, Switch } from '../network/switch.ts';
import { Simulation } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { etcdProgram } from './program.ts';

class Members {
  readonly sim = new Simulation();
  readonly machines: Machine[] = [];
  readonly processes: (Process | null)[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    const network = new Switch();
    for (let i = 0; i < count; i++) {
      const machine = new Machine(this.sim, { name: `m${i + 1}` });
      plugIn(machine, network, { address: `192.168.66.${11 + i}/24` });
      machine.powerOn();
      this.machines.push(machine);
      this.processes.push(null);
      this.start(i);
    }
    this.run(5);
  }

  start(i: number): void {
    const url = (n: number, port: number): string => `https://192.168.66.${11 + n}:${port}`;
    const cluster = Array.from({ length: this.#count }, (_, n) => `m${n + 1}=${url(n, 2380)}`).join(',');
    const argv = [
      'etcd',
      `--name=m${i + 1}`,
      '--data-dir=/var/lib/etcd',
      `--listen-client-urls=https://127.0.0.1:2379,${url(i, 2379)}`,
      `--listen-peer-urls=${url(i, 2380)}`,
      `--initial-cluster=${cluster}`,
    ];
    this.processes[i] = (this.machines[i] as Machine).spawn(etcdProgram, { argv });
  }

  run(seconds: number): void {
    this.sim.runUntil(this.sim.now + seconds * SECOND);
  }

  /** Calls a method on a member; the answer or `error: …`. */
  call(i: number, method: string, body: object): unknown {
    let answer: unknown;
    (this.machines[i] as Machine).spawn(
      function* (os) {
        const client = new HttpClient(os, { host: '127.0.0.1', port: 2379, tls: {} });
        try {
          const response = yield* client.request({ method: 'POST', path: `/etcdserverpb.${method}`, query: {}, headers: {}, body });
          answer = response.status === 200 ? response.body : `error: ${(response.body as { message: string }).message}`;
        } catch (error) {
          answer = `error: ${(error as Error).message}`;
        }
      },
      { argv: ['etcdctl'] },
    );
    const limit = this.sim.now + 30 * SECOND;
    while (answer === undefined && this.sim.step(limit));
    return answer;
  }

  put(i: number, key: string, v: string, lease = 0): unknown {
    return this.call(i, 'KV/Put', { key, value: { v }, lease });
  }

  get(i: number, key: string): unknown {
    const answer = this.call(i, 'KV/Range', { key });
    return typeof answer === 'string' ? answer : (answer as { kvs: { value: { v: string } }[] }).kvs[0]?.value.v;
  }

  leader(): number {
    for (let i = 0; i < this.#count; i++) {
      const status = this.processes[i]?.alive ? (this.call(i, 'Maintenance/Status', {}) as { leader?: number }) : {};
      if (status.leader) return status.leader - 1;
    }
    return -1;
  }
}

test('one member keeps its data over a crash', () => {
  const m = new Members(1);
  m.put(0, 'k', 'v');
  m.processes[0]?.kill('SIGKILL');
  m.run(1);
  expect(m.get(0, 'k')).toContain('connection refused');
  m.start(0);
  m.run(1);
  expect(m.get(0, 'k')).toBe('v');
  (m.processes[0] as Process).kill('SIGKILL');
  m.machines[0]?.files.remove('/var/lib/etcd/member/wal/0000000000000000-0000000000000000.wal');
  m.start(0);
  m.run(1);
  expect(m.get(0, 'k')).toBeUndefined();
});

test('three members: written to one, read from another; the cluster outlives its leader', () => {
  const m = new Members(3);
  const leader = m.leader();
  const [a, b] = [0, 1, 2].filter((i) => i !== leader) as [number, number];
  m.put(a, 'k', '1');
  expect([m.get(a, 'k'), m.get(b, 'k'), m.get(leader, 'k')]).toEqual(['1', '1', '1']);
  m.processes[leader]?.kill('SIGKILL');
  m.run(5);
  expect(m.leader()).not.toBe(leader);
  m.put(a, 'k', '2');
  expect(m.get(b, 'k')).toBe('2');
  m.processes[b]?.kill('SIGKILL');
  m.run(5);
  expect(String(m.put(a, 'k', '3'))).toMatch(/error: etcdserver: (no leader|request timed out)/);
  m.start(leader);
  m.run(5);
  expect(m.get(leader, 'k')).toBe('2');
});

test('keys go with their lease; keeping it alive keeps them', () => {
  const m = new Members(1);
  const { id } = m.call(0, 'Lease/LeaseGrant', { ttl: 10, id: 0 }) as { id: number };
  m.put(0, 'k', 'v', id);
  m.run(8);
  m.call(0, 'Lease/LeaseKeepAlive', { id });
  m.run(8);
  expect(m.get(0, 'k')).toBe('v');
  m.run(3);
  expect(m.get(0, 'k')).toBeUndefined();
  expect(m.put(0, 'x', 'v', id)).toBe('error: etcdserver: requested lease not found');
});
