// nginx.conf as far as tutorials use it: servers with listen, server_name, root, and locations with root, return, proxy_pass.

export interface NginxLocation {
  readonly path: string;
  readonly exact: boolean;
  readonly root: string | undefined;
  readonly proxy: string | undefined;
  readonly reply: { readonly status: number; readonly body: string } | undefined;
}

export interface NginxServer {
  readonly ports: readonly number[];
  readonly names: readonly string[];
  readonly root: string;
  readonly locations: readonly NginxLocation[];
}

interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly block: readonly Directive[] | null;
  readonly line: number;
}

const TOKEN = /\s*(?:#[^\n]*\n?)*\s*("(?:\\.|[^"])*"|'(?:\\.|[^'])*'|[{};]|[^\s{};]+)/y;

interface Parsed {
  readonly file: string;
  readonly result: readonly NginxServer[] | string;
}

/** By text: many containers have the very same file. */
const known = new Map<string, Parsed>();
const MAX_KNOWN = 256;

/** The servers in a file, or the message of `nginx -t`. */
export function parseNginxConfig(text: string, file: string): readonly NginxServer[] | string {
  const before = known.get(text);
  if (before?.file === file) return before.result;
  if (known.size >= MAX_KNOWN) known.clear();
  const result = parse(text, file);
  known.set(text, { file, result });
  return result;
}

function parse(text: string, file: string): readonly NginxServer[] | string {
  const tokens: { text: string; quoted: boolean; line: number }[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    const m = TOKEN.exec(text);
    if (!m) {
      if (text.slice(from).replace(/#[^\n]*/g, '').trim() !== '') return `unexpected end of file in ${file}:1`;
      break;
    }
    const raw = m[1] as string;
    const quoted = /^["']/.test(raw);
    tokens.push({ text: quoted ? raw.slice(1, -1).replace(/\\n/g, '\n').replace(/\\(.)/g, '$1') : raw, quoted, line: text.slice(0, TOKEN.lastIndex).split('\n').length });
  }
  let at = 0;
  let problem = '';
  const block = (nested: boolean): Directive[] => {
    const out: Directive[] = [];
    while (problem === '') {
      const first = tokens[at];
      if (first === undefined) {
        if (nested) problem = `unexpected end of file, expecting "}" in ${file}:${tokens.at(-1)?.line ?? 1}`;
        return out;
      }
      at++;
      if (first.text === '}' && !first.quoted) return out;
      const args: string[] = [];
      for (;;) {
        const token = tokens[at++];
        if (token === undefined || (token.text === '}' && !token.quoted)) {
          problem = `directive "${first.text}" is not terminated by ";" in ${file}:${first.line}`;
          return out;
        }
        if (token.text === ';' && !token.quoted) {
          out.push({ name: first.text, args, block: null, line: first.line });
          break;
        }
        if (token.text === '{' && !token.quoted) {
          out.push({ name: first.text, args, block: block(true), line: first.line });
          break;
        }
        args.push(token.text);
      }
    }
    return out;
  };
  const top = block(false);
  if (problem !== '') return problem;
  const strange = unknownDirective(top);
  if (strange !== undefined) return `unknown directive "${strange.name}" in ${file}:${strange.line}`;
  const inHttp = top.flatMap((d) => (d.name === 'http' ? (d.block ?? []) : [d]));
  return inHttp.filter((d) => d.name === 'server' && d.block !== null).map(serverOf);
}

/** The directives of one word; those of several are taken on trust. */
const WORDS = new Set(
  'aio alias allow autoindex break charset daemon deny directio env etag events expires flv geo gunzip gzip hash http http2 http3 if imap include index internal listen location mail map match mgmt mirror mp4 ntlm perl pid protocol queue random resolver return rewrite root satisfy server set slice ssi ssl state sticky stream timeout types upstream use user userid zone'.split(' '),
);
const BLOCKS_OF_DIRECTIVES = new Set(['http', 'server', 'location', 'if', 'events', 'limit_except']);

function unknownDirective(directives: readonly Directive[]): Directive | undefined {
  for (const d of directives) {
    if (/^[a-z0-9]+$/.test(d.name) && !WORDS.has(d.name)) return d;
    const inside = d.block !== null && BLOCKS_OF_DIRECTIVES.has(d.name) ? unknownDirective(d.block) : undefined;
    if (inside !== undefined) return inside;
  }
  return undefined;
}

const HTML = '/usr/share/nginx/html';

function serverOf({ block }: Directive): NginxServer {
  const inside = block ?? [];
  const args = (name: string): readonly (readonly string[])[] => inside.filter((d) => d.name === name).map((d) => d.args);
  const ports = args('listen').map(([address = '80']) => Number((address.includes(']') ? address.slice(address.indexOf(']') + 2) : address.split(':').pop()) || 80));
  const reply = inside.find((d) => d.name === 'return');
  const locations = inside.filter((d) => d.name === 'location').map(locationOf);
  if (reply) locations.push({ path: '/', exact: false, root: undefined, proxy: undefined, reply: replyOf(reply) });
  return { ports: ports.length === 0 ? [80] : [...new Set(ports)], names: args('server_name').flat(), root: args('root')[0]?.[0] ?? HTML, locations };
}

function locationOf({ args, block }: Directive): NginxLocation {
  const modifier = args.length > 1 ? args[0] : '';
  const find = (name: string): Directive | undefined => block?.find((d) => d.name === name);
  const reply = find('return');
  return { path: args.at(-1) ?? '/', exact: modifier === '=', root: find('root')?.args[0], proxy: find('proxy_pass')?.args[0], reply: reply && replyOf(reply) };
}

function replyOf({ args }: Directive): { status: number; body: string } {
  const status = Number(args[0]);
  return Number.isNaN(status) ? { status: 302, body: '' } : { status, body: args[1] ?? '' };
}
