// sed: s, d, p, q, a, i, c, y-less; addresses by number, `$` and /expression/, with ranges; -n, -e, -i, -E.

import type { Op } from '../../../sim/simulation.ts';
import { type Applet, AppletError, parseFlags } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { readAll } from '../streams.ts';
import { readInput } from './files.ts';
import { expression } from './text.ts';

type Address = number | '$' | RegExp;

interface Instruction {
  readonly from: Address | null;
  readonly to: Address | null;
  readonly negated: boolean;
  readonly run: (line: string) => { line?: string; print?: string; delete?: boolean; quit?: boolean; after?: string };
  /** A range that has begun. */
  open: boolean;
}

function parse(script: string, extended: boolean): Instruction[] {
  const out: Instruction[] = [];
  let at = 0;
  const address = (): Address | null => {
    const number = /^\d+/.exec(script.slice(at));
    if (number) {
      at += number[0].length;
      return Number(number[0]);
    }
    if (script[at] === '$') {
      at++;
      return '$';
    }
    if (script[at] !== '/') return null;
    return expression(delimited('/'), extended);
  };
  const delimited = (mark: string): string => {
    let text = '';
    for (at++; script[at] !== mark; at++) {
      if (at >= script.length) throw new AppletError(`unmatched '${mark}'`);
      if (script[at] === '\\' && script[at + 1] === mark) at++;
      else if (script[at] === '\\') text += script[at++];
      text += script[at];
    }
    at++;
    return text;
  };
  while (at < script.length) {
    if (/[\s;]/.test(script[at] as string)) {
      at++;
      continue;
    }
    const from = address();
    let to: Address | null = null;
    if (script[at] === ',') {
      at++;
      to = address();
    }
    while (script[at] === ' ') at++;
    const negated = script[at] === '!';
    if (negated) at++;
    const letter = script[at++];
    if (letter === 's') {
      const mark = script[at] as string;
      const pattern = delimited(mark);
      at--;
      const replacement = delimited(mark);
      const flags = /^[gpiI\d]*/.exec(script.slice(at))?.[0] ?? '';
      at += flags.length;
      out.push({ from, to, negated, open: false, run: substitution(expression(pattern, extended, /[iI]/.test(flags) ? 'gi' : 'g'), replacement, flags) });
    } else if (letter === 'd') out.push({ from, to, negated, open: false, run: () => ({ delete: true }) });
    else if (letter === 'p') out.push({ from, to, negated, open: false, run: (line) => ({ print: line }) });
    else if (letter === 'q') out.push({ from, to, negated, open: false, run: () => ({ quit: true }) });
    else if (letter === 'a' || letter === 'i' || letter === 'c') {
      const text = /^\s*\\?\n?([^\n]*)/.exec(script.slice(at)) as RegExpExecArray;
      at += text[0].length;
      const body = text[1] as string;
      out.push({ from, to, negated, open: false, run: () => (letter === 'a' ? { after: body } : letter === 'i' ? { print: body } : { line: body }) });
    } else throw new AppletError(`unsupported command ${letter ?? ''}`);
  }
  return out;
}

function substitution(pattern: RegExp, replacement: string, flags: string): Instruction['run'] {
  const which = Number(/\d+/.exec(flags)?.[0] ?? 0);
  return (line) => {
    let n = 0;
    let done = false;
    const result = line.replace(pattern, (...args: unknown[]) => {
      n++;
      const all = args[0] as string;
      if (which > 0 ? n < which || (n > which && !flags.includes('g')) : n > 1 && !flags.includes('g')) return all;
      done = true;
      return replacement.replace(/\\(\d)|\\n|\\(.)|&/g, (token, group?: string, escaped?: string) => {
        if (group !== undefined) return (args[Number(group)] as string | undefined) ?? '';
        if (token === '\\n') return '\n';
        return escaped ?? all;
      });
    });
    return done && flags.includes('p') ? { line: result, print: result } : { line: result };
  };
}

function applies(i: Instruction, n: number, last: boolean, line: string): boolean {
  const hits = (a: Address): boolean => (a === '$' ? last : typeof a === 'number' ? n === a : line.search(a) >= 0);
  let hit: boolean;
  if (i.from === null) hit = true;
  else if (i.to === null) hit = hits(i.from);
  else {
    hit = i.open || hits(i.from);
    if (hit) i.open = !(i.open ? hits(i.to) : typeof i.to === 'number' && i.to <= n);
  }
  return hit !== i.negated;
}

/** Whole texts: the output of `script` over `text`. */
function edit(script: readonly Instruction[], text: string, quiet: boolean): string {
  const lines = text.split('\n');
  const unfinished = lines.at(-1) !== '';
  if (!unfinished) lines.pop();
  let out = '';
  for (const [n, original] of lines.entries()) {
    let line = original;
    let [deleted, quit, after] = [false, false, ''];
    for (const instruction of script) {
      if (!applies(instruction, n + 1, n === lines.length - 1, line)) continue;
      const did = instruction.run(line);
      if (did.print !== undefined) out += `${did.print}\n`;
      if (did.line !== undefined) line = did.line;
      if (did.after !== undefined) after += `${did.after}\n`;
      quit ||= did.quit ?? false;
      if (!did.delete) continue;
      deleted = true;
      break;
    }
    if (!deleted && !quiet) out += `${line}\n`;
    out += after;
    if (quit) break;
  }
  return out;
}

export const sed: Applet = function* (c): Op<number> {
  const flags = parseFlags(c.args, 'nEre:i');
  const text = flags.value('e') ?? flags.rest[0];
  if (text === undefined) throw new AppletError('no script');
  const script = parse(text, flags.has('E') || flags.has('r'));
  const paths = flags.has('e') ? flags.rest : flags.rest.slice(1);
  if (flags.has('i')) {
    for (const path of paths) c.os.files.write(resolvePath(c.cwd, path), edit(script, yield* readInput(c, path), flags.has('n')));
    return 0;
  }
  if (paths.length > 0) {
    for (const path of paths) yield* c.stdout.write(edit(script, yield* readInput(c, path), flags.has('n')));
    return 0;
  }
  // Scripts that do not look at the end work on what comes, line by line.
  if (script.some((i) => i.from === '$' || i.to === '$' || typeof i.from === 'number')) {
    yield* c.stdout.write(edit(script, yield* readAll(c.stdin), flags.has('n')));
    return 0;
  }
  for (let line = yield* c.stdin.line(); line !== undefined; line = yield* c.stdin.line()) {
    yield* c.stdout.write(edit(script, `${line}\n`, flags.has('n')));
  }
  return 0;
};
