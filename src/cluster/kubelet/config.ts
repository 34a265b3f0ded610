// The kubelet's configuration: /var/lib/kubelet/config.yaml (KubeletConfiguration v1beta1) and the few flags that remain.

import { quantityMilli } from '../api/quantity.ts';
import { parseYaml } from '../api/yaml.ts';
import type { Files } from '../machine/files.ts';
import { MINUTE, SECOND, type Micros } from '../sim/time.ts';
import { DEFAULT_HARD, parseThresholds, type Threshold } from './eviction-thresholds.ts';
import { CONTAINERD_SOCKET } from '../runtime/runtime-kind.ts';

export interface KubeletConfig {
  readonly nodeName: string;
  /** '' = the machine's first address. */
  readonly nodeIp: string;
  readonly kubeconfig: string;
  readonly bootstrapKubeconfig: string;
  readonly runtimeSocket: string;
  readonly staticPodPath: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly resolvConf: string;
  readonly maxPods: number;
  readonly port: number;
  readonly healthzPort: number;
  /** authentication.x509.clientCAFile */
  readonly clientCaFile: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly registerWithTaints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly nodeStatusUpdateFrequency: Micros;
  readonly nodeStatusReportFrequency: Micros;
  readonly nodeLeaseDurationSeconds: number;
  readonly serializeImagePulls: boolean;
  readonly systemReserved: Readonly<Record<string, string>>;
  readonly kubeReserved: Readonly<Record<string, string>>;
  readonly evictionThresholds: readonly Threshold[];
  /** How long a pressure is shown after it was last seen. */
  readonly evictionPressureTransitionPeriod: Micros;
  /** Seconds that a Pod gets when it goes for a soft threshold. */
  readonly evictionMaxPodGracePeriod: number;
  readonly maxContainerRestartPeriod: Micros;
  /** Feature gate EventedPLEG (alpha, off): the runtime tells what happens to containers; else the kubelet looks once a second. */
  readonly eventedPleg: boolean;
  /** Bytes at which a container's log is rotated, and how many files of it are kept. */
  readonly containerLogMaxSize: number;
  readonly containerLogMaxFiles: number;
  readonly imageMinimumGcAge: Micros;
  /** Per cent of the disk. */
  readonly imageGcHighThreshold: number;
  readonly imageGcLowThreshold: number;
  /** How long a machine's shutdown waits for Pods, and how much of that is kept for critical ones; 0: it does not wait. */
  readonly shutdownGracePeriod: Micros;
  readonly shutdownGracePeriodCriticalPods: Micros;
}

const DEFAULT_CONFIG_FILE = '/var/lib/kubelet/config.yaml';
const DURATION = /(\d+(?:\.\d+)?)(h|ms|m|s)/g;
const UNIT: Readonly<Record<string, Micros>> = { h: 3600 * SECOND, m: MINUTE, s: SECOND, ms: 1000 };

/** Go's duration text to microseconds; `fallback` for nothing or "0s" (which the defaults replace). */
export function parseDuration(value: unknown, fallback: Micros): Micros {
  if (typeof value !== 'string') return fallback;
  let total = 0;
  for (const m of value.matchAll(DURATION)) total += Number(m[1]) * (UNIT[m[2] as string] as Micros);
  return total > 0 ? total : fallback;
}

/** Throws Error when the file is missing or not a KubeletConfiguration (the kubelet then exits with code 1). */
export function loadConfig(argv: readonly string[], files: Files, hostname: string): KubeletConfig {
  const flags = parseFlags(argv);
  const path = flags.get('config') ?? DEFAULT_CONFIG_FILE;
  if (!files.exists(path)) {
    throw new Error(`failed to load kubelet config file, path: ${path}, error: failed to load Kubelet config file ${path}, error failed to read kubelet config file "${path}", error: open ${path}: no such file or directory`);
  }
  const file = parseYaml(files.read(path)) as Record<string, unknown> | null;
  if (file === null || file['kind'] !== 'KubeletConfiguration') {
    throw new Error(`failed to load kubelet config file, path: ${path}, error: no kind "KubeletConfiguration" is registered`);
  }
  const text = (key: string, fallback: string): string => (typeof file[key] === 'string' && file[key] !== '' ? (file[key] as string) : fallback);
  const number = (key: string, fallback: number): number => (typeof file[key] === 'number' && file[key] !== 0 ? (file[key] as number) : fallback);
  const map = (key: string): Readonly<Record<string, string>> => stringMap(file[key]);
  const frequency = parseDuration(file['nodeStatusUpdateFrequency'], 10 * SECOND);
  const socket = flags.get('container-runtime-endpoint') ?? text('containerRuntimeEndpoint', `unix://${CONTAINERD_SOCKET}`);
  const crash = file['crashLoopBackOff'] as { maxContainerRestartPeriod?: unknown } | undefined;
  return {
    nodeName: (flags.get('hostname-override') ?? hostname).toLowerCase(),
    nodeIp: flags.get('node-ip') ?? '',
    kubeconfig: flags.get('kubeconfig') ?? '',
    bootstrapKubeconfig: flags.get('bootstrap-kubeconfig') ?? '',
    runtimeSocket: socket.startsWith('unix://') ? socket.slice('unix://'.length) : socket,
    staticPodPath: flags.get('pod-manifest-path') ?? text('staticPodPath', ''),
    clusterDns: Array.isArray(file['clusterDNS']) ? (file['clusterDNS'] as readonly unknown[]).map(String) : [],
    clusterDomain: text('clusterDomain', ''),
    resolvConf: text('resolvConf', '/etc/resolv.conf'),
    maxPods: number('maxPods', 110),
    port: number('port', 10250),
    healthzPort: number('healthzPort', 10248),
    clientCaFile: (file['authentication'] as { x509?: { clientCAFile?: string } } | undefined)?.x509?.clientCAFile ?? '',
    nodeLabels: pairs(flags.get('node-labels') ?? ''),
    registerWithTaints: taints(file['registerWithTaints'], flags.get('register-with-taints') ?? ''),
    nodeStatusUpdateFrequency: frequency,
    nodeStatusReportFrequency: parseDuration(file['nodeStatusReportFrequency'], Math.max(frequency, 5 * MINUTE)),
    nodeLeaseDurationSeconds: number('nodeLeaseDurationSeconds', 40),
    serializeImagePulls: file['serializeImagePulls'] !== false,
    systemReserved: map('systemReserved'),
    kubeReserved: map('kubeReserved'),
    evictionThresholds: evictionThresholds(file),
    evictionPressureTransitionPeriod: parseDuration(file['evictionPressureTransitionPeriod'], 5 * MINUTE),
    evictionMaxPodGracePeriod: number('evictionMaxPodGracePeriod', 0),
    maxContainerRestartPeriod: parseDuration(crash?.maxContainerRestartPeriod, 5 * MINUTE),
    eventedPleg: (file['featureGates'] as { EventedPLEG?: unknown } | undefined)?.EventedPLEG === true,
    containerLogMaxSize: quantityMilli(text('containerLogMaxSize', '10Mi')) / 1000,
    containerLogMaxFiles: number('containerLogMaxFiles', 5),
    imageMinimumGcAge: parseDuration(file['imageMinimumGCAge'], 2 * MINUTE),
    imageGcHighThreshold: number('imageGCHighThresholdPercent', 85),
    imageGcLowThreshold: number('imageGCLowThresholdPercent', 80),
    shutdownGracePeriod: parseDuration(file['shutdownGracePeriod'], 0),
    shutdownGracePeriodCriticalPods: parseDuration(file['shutdownGracePeriodCriticalPods'], 0),
  };
}

/** Throws Error when the configuration does not hold together. */
function evictionThresholds(file: Readonly<Record<string, unknown>>): readonly Threshold[] {
  const given = file['evictionHard'] === undefined || file['evictionHard'] === null ? undefined : stringMap(file['evictionHard']);
  const merged = file['mergeDefaultEvictionSettings'] === true ? { ...DEFAULT_HARD, ...given } : (given ?? DEFAULT_HARD);
  const enforced = file['enforceNodeAllocatable'];
  const settings = {
    hard: merged,
    soft: stringMap(file['evictionSoft']),
    softGrace: stringMap(file['evictionSoftGracePeriod']),
    minReclaim: stringMap(file['evictionMinimumReclaim']),
    allocatable: !Array.isArray(enforced) || enforced.includes('pods'),
  };
  return parseThresholds(settings, (text) => (/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text) ? parseDuration(text, 0) : undefined));
}

/** `--name=value` and `--name value`; a bare `--name` is 'true'. */
export function parseFlags(argv: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i] as string;
    if (!arg.startsWith('--')) continue;
    const eq = arg.indexOf('=');
    const next = argv[i + 1];
    if (eq > 0) flags.set(arg.slice(2, eq), arg.slice(eq + 1));
    else if (next !== undefined && !next.startsWith('--')) flags.set(arg.slice(2), argv[++i] as string);
    else flags.set(arg.slice(2), 'true');
  }
  return flags;
}

function stringMap(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, String(v)]));
}

function pairs(text: string): Readonly<Record<string, string>> {
  const entries = text.split(',').filter((p) => p !== '').map((p) => p.split('=') as [string, string | undefined]);
  return Object.fromEntries(entries.map(([k, v]) => [k, v ?? '']));
}

/** `key=value:effect,…` or the configuration's list. */
function taints(list: unknown, flag: string): KubeletConfig['registerWithTaints'] {
  if (Array.isArray(list)) return list as KubeletConfig['registerWithTaints'];
  return flag.split(',').filter((t) => t !== '').map((t) => {
    const colon = t.lastIndexOf(':');
    const [key = '', value] = t.slice(0, colon).split('=');
    return { key, effect: t.slice(colon + 1), ...(value ? { value } : {}) };
  });
}
