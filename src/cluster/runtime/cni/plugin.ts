// What a CNI plug-in is (CNI specification 1.0): ADD gives a network namespace an interface, DEL takes it away.
// A configuration list (/etc/cni/net.d/*.conflist) names plug-ins that run one after another.

import type { Machine } from '../../machine/machine.ts';
import type { Os } from '../../machine/process.ts';
import type { Netns } from '../../network/netns.ts';
import type { Op } from '../../sim/simulation.ts';
import type { PortMapping } from '../cri.ts';

/** An error as the plug-in prints it; the runtime wraps it. */
export class CniError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CniError';
  }
}

export interface CniInterface {
  readonly name: string;
  readonly mac: string;
  /** The namespace it is in; '' = the host's. */
  readonly sandbox: string;
}

export interface CniIp {
  /** With prefix length: 10.244.1.5/24. */
  readonly address: string;
  readonly gateway: string;
}

export interface CniRoute {
  readonly dst: string;
  readonly gw?: string;
}

export interface CniResult {
  readonly interfaces: readonly CniInterface[];
  readonly ips: readonly CniIp[];
  readonly routes: readonly CniRoute[];
}

export const EMPTY_RESULT: CniResult = Object.freeze({ interfaces: [], ips: [], routes: [] });

/** One entry of a configuration list, as JSON says it. */
export interface PluginConf {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface NetworkConfList {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConf[];
}

/** The environment of a plug-in's call (CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS). */
export interface CniArgs {
  readonly machine: Machine;
  readonly netns: Netns;
  readonly containerId: string;
  readonly ifName: string;
  readonly networkName: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly portMappings: readonly PortMapping[];
}

export interface CniPlugin {
  /** Throws CniError. `previous` is the result of the plug-in before. */
  add(args: CniArgs, conf: PluginConf, previous: CniResult): CniResult;
  /** Must bear that there is nothing left to delete. */
  del(args: CniArgs, conf: PluginConf, previous: CniResult): void;
}

/** One that must ask others before it has an answer; `os` is the runtime's. */
export interface WaitingPlugin {
  readonly waits: true;
  /** Throws CniError. */
  add(os: Os, args: CniArgs, conf: PluginConf, previous: CniResult): Op<CniResult>;
  del(os: Os, args: CniArgs, conf: PluginConf, previous: CniResult): Op<void>;
}

let provided: Readonly<Record<string, WaitingPlugin>> = {};

/** Given by the host: plug-ins that a new cluster does not start with. */
export function provideCniPlugins(plugins: Readonly<Record<string, WaitingPlugin>>): void {
  provided = plugins;
}

/** A plug-in that the host gave, if it also lies in /opt/cni/bin of the machine. */
export const providedPlugin = (type: string, machine: Machine): WaitingPlugin | undefined => (provided[type] !== undefined && machine.files.exists(`/opt/cni/bin/${type}`) ? provided[type] : undefined);
