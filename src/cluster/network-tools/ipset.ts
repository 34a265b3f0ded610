// ipset(8): the sets that iptables rules ask, shown and changed.

import type { Os, Program } from '../machine/process.ts';
import { netSetHas, replaceIpset } from '../network/ipset.ts';
import { parseIp } from '../network/ip.ts';
import { BUILT_IN, type Ipset, type TableName } from '../network/netfilter.ts';
import type { Netns } from '../network/netns.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';

const VERSION = 'ipset v7.17';
const ALIASES: Readonly<Record<string, string>> = { '-L': 'list', '--list': 'list', '-S': 'save', '--save': 'save', '-T': 'test', '--test': 'test', '-A': 'add', '--add': 'add', '-D': 'del', '--del': 'del', '-N': 'create', '--create': 'create', n: 'create', '-X': 'destroy', '--destroy': 'destroy', '-F': 'flush', '--flush': 'flush' };

/** `ipset list|save|test|add|del|create|destroy|flush …`. */
export const ipsetProgram: Program = function* (os: Os): Op<number> {
  const all = os.argv.slice(1).map((arg) => ALIASES[arg] ?? arg);
  const [command = 'list', ...words] = all.filter((arg) => !arg.startsWith('-'));
  const netns = netnsOf(os);
  const [name, ...rest] = words;
  const problem = run(os, netns, command, name, rest, new Set(all.filter((arg) => arg.startsWith('-'))));
  if (problem === null) return 0;
  os.logError(`${VERSION}: ${problem}`);
  return 1;
};

const MISSING = 'The set with the given name does not exist';

function run(os: Os, netns: Netns, command: string, name: string | undefined, rest: readonly string[], options: ReadonlySet<string>): string | null {
  const sets: ReadonlyMap<string, Ipset> = netns.rulesIfAny?.ipsets ?? new Map<string, Ipset>();
  const set = name === undefined ? undefined : sets.get(name);
  if (command === 'create') {
    if (name === undefined || rest[0] === undefined) return 'Missing mandatory argument to command create';
    if (set !== undefined) return 'Set cannot be created: set with the same name already exists';
    replaceIpset(netns, name, { type: rest[0], elements: new Set() }, os.place);
    return null;
  }
  if (name !== undefined && set === undefined) return MISSING;
  const elements = (change: (old: Set<string>) => unknown): null => {
    if (name === undefined || set === undefined) return null;
    const next = new Set(set.elements);
    change(next);
    replaceIpset(netns, name, { ...set, elements: next }, os.place);
    return null;
  };
  const [element = ''] = rest;
  switch (command) {
    case 'list':
      for (const [own, one] of sets) if (name === undefined || name === own) os.log(options.has('-n') || options.has('-name') ? own : describe(netns, own, one, !options.has('-t') && !options.has('-terse')));
      return null;
    case 'save':
      for (const [own, one] of sets) {
        if (name !== undefined && name !== own) continue;
        os.log(`create ${own} ${one.type} ${header(one)}`);
        for (const e of one.elements) os.log(`add ${own} ${e}`);
      }
      return null;
    case 'test': {
      const has = set !== undefined && (set.type === 'hash:net' && parseIp(element) >= 0 ? netSetHas(set, parseIp(element)) : set.elements.has(element));
      os.logError(`${has ? 'Warning: ' : ''}${element} is ${has ? '' : 'NOT '}in set ${name ?? ''}.`);
      return has ? null : 'Element is not in the set';
    }
    case 'add':
      return set?.elements.has(element) && !options.has('-exist') ? "Element cannot be added to the set: it's already added" : elements((all) => all.add(element));
    case 'del':
      return !set?.elements.has(element) && !options.has('-exist') ? "Element cannot be deleted from the set: it's not added" : elements((all) => all.delete(element));
    case 'flush':
      return elements((all) => all.clear());
    case 'destroy':
      for (const own of name === undefined ? [...sets.keys()] : [name]) {
        if (references(netns, own) > 0) return 'Set cannot be destroyed: it is in use by a kernel component';
        replaceIpset(netns, own, null, os.place);
      }
      return null;
    default:
      return `unknown argument ${command}`;
  }
}

/** How many rules ask it. */
function references(netns: Netns, name: string): number {
  let n = 0;
  for (const table of Object.keys(BUILT_IN) as TableName[]) {
    for (const chain of netns.rules.chains(table)) for (const rule of chain.rules) if (rule.set?.name === name || rule.sets?.some((s) => s.name === name)) n++;
  }
  return n;
}

function header({ type, maxElements = 65_536 }: Ipset): string {
  return type === 'bitmap:port' ? 'range 0-65535' : `family inet hashsize 1024 maxelem ${maxElements}`;
}

function describe(netns: Netns, name: string, set: Ipset, members: boolean): string {
  const { type, elements } = set;
  const head = `Name: ${name}\nType: ${type}\nRevision: ${type === 'bitmap:port' ? 3 : 6}\nHeader: ${header(set)}\nSize in memory: ${200 + elements.size * 64}\nReferences: ${references(netns, name)}\nNumber of entries: ${elements.size}`;
  return members ? `${head}\nMembers:\n${[...elements].map((e) => `${e}\n`).join('')}` : head;
}
