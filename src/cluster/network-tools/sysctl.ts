// sysctl(8): the settings of the kernel's network that the model has; others are taken and shown as they were set.

import type { Os, Program } from '../machine/process.ts';
import type { ConntrackSettings } from '../network/conntrack.ts';
import type { Netns } from '../network/netns.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';

interface Setting {
  readonly read: (netns: Netns) => string | number;
  readonly write?: (netns: Netns, value: number) => void;
}

const timeout = (name: Exclude<keyof ConntrackSettings, 'max'>): Setting => ({
  read: ({ conntrack }) => conntrack.settings[name] / SECOND,
  write: ({ conntrack }, value) => (conntrack.settings = { ...conntrack.settings, [name]: value * SECOND }),
});

const fixed = (value: string | number): Setting => ({ read: () => value });

const SETTINGS: Readonly<Record<string, Setting>> = {
  'net.bridge.bridge-nf-call-iptables': { read: (netns) => (netns.bridgeCallsIptables ? 1 : 0), write: (netns, value) => (netns.bridgeCallsIptables = value !== 0) },
  'net.ipv4.conf.all.forwarding': { read: (netns) => (netns.ipForward ? 1 : 0), write: (netns, value) => (netns.ipForward = value !== 0) },
  'net.ipv4.ip_forward': { read: (netns) => (netns.ipForward ? 1 : 0), write: (netns, value) => (netns.ipForward = value !== 0) },
  'net.ipv4.ip_default_ttl': fixed(64),
  'net.ipv4.ip_local_port_range': fixed('32768\t60999'),
  'net.ipv4.neigh.default.base_reachable_time_ms': fixed(30_000),
  'net.ipv4.neigh.default.delay_first_probe_time': fixed(5),
  'net.ipv4.tcp_retries2': fixed(15),
  'net.ipv4.tcp_syn_retries': fixed(6),
  'net.netfilter.nf_conntrack_count': { read: ({ conntrack, machine }) => conntrack.list(machine.sim.now).length },
  'net.netfilter.nf_conntrack_icmp_timeout': timeout('icmp'),
  'net.netfilter.nf_conntrack_max': { read: ({ conntrack }) => conntrack.settings.max, write: ({ conntrack }, value) => (conntrack.settings = { ...conntrack.settings, max: value }) },
  'net.netfilter.nf_conntrack_tcp_timeout_close': timeout('close'),
  'net.netfilter.nf_conntrack_tcp_timeout_established': timeout('established'),
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': timeout('synSent'),
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait': timeout('timeWait'),
  'net.netfilter.nf_conntrack_udp_timeout': timeout('udp'),
  'net.netfilter.nf_conntrack_udp_timeout_stream': timeout('udpStream'),
};

/** What was set that the model has no use for. */
const others = new WeakMap<Netns, Map<string, string>>();

/** `sysctl [-w] NAME[=VALUE] …`, `sysctl -n NAME`, `sysctl -a`. */
export const sysctlProgram: Program = function* (os: Os): Op<number> {
  yield* os.sleep(0);
  const args = os.argv.slice(1);
  const netns = netnsOf(os);
  const bare = args.includes('-n');
  const rest = others.get(netns) ?? new Map<string, string>();
  const show = (name: string, value: string | number): void => os.log(bare ? String(value) : `${name} = ${value}`);
  if (args.includes('-a')) {
    for (const [name, setting] of Object.entries(SETTINGS)) show(name, setting.read(netns));
    return 0;
  }
  let code = 0;
  for (const word of args.filter((arg) => !arg.startsWith('-'))) {
    const [key = '', value] = word.split('=', 2).map((part) => part.trim());
    const name = key.replaceAll('/', '.');
    const setting = SETTINGS[name];
    if (value === undefined) {
      const known = setting === undefined ? rest.get(name) : setting.read(netns);
      if (known === undefined) {
        os.logError(`sysctl: cannot stat /proc/sys/${name.replaceAll('.', '/')}: No such file or directory`);
        code = 255;
      } else show(name, known);
      continue;
    }
    if (setting === undefined) {
      rest.set(name, value);
      others.set(netns, rest);
    } else if (setting.write === undefined || !/^\d+$/.test(value)) {
      os.logError(setting.write === undefined ? `sysctl: permission denied on key "${name}"` : `sysctl: setting key "${name}": Invalid argument`);
      code = 255;
      continue;
    } else {
      setting.write(netns, Number(value));
      netns.changed();
      netns.fabric.disturbed();
    }
    show(name, value);
  }
  return code;
};
