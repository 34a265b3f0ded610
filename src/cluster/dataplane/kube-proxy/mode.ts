// What the three modes of kube-proxy have in common (proxy.Provider): they take over Services that changed and write the
// kernel's tables.

import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import type { Os } from '../../machine/process.ts';
import type { Netns } from '../../network/netns.ts';
import type { ModeName, ProxyConfiguration } from './configuration.ts';
import type { PortContext } from './port-rules.ts';
import { endpointsOf, type EndpointInfo, type ServicePortInfo, servicePorts } from './service-ports.ts';

/** A Service and its slices as they are now. */
export type ReadService = (key: string) => { readonly service: Service | undefined; readonly slices: readonly EndpointSlice[] };

/** What the ports of Services come to in a mode's own form, and how much that is to write. */
export interface Changes<Entry> {
  readonly changes: readonly { readonly key: string; readonly next: readonly Entry[] }[];
  readonly size: number;
}

/** The Services of `keys` as they are now; one that is gone has no entries. `sizeOf` counts an entry's rules or elements. */
export function changesOf<Entry>(
  keys: Iterable<string>,
  read: ReadService,
  entryOf: (port: ServicePortInfo, endpoints: readonly EndpointInfo[]) => Entry,
  sizeOf: (entry: Entry) => number,
): Changes<Entry> {
  const changes: { key: string; next: readonly Entry[] }[] = [];
  let size = 0;
  for (const key of keys) {
    const { service, slices } = read(key);
    const next = service ? servicePorts(service).map((port) => entryOf(port, endpointsOf(slices, port))) : [];
    changes.push({ key, next });
    for (const entry of next) size += sizeOf(entry);
  }
  return { changes, size };
}

/** What a sync has to write. */
export interface PendingWrite {
  /** Rules (or elements); what the writing costs. 0 without `full`: nothing has to be written. */
  readonly size: number;
  readonly nothing: boolean;
  /** Writes it. `full`: all of it, as at first or after somebody else changed the tables. */
  write(full: boolean): void;
}

export interface ProxyMode {
  readonly name: ModeName;
  /** Rules that depend on Services. */
  readonly count: number;
  /** Takes over what may have changed. */
  take(keys: Iterable<string>, read: ReadService): PendingWrite;
  /** The node's place changed: every Service is taken anew after this. */
  setContext(context: PortContext): void;
  /** Removes what the other modes have left behind. */
  cleanUp(): void;
  /** Hears when somebody removes the tables; undefined where upstream does not look. */
  onLost?(lost: () => void): void;
  /** Tables are there that this mode looks after. */
  readonly isIntact: boolean;
}

export interface ModeOptions {
  readonly os: Os;
  readonly netns: Netns;
  readonly config: ProxyConfiguration;
  readonly context: PortContext;
}

export type MakeMode = (options: ModeOptions) => ProxyMode;

let others: Readonly<Record<'ipvs' | 'nftables', MakeMode>> | null = null;

/** Given by the host: the modes that a new cluster does not start with. */
export function provideProxyModes(modes: Readonly<Record<'ipvs' | 'nftables', MakeMode>>): void {
  others = modes;
}

export const otherMode = (name: 'ipvs' | 'nftables'): MakeMode | undefined => others?.[name];
