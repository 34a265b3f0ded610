// What the kubelet's parts share: its process, its configuration, its doors to the API server and to the runtime.

import type { Pod } from '../api/generated/types.ts';
import type { Client } from '../client/client.ts';
import type { Os } from '../machine/process.ts';
import type { Random } from '../sim/random.ts';
import { CALL, type Level, type Subject, type TraceKind, type TraceRecord } from '../sim/trace.ts';
import type { Runtime } from '../runtime/socket.ts';
import type { KubeletConfig } from './config.ts';
import type { Events } from './events.ts';
import type { PodCache } from './pod-cache.ts';

export interface Context {
  readonly os: Os;
  readonly config: KubeletConfig;
  readonly nodeName: string;
  readonly nodeIp: string;
  /** null when the kubelet runs standalone (no kubeconfig). */
  readonly client: Client | null;
  readonly runtime: Runtime;
  /** As the runtime calls itself, the scheme of container ids: `containerd`. */
  readonly runtimeName: string;
  /** `containerd://2.2.1`. */
  readonly runtimeVersion: string;
  readonly cache: PodCache;
  readonly events: Events;
  readonly random: Random;
}

export const podUid = (pod: Pod): string => pod.metadata?.uid ?? '';

/** `namespace/name`. */
export const podKey = (pod: Pod): string => `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`;

/** As upstream's format.Pod: `name_namespace(uid)`. */
export const podText = (pod: Pod): string => `${pod.metadata?.name}_${pod.metadata?.namespace}(${podUid(pod)})`;

/** By UID; the same object for the same Pod. */
const subjects = new Map<string, Subject>();
const MAX_SUBJECTS = 20_000;

export function podSubject(pod: Pod): Subject {
  const { uid = '', namespace = '', name } = pod.metadata;
  const known = subjects.get(uid);
  if (known !== undefined && known.name === name && known.namespace === namespace) return known;
  if (subjects.size >= MAX_SUBJECTS) subjects.clear();
  const made: Subject = { group: '', resource: 'pods', kind: 'Pod', namespace, name };
  subjects.set(uid, made);
  return made;
}

/** Records a step of the kubelet; what follows hangs below it. Detail records without a flow are not made. */
export function step(os: Os, verb: string, subject: Subject | null, detail: unknown, level: Level = CALL, kind: TraceKind = 'kubelet'): TraceRecord | null {
  const { sim, place } = os;
  if (!sim.trace.wants(level, sim.cause)) return null;
  const record = sim.trace.emit(sim.cause, { kind, verb, level, start: sim.now, from: place, subject, detail });
  sim.cause = record;
  return record;
}

export const CONFIG_SOURCE = 'kubernetes.io/config.source';
export const CONFIG_HASH = 'kubernetes.io/config.hash';
export const CONFIG_SEEN = 'kubernetes.io/config.seen';
export const CONFIG_MIRROR = 'kubernetes.io/config.mirror';

/** A Pod from a manifest file on this machine. */
export const isStaticPod = (pod: Pod): boolean => {
  const source = pod.metadata?.annotations?.[CONFIG_SOURCE];
  return source !== undefined && source !== 'api' && pod.metadata?.annotations?.[CONFIG_MIRROR] === undefined;
};

/** The API's reflection of a static Pod. */
export const isMirrorPod = (pod: Pod): boolean => pod.metadata?.annotations?.[CONFIG_MIRROR] !== undefined;

/** Go's duration text for whole milliseconds: 10s, 1m20s, 1.5s, 350ms. */
export function goDuration(micros: number): string {
  if (micros === 0) return '0s';
  if (micros < 1_000_000) return `${Math.floor(micros / 1000)}ms`;
  const totalSeconds = micros / 1_000_000;
  const hours = Math.floor(totalSeconds / 3600);
  const minutes = Math.floor(totalSeconds / 60) % 60;
  const rest = Math.floor((micros % 60_000_000) / 1000) / 1000;
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}
