// GET /stats/summary: what the node, its system's groups and its Pods use (pkg/kubelet/server/stats/summary.go, stats/v1alpha1).

import type { Pod } from '../api/generated/types.ts';
import type { Cgroup } from '../machine/cgroup.ts';
import type { Micros } from '../sim/time.ts';
import { type Context, podUid } from './context.ts';
import { KUBEPODS } from './pod-cgroup.ts';
import { nodeStats, pages, podStats } from './pod-stats.ts';

const RUNTIMES = ['containerd', 'crio', 'docker'];

const known = new WeakMap<Context, SummaryStats>();

export function summary(context: Context, pods: readonly Pod[]): object {
  let made = known.get(context);
  if (made === undefined) known.set(context, (made = new SummaryStats(context)));
  return made.summary(pods);
}

/** The last reading of each CPU counter, for rates: usageNanoCores is the mean since then. */
class SummaryStats {
  readonly #context: Context;
  readonly #before = new Map<string, { readonly at: Micros; readonly micros: number; readonly cores: number }>();

  constructor(context: Context) {
    this.#context = context;
  }

  summary(pods: readonly Pod[]): object {
    const { os, nodeName } = this.#context;
    const { machine, sim } = os;
    const time = sim.time();
    const node = nodeStats(machine);
    const fs = { time, availableBytes: node.diskAvailable, capacityBytes: node.diskCapacity };
    const system = (name: string, path: string, startTime: string): object[] => {
      const group = machine.cgroups.find(path);
      return group === undefined ? [] : [{ name, startTime, ...this.#usage(name, group) }];
    };
    const started = sim.time(os.process.started);
    return {
      node: {
        nodeName,
        systemContainers: [
          ...system('kubelet', '/system.slice/kubelet.service', started),
          ...RUNTIMES.flatMap((unit) => system('runtime', `/system.slice/${unit}.service`, started)),
          ...system('pods', KUBEPODS, started),
        ],
        startTime: sim.time(0),
        cpu: this.#cpu('node', node.cpuMicros),
        memory: memory(time, node.memoryUsed, node.memoryTotal),
        fs: { ...fs, usedBytes: node.diskCapacity - node.diskAvailable },
        runtime: { imageFs: { ...fs, usedBytes: node.imageBytes } },
        rlimit: { time, maxpid: 32_768, curproc: machine.processes.size },
      },
      pods: pods.flatMap((pod) => this.#pod(pod, time)),
    };
  }

  #pod(pod: Pod, time: string): object[] {
    const stats = podStats(this.#context, pod);
    if (stats === undefined) return [];
    const { sim } = this.#context.os;
    const uid = podUid(pod);
    const fs = (usedBytes: number): object => {
      const { diskAvailable, diskCapacity } = nodeStats(this.#context.os.machine);
      return { time, availableBytes: diskAvailable, capacityBytes: diskCapacity, usedBytes };
    };
    const containers = stats.containers.map((c) => ({
      name: c.name,
      startTime: sim.time(c.startedAt),
      cpu: this.#cpu(`${uid}/${c.name}`, c.cpuMicros),
      memory: memory(time, c.memory, c.memoryLimit),
      rootfs: fs(c.rootfs),
      logs: fs(c.logs),
    }));
    const ephemeral = stats.containers.reduce((sum, c) => sum + c.rootfs + c.logs, 0) + stats.volumes.reduce((sum, v) => sum + (v.local ? v.used : 0), 0);
    return [
      {
        podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid },
        startTime: pod.status.startTime ?? time,
        containers,
        cpu: this.#cpu(uid, stats.cpuMicros),
        memory: memory(time, stats.memory, stats.memoryLimit),
        ...(stats.volumes.length === 0 ? {} : { volume: stats.volumes.map((v) => ({ ...fs(v.used), name: v.name })) }),
        'ephemeral-storage': fs(ephemeral),
        process_stats: { process_count: stats.processes },
      },
    ];
  }

  #usage(key: string, group: Cgroup): object {
    return { cpu: this.#cpu(key, Math.round(group.cpuMicros)), memory: memory(this.#context.os.sim.time(), pages(group.memoryBytes), group.memoryLimit) };
  }

  #cpu(key: string, micros: number): object {
    const { sim } = this.#context.os;
    const before = this.#before.get(key);
    const passed = before === undefined ? sim.now : sim.now - before.at;
    let cores = before?.cores ?? 0;
    if (passed > 0) {
      cores = Math.max(0, micros - (before?.micros ?? 0)) / passed;
      this.#before.set(key, { at: sim.now, micros, cores });
    }
    return { time: sim.time(), usageNanoCores: Math.round(cores * 1e9), usageCoreNanoSeconds: micros * 1000 };
  }
}

function memory(time: string, used: number, limit: number | null): object {
  return { time, ...(limit === null ? {} : { availableBytes: Math.max(0, limit - used) }), usageBytes: used, workingSetBytes: used, rssBytes: used, pageFaults: 0, majorPageFaults: 0 };
}
