// The plug-in template (plugin/template): answers made from the question by patterns. Of Go's templates it knows the fields that its
// documentation names: .Name, .Zone, .Type, .Class, .Remote, .Match, .Group.

import type { DnsCode, DnsRecord, DnsType } from '../../../network/dns.ts';
import { CorefileError } from '../corefile.ts';
import { CODES, fallsThrough, fallZones, fqdn, normalZone, plainFailure, replyTo, type Request, type Setup, unknownProperty, wrongArguments, zoneOf } from '../plugin.ts';

interface Template {
  readonly type: string;
  readonly zones: readonly string[];
  readonly matches: readonly RegExp[];
  readonly sections: Readonly<Record<'answer' | 'authority' | 'additional', readonly string[]>>;
  readonly code: DnsCode;
  readonly fall: readonly string[] | null;
}

export const template: Setup = ({ directives, zones }, { path }) => {
  const templates = directives.map((directive): Template => {
    const [, type, ...own] = directive.args;
    if (type === undefined) throw wrongArguments(path, directive);
    const matches: RegExp[] = [];
    const sections = { answer: [] as string[], authority: [] as string[], additional: [] as string[] };
    let code: DnsCode = 'NOERROR';
    let fall: readonly string[] | null = null;
    for (const property of directive.block) {
      const { name, args } = property;
      if (name === 'match') matches.push(...args.map(patternOf));
      else if (name === 'answer' || name === 'authority' || name === 'additional') sections[name].push(...args);
      else if (name === 'rcode') {
        const found = CODES.find((c) => c === args[0]?.toUpperCase());
        if (found === undefined) throw new CorefileError(`unknown rcode ${args[0] ?? ''}`);
        code = found;
      } else if (name === 'fallthrough') fall = fallZones(property);
      else if (name !== 'ederror' && name !== 'upstream') throw unknownProperty(path, property);
    }
    return { type: type.toUpperCase(), zones: own.length > 0 ? own.map(normalZone) : zones, matches: matches.length > 0 ? matches : [/.*/], sections, code, fall };
  });
  return function* (request, next) {
    const { query } = request;
    const { name, type } = query.question;
    for (const t of templates) {
      const zone = zoneOf(name, t.zones);
      if (zone === undefined || (t.type !== 'ANY' && t.type !== type)) continue;
      const match = t.matches.map((pattern) => pattern.exec(fqdn(name))).find((m) => m !== null);
      if (!match) {
        if (fallsThrough(t.fall, name)) continue;
        return { reply: plainFailure(query, 'SERVFAIL'), plugin: 'template' };
      }
      const records = (section: readonly string[]): readonly DnsRecord[] => section.map((text) => recordOf(filled(text, request, zone, match)));
      return { reply: replyTo(query, t.code, records(t.sections.answer), records(t.sections.authority), records(t.sections.additional)), plugin: 'template' };
    }
    return yield* next(request);
  };
};

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text.replaceAll('(?P<', '(?<'));
  } catch {
    throw new CorefileError(`could not parse regex: ${text}`);
  }
}

function filled(text: string, { query, client }: Request, zone: string, match: RegExpExecArray): string {
  return text.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const group = /^\.Group\.(\w+)$/.exec(expression)?.[1];
    if (group !== undefined) return match.groups?.[group] ?? match[Number(group)] ?? '';
    const index = /^index \.Match (\d+)$/.exec(expression)?.[1];
    if (index !== undefined) return match[Number(index)] ?? '';
    const values: Readonly<Record<string, string>> = { '.Name': fqdn(query.question.name), '.Zone': fqdn(zone), '.Type': query.question.type, '.Class': 'IN', '.Remote': client.address };
    return values[expression] ?? '';
  });
}

/** `name [ttl] [class] type data`, as a zone file has it. */
function recordOf(text: string): DnsRecord {
  const words = text.trim().split(/\s+/);
  const name = normalZone(words.shift() ?? '');
  let ttl = 3600;
  while (words.length > 1 && /^(\d+|IN)$/i.test(words[0] as string)) {
    const word = words.shift() as string;
    if (/^\d/.test(word)) ttl = Number(word);
  }
  const type = (words.shift() ?? 'A').toUpperCase() as DnsType;
  const data = words.join(' ');
  return { name, type, ttl, data: type === 'SOA' || type === 'TXT' ? data : data.replace(/\.$/, '') };
}
