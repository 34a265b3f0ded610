// GET /metrics/cadvisor: what each container's control group says, as Prometheus scrapes it (cadvisor/metrics/prometheus.go), as far as
// dashboards use it: CPU time and throttling, memory and its limits, kills for want of memory.

import type { Pod } from '../api/generated/types.ts';
import { type Cgroup, CPU_PERIOD } from '../machine/cgroup.ts';
import { findScope } from '../runtime/container-cgroup.ts';
import { type Context, podUid } from './context.ts';
import { podCgroup } from './pod-cgroup.ts';
import { pages } from './pod-stats.ts';

const SECOND = 1_000_000;

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** undefined: has none. */
  readonly of: (group: Cgroup) => number | undefined;
}

const METRICS: readonly Metric[] = [
  { name: 'container_cpu_cfs_periods_total', type: 'counter', help: 'Number of elapsed enforcement period intervals.', of: (g) => limited(g, () => Math.floor(g.throttling?.periods ?? 0)) },
  { name: 'container_cpu_cfs_throttled_periods_total', type: 'counter', help: 'Number of throttled period intervals.', of: (g) => limited(g, () => Math.floor(g.throttling?.throttled ?? 0)) },
  { name: 'container_cpu_cfs_throttled_seconds_total', type: 'counter', help: 'Total time duration the container has been throttled.', of: (g) => limited(g, () => Math.round(g.throttling?.throttledMicros ?? 0) / SECOND) },
  { name: 'container_cpu_usage_seconds_total', type: 'counter', help: 'Cumulative cpu time consumed in seconds.', of: (g) => Math.round(g.cpuMicros) / SECOND },
  { name: 'container_memory_max_usage_bytes', type: 'gauge', help: 'Maximum memory usage recorded in bytes', of: (g) => pages(g.memoryPeak) },
  { name: 'container_memory_rss', type: 'gauge', help: 'Size of RSS in bytes.', of: (g) => pages(g.memoryBytes) },
  { name: 'container_memory_usage_bytes', type: 'gauge', help: 'Current memory usage in bytes, including all memory regardless of when it was accessed', of: (g) => pages(g.memoryBytes) },
  { name: 'container_memory_working_set_bytes', type: 'gauge', help: 'Current working set in bytes.', of: (g) => pages(g.memoryBytes) },
  { name: 'container_oom_events_total', type: 'counter', help: 'Count of out of memory events observed for the container', of: (g) => g.oomKills },
  { name: 'container_processes', type: 'gauge', help: 'Number of processes running inside the container.', of: (g) => [...g.everyProcess()].length },
  { name: 'container_spec_cpu_period', type: 'gauge', help: 'CPU period of the container.', of: () => CPU_PERIOD },
  { name: 'container_spec_cpu_quota', type: 'gauge', help: 'CPU quota of the container.', of: (g) => (g.cpuLimit === null ? undefined : Math.round(g.cpuLimit * CPU_PERIOD)) },
  { name: 'container_spec_cpu_shares', type: 'gauge', help: 'CPU share of the container.', of: (g) => g.cpuShares },
  { name: 'container_spec_memory_limit_bytes', type: 'gauge', help: 'Memory limit for the container.', of: (g) => g.memoryLimit ?? 0 },
];

const limited = (group: Cgroup, value: () => number): number | undefined => (group.cpuLimit === null ? undefined : value());

export function cadvisorMetrics({ os, cache }: Context, pods: readonly Pod[]): string {
  const { machine, sim } = os;
  const stamp = Math.floor((sim.epoch + sim.now) / 1_000);
  const groups: (readonly [string, Cgroup])[] = [[labels('', '', '/', '', '', ''), machine.cgroups.root]];
  for (const pod of pods) {
    const path = podCgroup(pod);
    const group = machine.cgroups.find(path);
    if (group === undefined) continue;
    const { name, namespace = '' } = pod.metadata;
    groups.push([labels('', '', path, '', namespace, name), group]);
    for (const status of cache.get(podUid(pod)).containers) {
      const own = status.state === 'RUNNING' ? findScope(machine.cgroups, path, status.id) : undefined;
      if (own !== undefined) groups.push([labels(status.name, status.image, own.path, status.id, namespace, name), own]);
    }
  }
  let text = '';
  for (const { name, type, help, of } of METRICS) {
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [where, group] of groups) {
      const value = of(group);
      if (value !== undefined) text += `${name}${where} ${value} ${stamp}\n`;
    }
  }
  text += `# HELP machine_cpu_cores Number of logical CPU cores.\n# TYPE machine_cpu_cores gauge\nmachine_cpu_cores{boot_id="${machine.bootId}",machine_id="${machine.machineId}",system_uuid="${machine.systemUuid}"} ${machine.cpus}\n`;
  text += `# HELP machine_memory_bytes Amount of memory installed on the machine.\n# TYPE machine_memory_bytes gauge\nmachine_memory_bytes{boot_id="${machine.bootId}",machine_id="${machine.machineId}",system_uuid="${machine.systemUuid}"} ${machine.memoryTotal}\n`;
  return text;
}

const labels = (container: string, image: string, id: string, name: string, namespace: string, pod: string): string =>
  `{container="${container}",id="${id}",image="${image}",name="${name}",namespace="${namespace}",pod="${pod}"}`;
