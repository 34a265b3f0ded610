// Rules as iptables-save prints them (iptables-nft 1.8: nft_rule_save and the matches' own save functions): addresses,
// interfaces and the protocol first, then the matches in the order in which the rule names them, then the target.

import type { Rule, Target } from './netfilter.ts';

const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;

/** A prefix as iptables-save prints it. */
const prefixed = (cidr: string): string => (cidr.includes('/') ? cidr : `${cidr}/32`);

/** xtables_save_string: quotes around what is not plain. */
const quoted = (text: string): string => (/[^A-Za-z0-9_-]/.test(text) ? `"${text.replace(/["'\\]/g, '\\$&')}"` : text);

const STATES = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'];
const states = (set: readonly string[]): string => STATES.filter((state) => set.includes(state)).join(',');

/** The kernel keeps a probability as a number of 31 bits. */
const probability = (p: number): string => (Math.round(p * 2 ** 31) / 2 ** 31).toFixed(11);

/** One rule in the form of iptables-save. */
export function formatRule(chain: string, r: Rule): string {
  return `-A ${chain}${formatHead(r)}${formatMatches(r)}${formatTarget(r.target)}`;
}

function formatHead(r: Rule): string {
  let out = '';
  if (r.source !== undefined) out += ` -s ${prefixed(r.source)}`;
  if (r.notSource !== undefined) out += ` ! -s ${prefixed(r.notSource)}`;
  if (r.destination !== undefined) out += ` -d ${prefixed(r.destination)}`;
  if (r.notDestination !== undefined) out += ` ! -d ${prefixed(r.notDestination)}`;
  if (r.inInterface !== undefined) out += ` -i ${r.inInterface}`;
  if (r.notInInterface !== undefined) out += ` ! -i ${r.notInInterface}`;
  if (r.outInterface !== undefined) out += ` -o ${r.outInterface}`;
  if (r.notOutInterface !== undefined) out += ` ! -o ${r.notOutInterface}`;
  if (r.protocol !== undefined) out += ` -p ${r.protocol}`;
  return out;
}

function formatMatches(r: Rule): string {
  let out = '';
  let ports = false;
  for (const key in r) {
    switch (key as keyof Rule) {
      case 'comment':
        out += ` -m comment --comment ${quoted(r.comment as string)}`;
        break;
      case 'comments':
        for (const comment of r.comments ?? []) out += ` -m comment --comment ${quoted(comment)}`;
        break;
      case 'destinationPorts':
        out += ` -m multiport --dports ${r.destinationPorts?.map((p) => (typeof p === 'number' ? p : `${p[0]}:${p[1]}`)).join(',')}`;
        break;
      case 'sets':
        for (const { name, flags, not } of r.sets ?? []) out += ` -m set${not === true ? ' !' : ''} --match-set ${name} ${flags}`;
        break;
      case 'protocolModule':
      case 'sourcePort':
      case 'destinationPort':
        if (ports) break;
        ports = true;
        out += ` -m ${r.protocol}`;
        if (r.sourcePort !== undefined) out += ` --sport ${r.sourcePort}`;
        if (r.destinationPort !== undefined) out += ` --dport ${r.destinationPort}`;
        break;
      case 'ctState':
        out += ` -m conntrack --ctstate ${states(r.ctState as readonly string[])}`;
        break;
      case 'notCtState':
        out += ` -m conntrack ! --ctstate ${states(r.notCtState as readonly string[])}`;
        break;
      case 'ctStatus':
        out += ` -m conntrack --ctstatus ${r.ctStatus}`;
        break;
      case 'destinationType':
        out += ` -m addrtype --dst-type ${r.destinationType}`;
        break;
      case 'notDestinationType':
        out += ` -m addrtype ! --dst-type ${r.notDestinationType}`;
        break;
      case 'sourceType':
        out += ` -m addrtype --src-type ${r.sourceType}`;
        break;
      case 'notSourceType':
        out += ` -m addrtype ! --src-type ${r.notSourceType}`;
        break;
      case 'mark':
        if (r.mark !== undefined) out += ` -m mark${r.mark.not ? ' !' : ''} --mark ${hex(r.mark.value)}/${hex(r.mark.mask)}`;
        break;
      case 'set':
        out += ` -m set --match-set ${r.set?.name} ${r.set?.flags}`;
        break;
      case 'rpfilter':
        out += ' -m rpfilter --validmark --invert';
        break;
      case 'nfacct':
        out += ` -m nfacct --nfacct-name  ${r.nfacct}`;
        break;
      case 'recent':
        if (r.recent?.action === 'check') out += ` -m recent --rcheck --seconds ${r.recent.seconds ?? 10800} --reap`;
        if (r.recent?.action === 'set') out += ' -m recent --set';
        if (r.recent !== undefined) out += ` --name ${r.recent.name} --mask 255.255.255.255 --rsource`;
        break;
      case 'probability':
        out += ` -m statistic --mode random --probability ${probability(r.probability as number)}`;
        break;
      default:
        break;
    }
  }
  return out;
}

function formatTarget(t: Target): string {
  switch (t.kind) {
    case 'accept':
    case 'drop':
    case 'return':
      return ` -j ${t.kind.toUpperCase()}`;
    case 'jump':
      return ` -j ${t.chain}`;
    case 'goto':
      return ` -g ${t.chain}`;
    case 'reject':
      return ` -j REJECT --reject-with ${t.with ?? 'icmp-port-unreachable'}`;
    case 'dnat':
      return ` -j DNAT --to-destination ${t.address}${t.port === null ? '' : `:${t.port}`}${t.random ? ' --random' : ''}`;
    case 'snat':
      return ` -j SNAT --to-source ${t.address}${t.randomFully ? ' --random-fully' : ''}`;
    case 'masquerade':
      return ` -j MASQUERADE${t.randomFully ? ' --random-fully' : ''}`;
    case 'mark':
      return ` -j MARK --set-xmark ${hex(t.value)}/${hex(t.mask)}`;
    case 'none':
      return '';
  }
}
