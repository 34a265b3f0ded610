// The portmap plug-in: hostPort by destination NAT in the host's namespace (containernetworking/plugins meta/portmap).

import { deleteRule, ensureChain, ensureRule, type Rule } from '../../network/netfilter.ts';
import { Netns } from '../../network/netns.ts';
import { hash32 } from '../../sim/random.ts';
import type { PortMapping } from '../cri.ts';
import type { CniArgs, CniPlugin, CniResult } from './plugin.ts';

const TOP = 'CNI-HOSTPORT-DNAT';
const toLocal: Rule = { destinationType: 'LOCAL', target: { kind: 'jump', chain: TOP } };

const protocolOf = (p: PortMapping): 'tcp' | 'udp' => (p.protocol === 'UDP' ? 'udp' : 'tcp');

function rulesFor(args: CniArgs, result: CniResult): readonly Rule[] {
  const address = result.ips[0]?.address ?? '';
  const ip = address.slice(0, address.indexOf('/'));
  const comment = `dnat name: "${args.networkName}" id: "${args.containerId}"`;
  return args.portMappings.map((p) => ({
    comment,
    protocol: protocolOf(p),
    destinationPort: p.hostPort,
    ...(p.hostIp === '' || p.hostIp === '0.0.0.0' ? {} : { destination: p.hostIp }),
    target: { kind: 'dnat', address: ip, port: p.containerPort },
  }));
}

export const portmap: CniPlugin = {
  add(args, _conf, previous) {
    const host = args.machine.hostNetns;
    if (args.portMappings.length === 0 || !(host instanceof Netns)) return previous;
    const by = `${args.machine.place}/cni/portmap`;
    const chain = `CNI-DN-${hash32(args.containerId).toString(16)}`;
    ensureChain(host, 'nat', TOP, by);
    ensureRule(host, 'nat', 'PREROUTING', toLocal, 'append', by);
    ensureRule(host, 'nat', 'OUTPUT', toLocal, 'append', by);
    ensureChain(host, 'nat', chain, by);
    for (const rule of rulesFor(args, previous)) {
      ensureRule(host, 'nat', chain, rule, 'append', by);
      ensureRule(host, 'nat', TOP, jumpTo(chain, rule), 'append', by);
    }
    return previous;
  },

  del(args, _conf, previous) {
    const host = args.machine.hostNetns;
    if (args.portMappings.length === 0 || !(host instanceof Netns)) return;
    const by = `${args.machine.place}/cni/portmap`;
    const chain = `CNI-DN-${hash32(args.containerId).toString(16)}`;
    for (const rule of rulesFor(args, previous)) {
      deleteRule(host, 'nat', TOP, jumpTo(chain, rule), by);
      deleteRule(host, 'nat', chain, rule, by);
    }
  },
};

const jumpTo = (chain: string, { target: _, ...match }: Rule): Rule => ({ ...match, target: { kind: 'jump', chain } });
