// The commands of network-tools in containers: those that busybox has too, and the chest of an image for finding faults.

import { BASIC_NETWORK_PROGRAMS, TABLE_PROGRAMS } from '../../../network-tools/commands.ts';
import type { Program } from '../../../machine/process.ts';
import type { Applet } from '../applet.ts';
import { programApplet } from '../program-applet.ts';

const appletsOf = (programs: Readonly<Record<string, Program>>): Readonly<Record<string, Applet>> =>
  Object.fromEntries(Object.entries(programs).map(([name, program]) => [name, programApplet(program)]));

const ALL = appletsOf({ ...BASIC_NETWORK_PROGRAMS, ...TABLE_PROGRAMS });

const pick = (...names: readonly string[]): Readonly<Record<string, Applet>> => Object.fromEntries(names.map((name) => [name, ALL[name] as Applet]));

export const BUSYBOX_NETWORK_APPLETS = pick('ip', 'ifconfig', 'route', 'arp', 'traceroute');

export const FAULT_APPLETS = ALL;
