// crictl inspect, inspectp, inspecti, info: one JSON document of status and of what the runtime adds to it.

import { formatYaml } from '../../api/yaml.ts';
import type { Op } from '../../sim/simulation.ts';
import type { ContainerInfo, ContainerStatus, SandboxInfo, SandboxStatus } from '../cri.ts';
import { type Crictl, CrictlError } from './crictl.ts';
import { imageJson, selectedContainers, selectedPods, write } from './crictl-list.ts';
import { sortedJson } from './text.ts';

const ZERO_TIME = '0001-01-01T00:00:00Z';

const rfc3339Nano = (c: Crictl, at: number): string => c.os.sim.microTime(at).replace(/\.?0*Z$/, 'Z');

/** Prints one document, or a list of several. */
function output(c: Crictl, documents: readonly object[]): void {
  const whole = documents.length === 1 ? (documents[0] as object) : documents;
  const format = c.args.text('output') || 'json';
  if (format === 'json') write(c, sortedJson(whole));
  else if (format === 'yaml') write(c, `${formatYaml(JSON.parse(sortedJson(whole)) as object)}\n`);
  else if (format === 'go-template') write(c, template(c.args.text('template'), whole));
  else throw new CrictlError(`unsupported format: "${format}"`);
}

/** `{{.status.state}}`: fields by their path, nothing else. */
const template = (text: string, document: object): string =>
  text.replace(/\{\{\s*((?:\.[\w-]+)+)\s*\}\}/g, (_all, path: string) => {
    let value: unknown = document;
    for (const key of path.slice(1).split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
    return value === undefined ? '<no value>' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  });

export function* inspect(c: Crictl): Op<void> {
  const ids = c.args.rest.length > 0 ? c.args.rest : (yield* selectedContainers(c, true)).map((s) => s.id);
  if (ids.length === 0) throw new CrictlError('No IDs provided or nothing found per filter');
  const { runtimeName } = yield* c.runtime.version();
  const documents: object[] = [];
  for (const id of ids) {
    const status = yield* c.runtime.containerStatus(id);
    const info = yield* c.runtime.containerInfo(status.id);
    documents.push({ ...(c.args.is('quiet') ? {} : { info: containerInfo(status, info, runtimeName) }), status: containerStatus(c, status, info) });
  }
  output(c, documents);
}

function containerStatus(c: Crictl, s: ContainerStatus, { config }: ContainerInfo): object {
  const { memoryLimit, cpuLimit = 0, cpuShares = 0, oomScoreAdj = 0 } = config;
  return {
    id: s.id, metadata: { name: s.name, attempt: s.attempt }, state: `CONTAINER_${s.state}`,
    createdAt: rfc3339Nano(c, s.createdAt),
    startedAt: s.state === 'CREATED' ? ZERO_TIME : rfc3339Nano(c, s.startedAt),
    finishedAt: s.state === 'EXITED' ? rfc3339Nano(c, s.finishedAt) : ZERO_TIME,
    exitCode: s.exitCode, image: { annotations: {}, image: s.image, runtimeHandler: '', userSpecifiedImage: '' }, imageId: s.imageId, imageRef: s.imageRef,
    reason: s.reason, message: s.message, labels: s.labels, annotations: s.annotations, logPath: s.logPath,
    mounts: config.mounts.map((m) => ({
      containerPath: m.containerPath, gidMappings: [], hostPath: m.hostPath, image: null, imageSubPath: '', propagation: 'PROPAGATION_PRIVATE', readonly: m.readOnly,
      recursiveReadOnly: false, selinuxRelabel: false, uidMappings: [],
    })),
    resources: {
      linux: {
        cpuPeriod: '100000', cpuQuota: String(Math.round(cpuLimit * 100_000)), cpuShares: String(cpuShares || 2), cpusetCpus: '', cpusetMems: '', hugepageLimits: [],
        memoryLimitInBytes: String(memoryLimit), memorySwapLimitInBytes: String(memoryLimit), oomScoreAdj: String(oomScoreAdj), unified: {},
      },
      windows: null,
    },
    stopSignal: config.stopSignal ?? 'SIGTERM',
    user: { linux: { gid: String(s.gid), supplementalGroups: [String(s.gid)], uid: String(s.uid) } },
  };
}

function containerInfo(s: ContainerStatus, info: ContainerInfo, runtimeName: string): object {
  const { config, argv, env, pid, cgroup, netns } = info;
  const runtimeSpec = {
    ociVersion: '1.2.1',
    process: { args: argv, cwd: env['PWD'] ?? '/', env: Object.entries(env).map(([k, v]) => `${k}=${v}`), user: { gid: s.gid, uid: s.uid }, terminal: config.tty },
    linux: { cgroupsPath: cgroupsPath(cgroup), namespaces: namespaces(netns) },
    mounts: config.mounts.map((m) => ({ destination: m.containerPath, options: ['rbind', 'rprivate', m.readOnly ? 'ro' : 'rw'], source: m.hostPath, type: 'bind' })),
  };
  if (runtimeName === 'docker') return { sandboxID: s.sandboxId, pid };
  if (runtimeName === 'cri-o') return { sandboxID: s.sandboxId, pid, privileged: config.privileged, runtimeSpec };
  return {
    sandboxID: s.sandboxId, pid, removing: false, snapshotKey: s.id, snapshotter: 'overlayfs', runtimeType: 'io.containerd.runc.v2',
    runtimeOptions: { systemd_cgroup: true },
    config: {
      metadata: { name: s.name, ...(s.attempt === 0 ? {} : { attempt: s.attempt }) }, image: { image: config.imageRef, user_specified_image: config.image },
      ...(config.command.length > 0 ? { command: config.command } : {}), ...(config.args.length > 0 ? { args: config.args } : {}),
      envs: Object.entries(config.env).map(([key, value]) => ({ key, value })),
      mounts: config.mounts.map((m) => ({ container_path: m.containerPath, host_path: m.hostPath, ...(m.readOnly ? { readonly: true } : {}) })),
      labels: config.labels, annotations: config.annotations, log_path: config.logPath,
    },
    runtimeSpec,
  };
}

const namespaces = (netns: string): object[] => [
  { type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, ...(netns === '' ? [] : [{ type: 'network', path: `/var/run/netns/${netns}` }]), { type: 'cgroup' },
];

/** As the systemd driver has it: slice, prefix, name. */
const cgroupsPath = (path: string): string => {
  const [, slice = '', prefix = '', id = ''] = /([^/]*)\/([^/]*)-([0-9a-f]+)\.scope$/.exec(path) ?? [];
  return slice === '' ? path : `${slice}:${prefix}:${id}`;
};

export function* inspectp(c: Crictl): Op<void> {
  const ids = c.args.rest.length > 0 ? c.args.rest : (yield* selectedPods(c)).map((s) => s.id);
  if (ids.length === 0) throw new CrictlError('No IDs provided or nothing found per filter');
  const documents: object[] = [];
  for (const id of ids) {
    const status = yield* c.runtime.podSandboxStatus(id);
    const info = yield* c.runtime.podSandboxInfo(status.id);
    documents.push({ ...(c.args.is('quiet') ? {} : { info: podInfo(info) }), status: podStatus(c, status, info) });
  }
  output(c, documents);
}

function podStatus(c: Crictl, s: SandboxStatus, { config }: SandboxInfo): object {
  return {
    id: s.id, metadata: { name: s.name, uid: s.uid, namespace: s.namespace, attempt: s.attempt }, state: `SANDBOX_${s.state}`, createdAt: rfc3339Nano(c, s.createdAt),
    network: { additionalIps: [], ip: s.ip },
    linux: {
      namespaces: {
        options: { ipc: 'POD', network: s.hostNetwork ? 'NODE' : 'POD', pid: config.hostPid ? 'NODE' : config.sharePids ? 'POD' : 'CONTAINER', targetId: '', usernsOptions: null },
      },
    },
    labels: s.labels, annotations: {}, runtimeHandler: '',
  };
}

const podInfo = ({ config, image, pid, cgroup, netns }: SandboxInfo): object => ({
  image, pid,
  config: {
    metadata: { name: config.name, uid: config.uid, namespace: config.namespace }, hostname: config.hostname, log_directory: config.logDirectory,
    ...(config.dns === null ? {} : { dns_config: config.dns }), labels: config.labels, linux: { cgroup_parent: config.cgroupParent },
    port_mappings: config.ports.map((p) => ({ container_port: p.containerPort, ...(p.hostPort > 0 ? { host_port: p.hostPort } : {}), ...(p.protocol === 'TCP' ? {} : { protocol: p.protocol }) })),
  },
  runtimeSpec: { hostname: config.hostname, linux: { cgroupsPath: cgroupsPath(cgroup), namespaces: namespaces(netns) }, process: { args: ['/pause'], cwd: '/' } },
});

export function* inspecti(c: Crictl): Op<void> {
  const ids = c.args.rest.length > 0 ? c.args.rest : (yield* c.runtime.listImages()).map((i) => i.id);
  const documents: object[] = [];
  for (const id of ids) {
    const status = yield* c.runtime.imageStatus(id);
    if (status === undefined) throw new CrictlError(`no such image "${id}" present`);
    documents.push({ status: imageJson(status) });
  }
  output(c, documents);
}

export function* info(c: Crictl): Op<void> {
  const { runtimeName } = yield* c.runtime.version();
  const conditions = yield* c.runtime.status();
  const sandboxImage = 'registry.k8s.io/pause:3.10.1';
  const config =
    runtimeName === 'containerd'
      ? {
          containerd: { defaultRuntimeName: 'runc', runtimes: { runc: { runtimeType: 'io.containerd.runc.v2', options: { SystemdCgroup: true } } } },
          cni: { binDir: '/opt/cni/bin', confDir: '/etc/cni/net.d' }, pinnedImages: { sandbox: sandboxImage }, containerdEndpoint: '/run/containerd/containerd.sock',
          containerdRootDir: '/var/lib/containerd',
        }
      : { sandboxImage };
  output(c, [
    {
      config, features: { supplemental_groups_policy: runtimeName !== 'docker' },
      status: { conditions: conditions.map((x) => ({ message: x.message, reason: x.reason, status: x.status, type: x.type })) },
    },
  ]);
}
