// nft(8): the tables of nftables as text.

import type { Os, Program } from '../machine/process.ts';
import type { NftChain, NftMap, NftSet, NftTable, NftVerdict } from '../network/nftables.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';

/** `nft list ruleset|tables|table ip NAME|chain ip TABLE NAME|set …|map …`; what iptables-nft made stands in iptables-save. */
export const nftProgram: Program = function* (os: Os): Op<number> {
  const [verb, what = '', family, name, item] = os.argv.slice(1).filter((arg) => !arg.startsWith('-'));
  const table = netnsOf(os).rulesIfAny?.nft ?? null;
  if (verb === 'delete' && what === 'table' && table !== null && name === table.name) {
    netnsOf(os).rules.replaceNft(null);
    netnsOf(os).rulesChanged('filter');
    return 0;
  }
  if (verb !== 'list') {
    os.logError(`Error: syntax error, unexpected ${verb === undefined ? 'end of file' : 'string'}`);
    return 1;
  }
  const missing = (): number => {
    os.logError(`Error: No such file or directory\nlist ${what} ${family ?? ''} ${name ?? ''}${item === undefined ? '' : ` ${item}`}`);
    return 1;
  };
  if (what === 'tables') {
    if (table !== null) os.log(`table ${table.family} ${table.name}`);
    return 0;
  }
  if (what === 'ruleset') {
    if (table !== null) os.log(formatTable(table));
    return 0;
  }
  if (table === null || family !== table.family || name !== table.name) return missing();
  if (what === 'table') {
    os.log(formatTable(table));
    return 0;
  }
  const lines = what === 'chain' ? of(table.chains, item, formatChain) : what === 'map' ? of(table.maps, item, formatMap) : what === 'set' ? of(table.sets, item, formatSet) : null;
  if (lines === null) return missing();
  os.log(`table ${table.family} ${table.name} {\n${lines}\n}`);
  return 0;
};

function of<T>(items: ReadonlyMap<string, T>, name: string | undefined, format: (item: T) => string): string | null {
  const item = items.get(name ?? '');
  return item === undefined ? null : format(item);
}

function formatTable(table: NftTable): string {
  const parts = [
    ...[...table.sets.values()].map(formatSet),
    ...[...table.maps.values()].map(formatMap),
    ...[...table.chains.values()].map(formatChain),
  ];
  return `table ${table.family} ${table.name} {\n\tcomment "${table.comment}"\n\n${parts.join('\n\n')}\n}`;
}

function formatSet({ name, type, flags, timeout, comment, elements }: NftSet): string {
  const lines = [`\tset ${name} {`, `\t\ttype ${type}`];
  if (flags !== undefined) lines.push(`\t\tsize 65535`, `\t\tflags ${flags}`);
  if (timeout !== undefined) lines.push(`\t\ttimeout ${duration(timeout)}`);
  if (comment !== undefined) lines.push(`\t\tcomment "${comment}"`);
  if (elements.size > 0) lines.push(`\t\telements = { ${[...elements].map(([key, note]) => (note === '' ? key : `${key} comment "${note}"`)).join(',\n\t\t\t     ')} }`);
  return [...lines, '\t}'].join('\n');
}

function formatMap({ name, type, comment, elements }: NftMap): string {
  const lines = [`\tmap ${name} {`, `\t\ttype ${type}`];
  if (comment !== undefined) lines.push(`\t\tcomment "${comment}"`);
  if (elements.size > 0) lines.push(`\t\telements = { ${[...elements].map(([key, v]) => `${key}${v.comment === undefined ? '' : ` comment "${v.comment}"`} : ${verdict(v)}`).join(',\n\t\t\t     ')} }`);
  return [...lines, '\t}'].join('\n');
}

const verdict = (v: NftVerdict): string => (v.chain === undefined ? v.verdict : `${v.verdict} ${v.chain}`);

function formatChain({ name, hook, rules }: NftChain): string {
  const head = hook === undefined ? [] : [`\t\ttype ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy accept;`];
  const texts = rules.flatMap((rule) => (rule.text === '' ? [] : [`\t\t${rule.text}`]));
  return [`\tchain ${name} {`, ...head, ...texts, '\t}'].join('\n');
}

function duration(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${h > 0 ? `${h}h` : ''}${m > 0 ? `${m}m` : ''}${s > 0 ? `${s}s` : ''}`;
}
