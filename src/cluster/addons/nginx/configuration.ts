// What nginx makes of its directives: servers by port and name, locations in the order in which they are tried
// (ngx_http_core_module: server names, location), upstream groups, maps and split_clients.

import { argsOf, type Directive, parseDirectives } from './directives.ts';

export interface Listen {
  readonly address: string;
  /** 0 for a unix socket, whose path is `address`. */
  readonly port: number;
  readonly secure: boolean;
  readonly isDefault: boolean;
}

export interface Location {
  readonly modifier: '' | '=' | '^~' | '~' | '~*' | '@';
  readonly path: string;
  readonly pattern: RegExp | null;
  readonly directives: readonly Directive[];
  readonly internal: boolean;
}

export interface Server {
  readonly listens: readonly Listen[];
  readonly names: readonly string[];
  readonly directives: readonly Directive[];
  readonly exact: ReadonlyMap<string, Location>;
  /** The longest first. */
  readonly prefixes: readonly Location[];
  /** In the order of the file. */
  readonly patterns: readonly Location[];
  readonly named: ReadonlyMap<string, Location>;
}

export interface UpstreamServer {
  /** `10.244.1.2:80` or `unix:/path`. */
  readonly address: string;
  readonly weight: number;
}

export interface Upstream {
  readonly name: string;
  readonly servers: readonly UpstreamServer[];
  readonly random: boolean;
  /** balancer_by_lua_file: a script says which. */
  readonly scripted: boolean;
}

/** `map $source $variable` or `split_clients "source" $variable`. */
export interface Mapping {
  readonly source: string;
  readonly entries: readonly { readonly key: string; readonly value: string }[];
  readonly split: boolean;
}

export interface Configuration {
  readonly main: readonly Directive[];
  readonly http: readonly Directive[];
  readonly servers: readonly Server[];
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly maps: ReadonlyMap<string, Mapping>;
  readonly formats: ReadonlyMap<string, string>;
}

/** A Perl-compatible pattern as one of ours. */
export function patternOf(text: string, insensitive: boolean): RegExp {
  let flags = insensitive ? 'i' : '';
  const source = text.replace(/^\(\?([is]+)\)/, (_, given: string) => {
    for (const f of given) if (!flags.includes(f)) flags += f;
    return '';
  });
  return new RegExp(source.replaceAll('(?P<', '(?<'), flags);
}

/** Reads a file and what it includes; a text is what is wrong with it. */
export function loadConfiguration(path: string, read: (path: string) => readonly { readonly path: string; readonly text: string }[]): Configuration | string {
  const top = withIncludes(path, read);
  if (typeof top === 'string') return top;
  const http = top.flatMap((d) => (d.name === 'http' ? (d.block ?? []) : []));
  try {
    return {
      main: top,
      http,
      servers: http.filter((d) => d.name === 'server').map((d) => serverOf(d.block ?? [])),
      upstreams: new Map(http.filter((d) => d.name === 'upstream').map((d) => [d.args[0] ?? '', upstreamOf(d)])),
      maps: new Map(http.filter((d) => d.name === 'map' || d.name === 'split_clients' || d.name === 'geo').map((d) => [variableName(d), mappingOf(d)])),
      formats: new Map(argsOf(http, 'log_format').map(([name = '', ...parts]) => [name, parts.filter((p) => !p.startsWith('escape=')).join('')])),
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `${error.message} in ${path}`;
  }
}

function withIncludes(path: string, read: (path: string) => readonly { readonly path: string; readonly text: string }[]): readonly Directive[] | string {
  const out: Directive[] = [];
  for (const file of read(path)) {
    const parsed = parseDirectives(file.text, file.path);
    if (typeof parsed === 'string') return parsed;
    const included = including(parsed, read);
    if (typeof included === 'string') return included;
    out.push(...included);
  }
  return out;
}

function including(directives: readonly Directive[], read: (path: string) => readonly { readonly path: string; readonly text: string }[]): readonly Directive[] | string {
  const out: Directive[] = [];
  for (const d of directives) {
    let more: readonly Directive[] | string = [d];
    if (d.name === 'include') more = withIncludes(d.args[0] ?? '', read);
    else if (d.block !== null) {
      const block = including(d.block, read);
      more = typeof block === 'string' ? block : [{ ...d, block }];
    }
    if (typeof more === 'string') return more;
    out.push(...more);
  }
  return out;
}

function serverOf(block: readonly Directive[]): Server {
  const locations = block.filter((d) => d.name === 'location').map(locationOf);
  const of = (...modifiers: readonly string[]): Location[] => locations.filter((l) => modifiers.includes(l.modifier));
  const listens = argsOf(block, 'listen').map(listenOf);
  return {
    listens: listens.length === 0 ? [{ address: '0.0.0.0', port: 80, secure: false, isDefault: false }] : listens,
    names: argsOf(block, 'server_name').flat(),
    directives: block.filter((d) => d.name !== 'location'),
    exact: new Map(of('=').map((l) => [l.path, l])),
    prefixes: of('', '^~').toSorted((a, b) => b.path.length - a.path.length),
    patterns: of('~', '~*'),
    named: new Map(of('@').map((l) => [l.path, l])),
  };
}

function listenOf([where = '80', ...rest]: readonly string[]): Listen {
  const secure = rest.includes('ssl') || rest.includes('quic');
  const isDefault = rest.includes('default_server');
  if (where.startsWith('unix:')) return { address: where.slice(5), port: 0, secure, isDefault };
  if (where.startsWith('[')) return { address: '::', port: Number(where.slice(where.indexOf(']') + 2)) || 80, secure, isDefault };
  const colon = where.lastIndexOf(':');
  if (colon >= 0) return { address: where.slice(0, colon), port: Number(where.slice(colon + 1)), secure, isDefault };
  return { address: '0.0.0.0', port: Number(where), secure, isDefault };
}

function locationOf({ args, block }: Directive): Location {
  const [first = '/', second] = args;
  const directives = block ?? [];
  const internal = directives.some((d) => d.name === 'internal');
  if (second === undefined) return { modifier: first.startsWith('@') ? '@' : '', path: first, pattern: null, directives, internal };
  const modifier = first as Location['modifier'];
  return { modifier, path: second, pattern: modifier === '~' || modifier === '~*' ? patternOf(second, modifier === '~*') : null, directives, internal };
}

function upstreamOf({ args, block }: Directive): Upstream {
  const inside = block ?? [];
  const servers = argsOf(inside, 'server').map(([address = '', ...rest]) => ({ address, weight: Number(rest.find((r) => r.startsWith('weight='))?.slice(7) ?? 1) }));
  return { name: args[0] ?? '', servers, random: inside.some((d) => d.name === 'random'), scripted: inside.some((d) => d.name === 'balancer_by_lua_file') };
}

/** `geo $variable` has its source before it, when it has one. */
const variableName = ({ args }: Directive): string => (args.at(-1) ?? '').replace(/^\$/, '');

function mappingOf({ name, args, block }: Directive): Mapping {
  return {
    source: args.length > 1 ? (args[0] ?? '') : '',
    entries: (block ?? []).filter((d) => d.name !== 'hostnames').map((d) => ({ key: d.name, value: d.args[0] ?? '' })),
    split: name === 'split_clients',
  };
}

/** The server for a name among those that listen there: exact, `*.suffix`, `prefix.*`, `~pattern`, default (or the first). */
export function serverFor(servers: readonly Server[], listens: (listen: Listen) => boolean, host: string): Server | undefined {
  const here = servers.filter((s) => s.listens.some(listens));
  const named = here.find((s) => s.names.includes(host));
  if (named) return named;
  let best: Server | undefined;
  let length = 0;
  for (const server of here) {
    for (const name of server.names) {
      const fits = name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length > name.length - 1 : name.startsWith('.') && (host.endsWith(name) || host === name.slice(1));
      if (fits && name.length > length) [best, length] = [server, name.length];
    }
  }
  best ??= here.find((s) => s.names.some((n) => n.endsWith('.*') && host.startsWith(n.slice(0, -1))));
  best ??= here.find((s) => s.names.some((n) => n.startsWith('~') && patternOf(n.slice(1), true).test(host)));
  return best ?? here.find((s) => s.listens.some((l) => listens(l) && l.isDefault)) ?? here[0];
}

/**
 * `=` first, then the longest prefix; a pattern beats it unless it is `^~`. With the pattern's groups. `slash`: a location `/foo/` that
 * passes requests on answers `/foo` with a redirect to itself.
 */
export function locationFor(server: Server, uri: string): { readonly location: Location; readonly groups: readonly string[]; readonly slash?: true } | undefined {
  const exact = server.exact.get(uri);
  if (exact) return { location: exact, groups: [] };
  const slashed = server.prefixes.find((l) => l.path === `${uri}/` && l.directives.some((d) => d.name === 'proxy_pass'));
  if (slashed) return { location: slashed, groups: [], slash: true };
  const prefix = server.prefixes.find((l) => uri.startsWith(l.path));
  if (prefix?.modifier === '^~') return { location: prefix, groups: [] };
  for (const location of server.patterns) {
    const match = location.pattern?.exec(uri);
    if (match) return { location, groups: [...match] };
  }
  return prefix === undefined ? undefined : { location: prefix, groups: [] };
}

