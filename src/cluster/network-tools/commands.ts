// The commands about the network that a machine has, and that images for finding faults have too. Loaded after the boot.

import type { Program } from '../machine/process.ts';
import { bridgeProgram } from './bridge.ts';
import { conntrackProgram } from './conntrack.ts';
import { ipProgram } from './ip.ts';
import { nsenterProgram } from './ip-netns.ts';
import { iptablesProgram } from './iptables.ts';
import { iptablesSaveProgram } from './iptables-save-command.ts';
import { arpProgram, ifconfigProgram, routeProgram } from './legacy.ts';
import { ipsetProgram } from './ipset.ts';
import { ipvsadmProgram } from './ipvsadm.ts';
import { nftProgram } from './nft.ts';
import { pingProgram } from './ping.ts';
import { ssProgram } from './ss.ts';
import { sysctlProgram } from './sysctl.ts';
import { tcProgram } from './tc.ts';
import { tcpdumpProgram } from './tcpdump.ts';
import { tracepathProgram, tracerouteProgram } from './traceroute.ts';

type Programs = Readonly<Record<string, Program>>;

/** iproute2, iputils and net-tools: on every machine. */
export const BASIC_NETWORK_PROGRAMS: Programs = {
  ip: ipProgram, bridge: bridgeProgram, ss: ssProgram, ping: pingProgram, traceroute: tracerouteProgram, tracepath: tracepathProgram, tcpdump: tcpdumpProgram, tc: tcProgram,
  ifconfig: ifconfigProgram, route: routeProgram, arp: arpProgram,
};

/** What reads and changes the kernel's tables. */
export const TABLE_PROGRAMS: Programs = {
  iptables: iptablesProgram, 'iptables-save': iptablesSaveProgram, conntrack: conntrackProgram, nsenter: nsenterProgram,
  nft: nftProgram, ipvsadm: ipvsadmProgram, ipset: ipsetProgram, sysctl: sysctlProgram,
};
