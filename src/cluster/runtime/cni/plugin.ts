// What a CNI plug-in is (CNI specification 1.0): ADD gives a network namespace an interface, DEL takes it away.
// A configuration list (/etc/cni/net.d/*.conflist) names plug-ins that run one after another.

import type { Machine } from '../../machine/machine.ts';
import type { Netns } from '../../network/netns.ts';
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
