// The plug-in rewrite (plugin/rewrite): another name, type or TTL than the one that was asked for; the answer gets the asked name back.

import type { DnsRecord, DnsType } from '../../../network/dns.ts';
import { CorefileError } from '../corefile.ts';
import { type Directive, normalZone, number, type Request, type Result, type Setup } from '../plugin.ts';

/** A changed question, and what is done to its answer. */
interface Change {
  readonly request: Request;
  readonly answer: (result: Result) => Result;
}

interface Rule {
  readonly goOn: boolean;
  apply(request: Request): Change | null;
}

export const rewrite: Setup = ({ directives }) => {
  const rules = directives.flatMap((directive) => (directive.args.length > 0 ? [directive] : directive.block.map((line): Directive => ({ ...line, args: [line.name, ...line.args] })))).map(ruleOf);
  return function* (request, next) {
    let current = request;
    const undo: ((result: Result) => Result)[] = [];
    for (const rule of rules) {
      const change = rule.apply(current);
      if (change === null) continue;
      current = change.request;
      undo.push(change.answer);
      if (!rule.goOn) break;
    }
    let result = yield* next(current);
    for (const answer of undo.toReversed()) result = answer(result);
    return { ...result, reply: { ...result.reply, question: request.query.question } };
  };
};

const named = (request: Request, name: string): Request => ({ ...request, query: { ...request.query, question: { ...request.query.question, name } } });
const mapped = (result: Result, change: (record: DnsRecord) => DnsRecord): Result => ({ ...result, reply: { ...result.reply, answers: result.reply.answers.map(change), additional: result.reply.additional.map(change) } });

function ruleOf({ args }: Directive): Rule {
  const words = [...args];
  const mode = words[0] === 'continue' || words[0] === 'stop' ? (words.shift() as string) : 'stop';
  const goOn = mode === 'continue';
  const field = words.shift();
  if (field === 'type') {
    const [from = '', to = ''] = words.map((w) => w.toUpperCase());
    return {
      goOn,
      apply: (request) => (request.query.question.type !== from ? null : { request: { ...request, query: { ...request.query, question: { ...request.query.question, type: to as DnsType } } }, answer: (result) => result }),
    };
  }
  if (field === 'ttl') {
    const exact = ['exact', 'prefix', 'suffix', 'substring', 'regex'].includes(words[0] ?? '') ? (words.shift() as string) : 'exact';
    const matches = matcher(exact, words[0] ?? '', '');
    const ttl = number(words[1]);
    return { goOn, apply: (request) => (matches(request.query.question.name) === null ? null : { request, answer: (result) => mapped(result, (r) => ({ ...r, ttl })) }) };
  }
  if (field !== 'name') throw new CorefileError(`invalid rule type "${field ?? ''}"`);
  const kind = ['exact', 'prefix', 'suffix', 'substring', 'regex'].includes(words[0] ?? '') && words.length > 2 ? (words.shift() as string) : 'exact';
  const [from, to, ...options] = words;
  if (from === undefined || to === undefined) throw new CorefileError('too few arguments for a name rule');
  const matches = matcher(kind, from, to);
  const answers = answerRules(options);
  return {
    goOn,
    apply(request) {
      const { name } = request.query.question;
      const changed = matches(name);
      if (changed === null) return null;
      const restore = (text: string): string => (text === changed ? name : text);
      const auto = kind === 'exact' || answers.auto;
      return {
        request: named(request, changed),
        answer: (result) =>
          mapped(result, (record) => {
            const [owner, data] = [answers.name(record.name), ['CNAME', 'PTR', 'SRV', 'NS'].includes(record.type) ? answers.value(record.data) : record.data];
            return { ...record, name: auto || kind !== 'regex' ? restore(owner) : owner, data: answers.auto ? restore(data) : data };
          }),
      };
    },
  };
}

/** The new name for a name that fits; null for others. */
function matcher(kind: string, from: string, to: string): (name: string) => string | null {
  const plain = from.replace(/\.$/, '').toLowerCase();
  const target = to.replace(/\.$/, '').toLowerCase();
  if (kind === 'exact') return (name) => (name === normalZone(from) ? target : null);
  if (kind === 'prefix') return (name) => (name.startsWith(from.toLowerCase()) ? to.toLowerCase() + name.slice(from.length) : null);
  if (kind === 'suffix') return (name) => (name.endsWith(plain) ? name.slice(0, name.length - plain.length) + target : null);
  if (kind === 'substring') return (name) => (name.includes(plain) ? name.replace(plain, target) : null);
  const pattern = patternOf(from);
  return (name) => {
    const match = pattern.exec(`${name}.`) ?? pattern.exec(name);
    return match === null ? null : substituted(to, match).replace(/\.$/, '');
  };
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new CorefileError(`invalid regex pattern in a name rule: ${text}`);
  }
}

const substituted = (text: string, match: RegExpExecArray): string => text.replaceAll(/\{(\d+)\}/g, (_, i: string) => match[Number(i)] ?? '');

interface AnswerRules {
  readonly auto: boolean;
  readonly name: (text: string) => string;
  readonly value: (text: string) => string;
}

/** `answer auto`, `answer name FROM TO`, `answer value FROM TO`. */
function answerRules(words: readonly string[]): AnswerRules {
  let auto = false;
  const rules: { readonly where: string; readonly pattern: RegExp; readonly to: string }[] = [];
  for (let i = 0; i < words.length; ) {
    if (words[i] !== 'answer') throw new CorefileError(`invalid option "${words[i]}" of a name rule`);
    if (words[i + 1] === 'auto') {
      auto = true;
      i += 2;
      continue;
    }
    const explicit = words[i + 1] === 'name' || words[i + 1] === 'value';
    const at = explicit ? i + 2 : i + 1;
    rules.push({ where: explicit ? (words[i + 1] as string) : 'name', pattern: patternOf(words[at] ?? ''), to: words[at + 1] ?? '' });
    i = at + 2;
  }
  const through = (where: string) => (text: string): string => {
    for (const rule of rules) {
      if (rule.where !== where) continue;
      const match = rule.pattern.exec(`${text}.`);
      if (match !== null) return substituted(rule.to, match).replace(/\.$/, '');
    }
    return text;
  };
  return { auto, name: through('name'), value: through('value') };
}
