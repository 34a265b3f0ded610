// The plug-in log (plugin/log): one line a query, in the common format or in one of the person's own.

import type { DnsReply } from '../../../network/dns.ts';
import { dnsSize } from '../../../network/dns-size.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import { CorefileError } from '../corefile.ts';
import { fqdn, isBelow, normalZone, type Request, type Setup, unknownProperty, wrongArguments } from '../plugin.ts';

const COMMON = '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}';
const CLASSES = new Set(['all', 'denial', 'error', 'success']);

interface Rule {
  readonly scope: string;
  readonly format: string;
  readonly classes: ReadonlySet<string>;
}

export const log: Setup = ({ directives }, { path, os, log: write }) => {
  const rules: Rule[] = [];
  for (const directive of directives) {
    const scopes = [...directive.args];
    const own = scopes.length > 1 && scopes.at(-1)?.includes('{') === true ? (scopes.pop() as string) : COMMON;
    const format = own.replaceAll('{common}', COMMON).replaceAll('{combined}', `${COMMON} "{>opcode}"`);
    const classes = new Set<string>();
    for (const property of directive.block) {
      if (property.name !== 'class') throw unknownProperty(path, property);
      if (property.args.length === 0) throw wrongArguments(path, property);
      for (const name of property.args) {
        if (!CLASSES.has(name)) throw new CorefileError(`invalid class: ${name}`);
        classes.add(name);
      }
    }
    for (const scope of scopes.length === 0 ? ['.'] : scopes) rules.push({ scope: normalZone(scope), format, classes: classes.size === 0 ? new Set(['all']) : classes });
  }
  return function* (request, next) {
    const rule = rules.find((r) => isBelow(request.query.question.name, r.scope));
    if (rule === undefined) return yield* next(request);
    const result = yield* next(request);
    if (rule.classes.has('all') || rule.classes.has(classOf(result.reply))) write('INFO', filled(rule.format, request, result.reply, os.sim.now - request.arrived));
    return result;
  };
};

function classOf({ code, answers, authority }: DnsReply): string {
  if (code === 'NXDOMAIN') return 'denial';
  if (code !== 'NOERROR') return 'error';
  return answers.length === 0 && authority.some((r) => r.type === 'SOA') ? 'denial' : 'success';
}

function filled(format: string, { query, client, protocol }: Request, reply: DnsReply, took: Micros): string {
  const flags = ['qr', ...(reply.authoritative ? ['aa'] : []), ...(reply.truncated ? ['tc'] : []), ...(query.recursion === false ? [] : ['rd']), ...(reply.recursive ? ['ra'] : [])];
  const values: Readonly<Record<string, string | number>> = {
    remote: client.address, port: client.port, type: query.question.type, class: 'IN', name: fqdn(query.question.name), proto: protocol, size: dnsSize(query), local: '-',
    '>id': query.id, '>opcode': 0, '>do': 'false', '>bufsize': protocol === 'tcp' ? 65_535 : Math.max(512, query.edns?.size ?? 512),
    rcode: reply.code, '>rflags': flags.join(','), rsize: dnsSize(reply), duration: `${took / SECOND}s`,
  };
  return format.replaceAll(/\{(>?\w+)\}/g, (all, label: string) => String(values[label] ?? all));
}
