// GET /metrics/resource: CPU time and memory of the node, its Pods and their containers, from the cgroups, in Prometheus'
// text form (pkg/kubelet/metrics/collectors/resource_metrics.go).

import type { Pod } from '../api/generated/types.ts';
import type { Cgroup } from '../machine/cgroup.ts';
import { findScope } from '../runtime/container-cgroup.ts';
import { podCgroup } from './pod-cgroup.ts';
import { type Context, podUid } from './context.ts';
import { pages } from './pod-stats.ts';

const MICROS = 1_000_000;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly lines: string[];
}

export function resourceMetrics({ os, cache }: Context, pods: readonly Pod[]): string {
  const { sim, machine } = os;
  const stamp = Math.floor((sim.epoch + sim.now) / 1_000);
  const family = (name: string, type: Family['type'], help: string): Family => ({ name, type, help: `[STABLE] ${help}`, lines: [] });
  const containerCpu = family(
    'container_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed by the container in core-seconds',
  );
  const containerMemory = family('container_memory_working_set_bytes', 'gauge', 'Current working set of the container in bytes');
  const nodeCpu = family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds');
  const nodeMemory = family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes');
  const podCpu = family('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds');
  const podMemory = family('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes');
  const add = (cpu: Family, memory: Family, labels: string, group: Cgroup): void => {
    cpu.lines.push(`${cpu.name}${labels} ${Math.round(group.cpuMicros) / MICROS} ${stamp}`);
    memory.lines.push(`${memory.name}${labels} ${pages(group.memoryBytes)} ${stamp}`);
  };
  add(nodeCpu, nodeMemory, '', machine.cgroups.root);
  for (const pod of pods) {
    const parent = podCgroup(pod);
    const group = machine.cgroups.find(parent);
    if (!group) continue;
    const where = `namespace="${pod.metadata.namespace}",pod="${pod.metadata.name}"`;
    for (const { name, id, state } of cache.get(podUid(pod)).containers) {
      const own = state === 'RUNNING' ? findScope(machine.cgroups, parent, id) : undefined;
      if (own) add(containerCpu, containerMemory, `{container="${name}",${where}}`, own);
    }
    add(podCpu, podMemory, `{${where}}`, group);
  }
  const failed = family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise');
  failed.lines.push('resource_scrape_error 0');
  const all = [containerCpu, containerMemory, nodeCpu, nodeMemory, podCpu, podMemory, failed].filter((f) => f.lines.length > 0);
  return all.map((f) => `# HELP ${f.name} ${f.help}\n# TYPE ${f.name} ${f.type}\n${f.lines.join('\n')}\n`).join('');
}
