// Which Pod network the operator installs. Flannel is there from the start; the host brings the others before it makes a cluster with one.

import type { Manifest } from './manifest.ts';

export type NetworkKind = 'flannel' | 'calico';

/** The documents of the network's manifest for Pods in a range. */
export type NetworkManifest = (podCidr: string) => readonly Manifest[];

let provided: Readonly<Partial<Record<NetworkKind, NetworkManifest>>> = {};

/** To be called by the host once. */
export function providePodNetworks(networks: Readonly<Partial<Record<NetworkKind, NetworkManifest>>>): void {
  provided = networks;
}

/** @throws Error when nobody has brought it */
export function podNetwork(kind: NetworkKind): NetworkManifest {
  const manifest = provided[kind];
  if (manifest === undefined) throw new Error(`the network ${kind} has not been loaded`);
  return manifest;
}
