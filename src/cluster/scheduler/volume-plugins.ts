// The volume plugins' places in a profile. What they do is loaded by the host once its cluster runs (plugins/volumes.ts); a Pod
// without such volumes passes them by.

import type { Client } from '../client/client.ts';
import { type Plugin, SKIP, unresolvable } from './framework/types.ts';
import { type StorageObjects, usesStorage } from './storage-objects.ts';

export type VolumePluginName = 'VolumeRestrictions' | 'NodeVolumeLimits' | 'VolumeBinding' | 'VolumeZone';
export type VolumePlugins = Readonly<Record<VolumePluginName, Plugin>>;
type Maker = (objects: StorageObjects, client: Client) => VolumePlugins;

let maker: Maker | null = null;

/** To be called by the host once, with plugins/volumes.ts's `volumePlugins`, before anybody makes a claim. */
export function provideVolumePlugins(provided: Maker): void {
  maker = provided;
}

const NOT_YET = unresolvable('waiting for the storage objects to be read');
const made = new WeakMap<StorageObjects, VolumePlugins>();

function madeFor(objects: StorageObjects, client: Client): VolumePlugins | null {
  const known = made.get(objects);
  if (known !== undefined) return known;
  if (maker === null) return null;
  const plugins = maker(objects, client);
  made.set(objects, plugins);
  return plugins;
}

/** A plugin that asks the real one. */
export function volumePlugin(name: VolumePluginName, objects: StorageObjects, client: Client): Plugin {
  const real = (): Plugin | undefined => madeFor(objects, client)?.[name];
  const plugin: Plugin = {
    name,
    get events() {
      return real()?.events ?? [];
    },
    preFilter(pod, snapshot) {
      if (!usesStorage(pod.pod)) return { status: SKIP };
      return real()?.preFilter?.(pod, snapshot) ?? { status: SKIP };
    },
    filter: (state, pod, node) => real()?.filter?.(state, pod, node) ?? null,
    addPod: (state, pod, other, node) => real()?.addPod?.(state, pod, other, node) ?? state,
    removePod: (state, pod, other, node) => real()?.removePod?.(state, pod, other, node) ?? state,
  };
  if (name !== 'VolumeBinding') return plugin;
  return {
    ...plugin,
    get events() {
      return real()?.events ?? [];
    },
    follow: (move) => objects.follow(move),
    /** Not an extension that upstream's has: its informers run from the start. */
    preEnqueue(pod) {
      if (objects.ready || !usesStorage(pod.pod) || maker === null) return null;
      objects.start();
      return objects.ready ? null : NOT_YET;
    },
    reserve: (pod, node) => (usesStorage(pod) ? (real()?.reserve?.(pod, node) ?? null) : null),
    unreserve(pod, node) {
      if (usesStorage(pod)) real()?.unreserve?.(pod, node);
    },
    willPreBind: (pod, node) => usesStorage(pod) && (real()?.willPreBind?.(pod, node) ?? false),
    *preBind(pod, node) {
      const plugin = real();
      return plugin?.preBind ? yield* plugin.preBind(pod, node) : null;
    },
  };
}
