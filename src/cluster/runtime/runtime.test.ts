// References, and the host-local IPAM plug-in (tables after containernetworking/plugins host-local tests).

import { describe, expect, it } from 'vitest';
import { Machine } from '../machine/machine.ts';
import { createNetns } from '../network/device.ts';
import { Simulation } from '../sim/simulation.ts';
import { allocate, type HostLocalConf, release } from './cni/host-local.ts';
import type { CniArgs } from './cni/plugin.ts';
import { parseReference } from './registry.ts';

describe('parseReference', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.29', 'docker.io/library/nginx:1.29'],
    ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
    ['registry.k8s.io/pause:3.10.1', 'registry.k8s.io/pause:3.10.1'],
    ['localhost:5000/x/y', 'localhost:5000/x/y:latest'],
    [`busybox@sha256:${'a'.repeat(64)}`, `docker.io/library/busybox@sha256:${'a'.repeat(64)}`],
  ])('%s is %s', (text, expected) => {
    expect(parseReference(text)?.text).toBe(expected);
  });

  it.each(['', 'Nginx', 'nginx:', 'a b', 'nginx:1:2', '-x'])('%j is none', (text) => {
    expect(parseReference(text)).toBeUndefined();
  });
});

describe('host-local', () => {
  const machine = new Machine(new Simulation(), { name: 'worker-1' });
  const args = (containerId: string): CniArgs => ({
    machine, netns: createNetns(machine, containerId), containerId, ifName: 'eth0', networkName: 'cbr0', podNamespace: '', podName: '', portMappings: [],
  });
  const conf: HostLocalConf = { type: 'host-local', ranges: [[{ subnet: '10.244.1.0/29' }]], routes: [{ dst: '10.244.0.0/16' }] };
  const next = (id: string): string => allocate(args(id), conf).ip.address;

  it('goes round, gives addresses back late, and runs out', () => {
    expect(allocate(args('c1'), conf)).toEqual({ ip: { address: '10.244.1.2/29', gateway: '10.244.1.1' }, routes: [{ dst: '10.244.0.0/16' }] });
    expect(next('c2')).toBe('10.244.1.3/29');
    expect(machine.files.read('/var/lib/cni/networks/cbr0/10.244.1.3')).toBe('c2\r\neth0');
    release(machine.files, 'cbr0', 'c1', '10.244.1.2');
    expect(['c3', 'c4', 'c5', 'c6'].map(next)).toEqual(['10.244.1.4/29', '10.244.1.5/29', '10.244.1.6/29', '10.244.1.2/29']);
    expect(() => next('c7')).toThrow('failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.6');
    release(machine.files, 'cbr0', 'c4', undefined);
    expect(next('c8')).toBe('10.244.1.5/29');
  });
});
