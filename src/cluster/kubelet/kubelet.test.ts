// One machine with containerd and a kubelet that knows no API server: static Pods run all the same.

import { describe, expect, it } from 'vitest';
import { runtimeStateOf } from '../runtime/runtime-state.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { testImage, testMachine, waiting } from './testbed.ts';

const MANIFEST = `apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: kube-system
spec:
  hostNetwork: true
  containers:
  - name: web
    image: web:1
    env:
    - {name: GREETING, value: hello}
    - {name: BOTH, value: "$(GREETING) $(MISSING)"}
    volumeMounts:
    - {name: data, mountPath: /data}
  volumes:
  - name: data
    emptyDir: {}
`;

const running = (machine: ReturnType<typeof testMachine>['machine']): string[] =>
  [...machine.processes.values()].filter((p) => p.place.includes('/pod/')).map((p) => p.place).sort();

describe('kubelet without an API server', () => {
  it('runs a static Pod and takes it down when its manifest goes', () => {
    const { sim, machine } = testMachine([testImage('web:1', waiting)]);
    machine.powerOn();
    machine.files.write('/etc/kubernetes/manifests/web.yaml', MANIFEST);
    sim.runUntil(10 * SECOND);
    expect(running(machine)).toEqual([
      'machine/worker-1/pod/kube-system/web-worker-1/container/web',
      'machine/worker-1/pod/kube-system/web-worker-1/pause',
    ]);
    const process = [...machine.processes.values()].find((p) => p.place.endsWith('/container/web'));
    expect(process?.env['BOTH']).toBe('hello $(MISSING)');
    expect(process?.files.isDirectory('/data')).toBe(true);
    machine.files.remove('/etc/kubernetes/manifests/web.yaml');
    sim.runUntil(15 * SECOND);
    expect(running(machine)).toEqual([]);
    expect(runtimeStateOf(machine).sandboxes.size).toBe(0);
    expect(machine.files.exists('/var/lib/kubelet/pods/')).toBe(true);
    expect(machine.files.list('/var/lib/kubelet/pods')).toEqual([]);
  });

  it('backs off a crashing container: 10 s, 20 s, 40 s …', () => {
    const starts: number[] = [];
    const { sim, machine } = testMachine([
      testImage('web:1', function* (os) {
        starts.push(os.sim.now);
        yield* os.sleep(SECOND);
        return 1;
      }),
    ]);
    machine.powerOn();
    machine.files.write('/etc/kubernetes/manifests/web.yaml', MANIFEST);
    sim.runUntil(5 * MINUTE);
    const gaps = starts.slice(1).map((s, i) => Math.round((s - (starts[i] as number)) / SECOND));
    expect(gaps.slice(0, 5)).toEqual([1, 11, 21, 41, 81]);
  });

  it('restarts Pods after a power cut', () => {
    const { sim, machine } = testMachine([testImage('web:1', waiting)]);
    machine.powerOn();
    machine.files.write('/etc/kubernetes/manifests/web.yaml', MANIFEST);
    sim.runUntil(10 * SECOND);
    machine.powerOff();
    expect(machine.processes.size).toBe(0);
    sim.runUntil(20 * SECOND);
    machine.powerOn();
    sim.runUntil(40 * SECOND);
    expect(running(machine)).toEqual([
      'machine/worker-1/pod/kube-system/web-worker-1/container/web',
      'machine/worker-1/pod/kube-system/web-worker-1/pause',
    ]);
  });

  it('keeps containers running while containerd and kubelet are restarted', () => {
    const { sim, machine } = testMachine([testImage('web:1', waiting)]);
    machine.powerOn();
    machine.files.write('/etc/kubernetes/manifests/web.yaml', MANIFEST);
    sim.runUntil(10 * SECOND);
    const before = [...machine.processes.values()].find((p) => p.place.endsWith('/container/web'))?.pid;
    machine.units.restart('containerd');
    sim.runUntil(20 * SECOND);
    machine.units.restart('kubelet');
    sim.runUntil(40 * SECOND);
    expect([...machine.processes.values()].find((p) => p.place.endsWith('/container/web'))?.pid).toBe(before);
  });
});
