// iptables(8): lists the tables (-L, -S), and changes them rule by rule.

import type { Os, Program } from '../machine/process.ts';
import { formatRule } from '../network/iptables-format.ts';
import { BUILT_IN, type Chain, deleteRule, ensureChain, replaceTables, type Rule, type TableName, type Target } from '../network/netfilter.ts';
import type { Netns } from '../network/netns.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { IptablesError, parseRule } from './iptables-parse.ts';
import { chainsInOrder, isBuiltIn } from './iptables-save.ts';

const VERSION = 'iptables v1.8.9 (nf_tables)';

interface Call {
  readonly netns: Netns;
  readonly table: TableName;
  readonly by: string;
}

/** `iptables [-t TABLE] -L|-S|-A|-I|-D|-C|-N|-X|-F|-P …`. */
export const iptablesProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  let table: TableName = 'filter';
  const at = args.findIndex((arg) => arg === '-t' || arg === '--table');
  if (at >= 0) table = args.splice(at, 2)[1] as TableName;
  if (!(table in BUILT_IN)) {
    os.logError(`${VERSION}: can't initialize iptables table \`${table}': Table does not exist (do you need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.`);
    return 3;
  }
  if (args.includes('-V') || args.includes('--version')) {
    os.log(VERSION);
    return 0;
  }
  try {
    const text = run({ netns: netnsOf(os), table, by: os.place }, args);
    if (text !== '') os.write(text);
    return 0;
  } catch (error) {
    if (!(error instanceof IptablesError)) throw error;
    os.logError(error.message.startsWith('iptables') ? error.message : `${VERSION}: ${error.message}\nTry \`iptables -h' or 'iptables --help' for more information.`);
    return error.message.startsWith('iptables') ? 1 : 2;
  }
};

const COMMANDS: Readonly<Record<string, string>> = {
  '--list': '-L', '--list-rules': '-S', '--append': '-A', '--insert': '-I', '--delete': '-D', '--check': '-C', '--new-chain': '-N', '--new': '-N', '--delete-chain': '-X',
  '--flush': '-F', '--policy': '-P',
};

function run(call: Call, args: readonly string[]): string {
  // Letters may stand together: -nvL, -vnL INPUT, --line-numbers.
  const words = args.flatMap((arg) => (/^-[nvxL]{2,}$/.test(arg) ? [...arg.slice(1)].map((letter) => `-${letter}`) : [COMMANDS[arg] ?? arg]));
  const options = new Set(['-n', '--numeric', '-v', '--verbose', '-x', '--line-numbers', '-w', '--wait']);
  const plain = words.filter((word) => !options.has(word));
  const at = plain.findIndex((word) => /^-[LSADICNXFP]$/.test(word));
  if (at < 0) throw new IptablesError('no command specified');
  const command = plain[at] as string;
  const [chain = '', ...rest] = [...plain.slice(at + 1), ...plain.slice(0, at)];
  const { netns, table, by } = call;
  switch (command) {
    case '-L':
      return list(call, chain, { verbose: words.includes('-v') || words.includes('--verbose'), numbers: words.includes('--line-numbers') });
    case '-S':
      return listRules(call, chain);
    case '-N':
      if (netns.rules.chain(table, chain) !== undefined) throw new IptablesError('iptables: Chain already exists.');
      ensureChain(netns, table, chain, by);
      return '';
    case '-P':
      replaceTables(netns, { [table]: { chains: [{ name: chain, policy: rest[0] === 'DROP' ? 'DROP' : 'ACCEPT', rules: chainOf(call, chain).rules }] } }, by);
      return '';
    case '-F':
      replaceTables(netns, { [table]: { chains: chainsInOrder(netns, table).filter((c) => chain === '' || chainOf(call, chain).name === c.name).map((c) => ({ ...(c.policy === undefined ? {} : { policy: c.policy }), name: c.name, rules: [] })) } }, by);
      return '';
    case '-X':
      removeChains(call, chain);
      return '';
    default:
      return change(call, command, chain, rest);
  }
}

function chainOf({ netns, table }: Call, name: string): Chain {
  const chain = netns.rules.chain(table, name);
  if (chain === undefined) throw new IptablesError('iptables: No chain/target/match by that name.');
  return chain;
}

/** Who jumps to a chain. */
const references = ({ netns, table }: Call, name: string): number =>
  netns.rules.chains(table).reduce((sum, c) => sum + c.rules.filter((r) => (r.target.kind === 'jump' || r.target.kind === 'goto') && r.target.chain === name).length, 0);

function removeChains(call: Call, only: string): void {
  const { netns, table, by } = call;
  const names = only === '' ? netns.rules.chains(table).map((c) => c.name) : [chainOf(call, only).name];
  const own = names.filter((name) => !isBuiltIn(table, name));
  for (const name of own) {
    if ((netns.rules.chain(table, name) as Chain).rules.length > 0) throw new IptablesError('iptables: Directory not empty.');
    if (references(call, name) > 0) throw new IptablesError('iptables: Too many links.');
  }
  replaceTables(netns, { [table]: { chains: [], remove: own } }, by);
}

function change(call: Call, command: string, chain: string, rest: readonly string[]): string {
  const { netns, table, by } = call;
  const { rules } = chainOf(call, chain);
  const number = /^\d+$/.test(rest[0] ?? '') ? Number(rest[0]) : null;
  const put = (next: readonly Rule[]): void => replaceTables(netns, { [table]: { chains: [{ name: chain, rules: next }] } }, by);
  if (command === '-D' && number !== null) {
    if (number < 1 || number > rules.length) throw new IptablesError('iptables: Index of deletion too big.');
    put(rules.toSpliced(number - 1, 1));
    return '';
  }
  const rule = parseRule(command === '-I' && number !== null ? rest.slice(1) : rest);
  const { target } = rule;
  if ((target.kind === 'jump' || target.kind === 'goto') && netns.rules.chain(table, target.chain) === undefined) {
    throw new IptablesError(`Chain '${target.chain}' does not exist`);
  }
  if (command === '-A') put([...rules, rule]);
  else if (command === '-I') put(rules.toSpliced((number ?? 1) - 1, 0, rule));
  else if (command === '-C') {
    const text = formatRule(chain, rule);
    if (!rules.some((r) => formatRule(chain, r) === text)) throw new IptablesError('iptables: Bad rule (does a matching rule exist in that chain?).');
  } else if (!deleteRule(netns, table, chain, rule, by)) throw new IptablesError('iptables: Bad rule (does a matching rule exist in that chain?).');
  return '';
}

function listRules(call: Call, only: string): string {
  const chains = only === '' ? chainsInOrder(call.netns, call.table) : [chainOf(call, only)];
  const heads = chains.map((c) => (isBuiltIn(call.table, c.name) ? `-P ${c.name} ${c.policy ?? 'ACCEPT'}\n` : `-N ${c.name}\n`));
  return heads.join('') + chains.flatMap((c) => c.rules.map((r) => `${formatRule(c.name, r)}\n`)).join('');
}

interface ListOptions {
  readonly verbose: boolean;
  readonly numbers: boolean;
}

function list(call: Call, only: string, options: ListOptions): string {
  const chains = only === '' ? chainsInOrder(call.netns, call.table) : [chainOf(call, only)];
  return chains
    .map((c) => {
      const n = references(call, c.name);
      const counts = options.verbose ? (isBuiltIn(call.table, c.name) ? ' 0 packets, 0 bytes' : '') : '';
      const title = isBuiltIn(call.table, c.name) ? `policy ${c.policy ?? 'ACCEPT'}${counts}` : `${n} references`;
      const head = `${options.numbers ? 'num  ' : ''}${options.verbose ? ' pkts bytes target     prot opt in     out     source               destination         ' : 'target     prot opt source               destination         '}`;
      return `Chain ${c.name} (${title})\n${head}\n${c.rules.map((r, i) => `${options.numbers ? String(i + 1).padEnd(5) : ''}${line(r, options.verbose)}\n`).join('')}`;
    })
    .join('\n');
}

const NUMBERS: Readonly<Record<string, string>> = { tcp: '6', udp: '17', icmp: '1', sctp: '132', ipencap: '4' };

function line(r: Rule, verbose: boolean): string {
  const from = (address: string | undefined, not: string | undefined): string => (not !== undefined ? `!${not}` : (address ?? '0.0.0.0/0'));
  const name = (text: string | undefined, not: string | undefined): string => (not !== undefined ? `!${not}` : (text ?? '*'));
  const protocol = r.protocol === undefined ? '0' : (NUMBERS[r.protocol] ?? r.protocol);
  const start = `${targetName(r.target).padEnd(10)} ${protocol.padEnd(4)} -- `;
  const ends = `${from(r.source, r.notSource).padEnd(20)} ${from(r.destination, r.notDestination).padEnd(20)}`;
  const matches = details(r);
  if (!verbose) return `${start} ${ends}${matches}`;
  return `    0     0 ${start} ${name(r.inInterface, r.notInInterface).padEnd(6)} ${name(r.outInterface, r.notOutInterface).padEnd(6)}  ${ends}${matches}`;
}

function targetName(t: Target): string {
  switch (t.kind) {
    case 'jump':
    case 'goto':
      return t.chain;
    case 'none':
      return '';
    default:
      return t.kind.toUpperCase();
  }
}

/** The matches and the target's options, as -L tells them. */
function details(r: Rule): string {
  let out = r.target.kind === 'goto' ? ' [goto] ' : '';
  let ports = false;
  const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;
  for (const key in r) {
    switch (key as keyof Rule) {
      case 'comment': out += ` /* ${r.comment} */`; break;
      case 'comments': for (const comment of r.comments ?? []) out += ` /* ${comment} */`; break;
      case 'sets': for (const { name, flags, not } of r.sets ?? []) out += `${not === true ? ' !' : ''} match-set ${name} ${flags}`; break;
      case 'set': out += ` match-set ${r.set?.name} ${r.set?.flags}`; break;
      case 'destinationPorts': out += ` multiport dports ${r.destinationPorts?.map((p) => (typeof p === 'number' ? p : p.join(':'))).join(',')}`; break;
      case 'rpfilter': out += ' rpfilter validmark invert'; break;
      case 'protocolModule': case 'sourcePort': case 'destinationPort':
        if (ports) break;
        ports = true;
        out += ` ${r.protocol}${r.sourcePort === undefined ? '' : ` spt:${r.sourcePort}`}${r.destinationPort === undefined ? '' : ` dpt:${r.destinationPort}`}`;
        break;
      case 'ctState': out += ` ctstate ${r.ctState?.join(',')}`; break;
      case 'notCtState': out += ` ! ctstate ${r.notCtState?.join(',')}`; break;
      case 'ctStatus': out += ` ctstatus ${r.ctStatus}`; break;
      case 'destinationType': out += ' ADDRTYPE match dst-type LOCAL'; break;
      case 'notDestinationType': out += ' ADDRTYPE match dst-type !LOCAL'; break;
      case 'sourceType': out += ' ADDRTYPE match src-type LOCAL'; break;
      case 'notSourceType': out += ' ADDRTYPE match src-type !LOCAL'; break;
      case 'mark': if (r.mark) out += ` mark match ${r.mark.not ? '! ' : ''}${hex(r.mark.value)}/${hex(r.mark.mask)}`; break;
      case 'nfacct': out += ` nfacct-name  ${r.nfacct}`; break;
      case 'recent':
        if (r.recent) out += ` recent: ${r.recent.action === 'set' ? 'SET' : `CHECK seconds: ${r.recent.seconds} reap`} name: ${r.recent.name} side: source mask: 255.255.255.255`;
        break;
      case 'probability': out += ` statistic mode random probability ${(Math.round((r.probability ?? 0) * 2 ** 31) / 2 ** 31).toFixed(11)}`; break;
      default: break;
    }
  }
  return out + targetDetails(r.target);
}

function targetDetails(t: Target): string {
  const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;
  switch (t.kind) {
    case 'dnat': return ` to:${t.address}${t.port === null ? '' : `:${t.port}`}`;
    case 'snat': return ` to:${t.address}${t.randomFully ? ' random-fully' : ''}`;
    case 'masquerade': return t.randomFully ? ' random-fully' : '';
    case 'reject': return ` reject-with ${t.with ?? 'icmp-port-unreachable'}`;
    case 'mark':
      if (t.mask === 0) return ` MARK xor ${hex(t.value)}`;
      return t.mask === t.value ? ` MARK or ${hex(t.value)}` : ` MARK xset ${hex(t.value)}/${hex(t.mask)}`;
    default: return '';
  }
}
