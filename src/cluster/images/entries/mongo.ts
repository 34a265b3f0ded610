// mongo: mongod with its data in /data/db, and as much of mongosh as a try takes: ping, hello, insert, find, count, delete.

import type { Os, Program } from '../../machine/process.ts';
import { lookupHost } from '../../network/resolver.ts';
import { dial, listen, SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import type { ImageEntry } from '../entry.ts';
import { takeMemory } from '../plain/server.ts';
import { type Applet, type AppletContext, AppletError } from '../shell/applet.ts';
import { strftime } from '../shell/applets/system.ts';
import { BASH } from '../shell/shell.ts';
import { versionedTag } from '../tags.ts';
import { BASIC_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';

const ENTRYPOINT = 'docker-entrypoint.sh';
const FILE = '/collections.wt';

type Document = Readonly<Record<string, unknown>>;

interface Request {
  readonly database: string;
  readonly collection: string;
  readonly verb: string;
  readonly args: readonly unknown[];
}

/** All collections by `database.collection`. */
class Store {
  readonly #os: Os;
  readonly #path: string;
  readonly collections: Map<string, readonly Document[]>;

  constructor(os: Os, directory: string) {
    this.#os = os;
    this.#path = directory + FILE;
    this.collections = new Map(os.files.exists(this.#path) ? (JSON.parse(os.files.read(this.#path)) as [string, readonly Document[]][]) : []);
  }

  #put(key: string, documents: readonly Document[]): void {
    this.collections.set(key, documents);
    this.#os.files.write(this.#path, `${JSON.stringify([...this.collections])}\n`);
  }

  #id(): string {
    const random = this.#os.sim.random(`mongod/${this.#os.place}/${this.#os.sim.now}/${this.collections.size}`);
    return `ObjectId('${Math.floor((this.#os.sim.epoch + this.#os.sim.now) / SECOND).toString(16)}${random.uint32().toString(16).padStart(8, '0')}${random.uint32().toString(16).padStart(8, '0')}')`;
  }

  perform({ database, collection, verb, args }: Request): unknown {
    const key = `${database}.${collection}`;
    const documents = this.collections.get(key) ?? [];
    const matching = (filter: unknown): readonly Document[] => documents.filter((d) => Object.entries((filter ?? {}) as Document).every(([k, v]) => JSON.stringify(d[k]) === JSON.stringify(v)));
    switch (verb) {
      case 'insertOne':
      case 'insert':
      case 'insertMany': {
        const given = (Array.isArray(args[0]) ? args[0] : [args[0]]) as readonly Document[];
        const added = given.map((d, i) => ({ _id: d['_id'] ?? this.#id().replace(/.'\)$/, (end) => `${(Number.parseInt(end[0] as string, 16) + i) % 16}')`), ...d }));
        this.#put(key, [...documents, ...added]);
        return verb === 'insertMany' ? { acknowledged: true, insertedIds: Object.fromEntries(added.map((d, i) => [i, d._id])) } : { acknowledged: true, insertedId: added[0]?._id };
      }
      case 'find': return matching(args[0]).map((d) => projected(d, args[1]));
      case 'findOne': return matching(args[0])[0] ?? null;
      case 'countDocuments':
      case 'count':
      case 'estimatedDocumentCount': return matching(args[0]).length;
      case 'deleteOne':
      case 'deleteMany': {
        const gone = verb === 'deleteOne' ? matching(args[0]).slice(0, 1) : matching(args[0]);
        this.#put(key, documents.filter((d) => !gone.includes(d)));
        return { acknowledged: true, deletedCount: gone.length };
      }
      case 'updateOne':
      case 'updateMany': {
        const changed = verb === 'updateOne' ? matching(args[0]).slice(0, 1) : matching(args[0]);
        const set = ((args[1] ?? {}) as { readonly $set?: Document }).$set ?? {};
        this.#put(key, documents.map((d) => (changed.includes(d) ? { ...d, ...set } : d)));
        return { acknowledged: true, insertedId: null, matchedCount: changed.length, modifiedCount: changed.length, upsertedCount: 0 };
      }
      case 'drop':
        this.collections.delete(key);
        this.#put(`${database}.`, []);
        return true;
      case 'databases': return [...new Set(['admin', 'config', 'local', ...[...this.collections.keys()].map((k) => k.split('.')[0] as string)])];
      case 'collections': return [...this.collections.keys()].filter((k) => k.startsWith(`${database}.`) && k !== `${database}.`).map((k) => k.slice(database.length + 1));
      default: return { ok: 1 };
    }
  }
}

/** The second argument of find: fields that are left out, or the only ones that are shown. */
function projected(document: Document, fields: unknown): Document {
  const wanted = Object.entries((fields ?? {}) as Readonly<Record<string, unknown>>);
  const only = wanted.some(([key, value]) => key !== '_id' && Boolean(value));
  return Object.fromEntries(Object.entries(document).filter(([key]) => (wanted.find(([k]) => k === key)?.[1] ?? (!only || key === '_id')) !== 0 && (!only || key === '_id' || wanted.some(([k]) => k === key))));
}

function* mongod(os: Os, version: string): Op<number> {
  const { argv } = os;
  const value = (flag: string): string | undefined => argv.find((a) => a.startsWith(`--${flag}=`))?.split('=')[1] ?? (argv.includes(`--${flag}`) ? argv[argv.indexOf(`--${flag}`) + 1] : undefined);
  const log = (component: string, id: number, msg: string, attr: object = {}): void =>
    os.log(JSON.stringify({ t: { $date: strftime('%FT%T.%N+00:00', os.sim.epoch + os.sim.now).replace('000000+', '+') }, s: 'I', c: component, id, ctx: 'initandlisten', msg, attr }));
  const port = Number(value('port') ?? 27_017);
  const directory = value('dbpath') ?? '/data/db';
  log('CONTROL', 4_615_611, 'MongoDB starting', { pid: 1, port, dbPath: directory, architecture: '64-bit', host: os.env['HOSTNAME'] ?? os.machine.name });
  const signals = os.signals();
  yield* os.sleep(700 * MILLISECOND);
  const { files } = os;
  const accountFile = `${directory}/users.wt`;
  const root = os.env['MONGO_INITDB_ROOT_USERNAME'];
  if (root !== undefined && !files.exists(accountFile)) files.write(accountFile, JSON.stringify({ [root]: os.env['MONGO_INITDB_ROOT_PASSWORD'] ?? '' }));
  const accounts = files.exists(accountFile) ? (JSON.parse(files.read(accountFile)) as Readonly<Record<string, string>>) : null;
  const store = new Store(os, directory);
  try {
    listen(os, port).onConnection = (connection) => {
      let trusted = accounts === null;
      connection.onMessage = (message) => {
        const asked = message as Partial<Request> & { readonly user?: string; readonly password?: string };
        if (asked.user !== undefined) {
          trusted = accounts === null || accounts[asked.user] === asked.password;
          connection.send(trusted ? { value: { version } } : { error: 'MongoServerError: Authentication failed.' });
        } else if (asked.verb === undefined) connection.close();
        else if (!trusted && asked.verb !== 'ping') connection.send({ error: `MongoServerError[Unauthorized]: Command ${asked.verb} requires authentication` });
        else connection.send({ value: store.perform(asked as Request) });
      };
    };
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    log('CONTROL', 20_568, 'Error setting up listener', { error: 'SocketException: Address already in use' });
    return 48;
  }
  takeMemory(os, 95_000_000);
  log('NETWORK', 23_015, 'Listening on', { address: '0.0.0.0' });
  log('NETWORK', 23_016, 'Waiting for connections', { port, ssl: 'off' });
  yield* signals.receive();
  log('CONTROL', 20_565, 'Now exiting');
  return 0;
}

interface Shell {
  database: string;
  ask(request: Request): Op<unknown>;
}

const mongosh: Applet = function* (c) {
  const { args } = c;
  let [host, port, database, user, password, script] = ['127.0.0.1', 27_017, 'test', undefined as string | undefined, '', undefined as string | undefined];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const [flag, inline] = arg.startsWith('--') && arg.includes('=') ? [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)] : [arg, undefined];
    const value = (): string => inline ?? args[++i] ?? '';
    if (flag === '--host' || flag === '-h') [host = '', port = 27_017] = ((v) => [v.split(':')[0] ?? '', Number(v.split(':')[1] ?? port)] as const)(value());
    else if (flag === '--port') port = Number(value());
    else if (flag === '-u' || flag === '--username') user = value();
    else if (flag === '-p' || flag === '--password') password = value();
    else if (flag === '--authenticationDatabase') value();
    else if (flag === '--eval') script = value();
    else if (!flag.startsWith('-')) {
      const url = /^(?:mongodb:\/\/)?(?:([^:@/]+):([^@]*)@)?([^:/?]+)(?::(\d+))?(?:\/([^?]*))?/.exec(arg);
      if (url && (arg.includes('/') || arg.includes(':') || arg.includes('.'))) {
        [user, password, host, port] = [url[1] ?? user, url[2] ?? password, url[3] as string, Number(url[4] ?? port)];
        database = url[5] || database;
      } else database = arg;
    }
  }
  const [address] = host === 'localhost' ? ['127.0.0.1'] : ((yield* lookupHost(c.os, host)) ?? []);
  const refused = `MongoNetworkError: connect ECONNREFUSED ${address ?? host}:${port}`;
  if (address === undefined) throw new AppletError(`MongoNetworkError: getaddrinfo ENOTFOUND ${host}`);
  let connection;
  try {
    connection = yield* dial(c.os, address, port, { timeout: 5 * SECOND });
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    yield* c.stderr.write(`${refused}\n`);
    return 1;
  }
  const open = connection;
  const shell: Shell = {
    database,
    *ask(request) {
      open.send(request);
      const reply = (yield* open.receive()) as { readonly value?: unknown; readonly error?: string } | undefined;
      if (reply === undefined) throw new MongoError('MongoNetworkError: connection closed');
      if (reply.error !== undefined) throw new MongoError(reply.error);
      return reply.value;
    },
  };
  try {
    if (user !== undefined) yield* shell.ask({ user, password } as unknown as Request);
    if (script !== undefined) return yield* evaluate(c, shell, script);
    const terminal = c.os.tty !== null;
    if (terminal) yield* c.stdout.write(`Using MongoDB:\t\t8.2.1\n\n`);
    for (;;) {
      if (terminal) yield* c.stdout.write(`${shell.database}> `);
      const line = yield* c.stdin.line();
      if (line === undefined || /^\s*(exit|quit)(\(\))?;?\s*$/.test(line)) return 0;
      if (line.trim() !== '') yield* evaluate(c, shell, line);
    }
  } catch (error) {
    if (!(error instanceof MongoError)) throw error;
    yield* c.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    open.close();
  }
};

class MongoError extends Error {}

function* evaluate(c: AppletContext, shell: Shell, script: string): Op<number> {
  let last: unknown;
  for (const line of script.split(/;|\n/).map((s) => s.trim()).filter((s) => s !== '')) {
    const use = /^use\s+(\w+)$/.exec(line);
    const show = /^show\s+(dbs|databases|collections|tables)$/.exec(line);
    const call = /^(?:printjson\(|print\()?db(?:\.getSiblingDB\(['"](\w+)['"]\))?(?:\.getCollection\(['"]([\w.-]+)['"]\)|\.([\w.-]+?))?\.(\w+)\(([^]*?)\)(?:\.(ok|toArray\(\)|count\(\)|pretty\(\)|sort\([^)]*\)|limit\(\d+\)))?\)?$/.exec(line);
    if (use) {
      shell.database = use[1] as string;
      last = `switched to db ${shell.database}`;
    } else if (show) {
      const names = (yield* shell.ask({ database: shell.database, collection: '', verb: show[1]?.startsWith('d') ? 'databases' : 'collections', args: [] })) as readonly string[];
      last = names.join('\n');
    } else if (call) {
      const [, sibling, quoted, plain, verb = '', inside = ''] = call;
      const args = readArguments(inside);
      const collection = quoted ?? plain ?? '';
      const isCommand = collection === '' || collection === 'admin';
      const value = yield* shell.ask({ database: sibling ?? shell.database, collection, verb: isCommand ? (/ping/.test(inside) ? 'ping' : verb) : verb, args });
      last = call[6] === 'ok' ? (value as { readonly ok?: number }).ok : call[6] === 'count()' ? (value as readonly unknown[]).length : isCommand && verb === 'getName' ? shell.database : value;
    } else if (/^rs\.(initiate|status)\(/.test(line)) last = { ok: 1 };
    else if (/^(quit|exit)/.test(line)) return 0;
    else {
      yield* c.stderr.write(`ReferenceError: ${line.split(/[\s.(]/)[0] ?? ''} is not defined\n`);
      return 1;
    }
  }
  if (last !== undefined) yield* c.stdout.write(`${display(last)}\n`);
  return 0;
}

/** `{a: 1, b: 'x'}` as JSON. Throws MongoError. */
function readArguments(text: string): readonly unknown[] {
  if (text.trim() === '') return [];
  const json = text.replace(/'((?:[^'\\]|\\.)*)'/g, (_, s: string) => JSON.stringify(s)).replace(/([{,]\s*)([A-Za-z_$][\w$.]*)\s*:/g, '$1"$2":');
  try {
    return JSON.parse(`[${json}]`) as readonly unknown[];
  } catch {
    throw new MongoError(`SyntaxError: Unexpected token in ${text}`);
  }
}

function display(value: unknown): string {
  if (typeof value === 'string') return value.startsWith('ObjectId(') ? value : value;
  if (Array.isArray(value)) return value.length === 0 ? '' : `[\n${value.map((v) => `  ${inline(v)}`).join(',\n')}\n]`;
  return inline(value);
}

function inline(value: unknown): string {
  if (typeof value === 'string') return value.startsWith('ObjectId(') ? value : `'${value}'`;
  if (Array.isArray(value)) return `[ ${value.map(inline).join(', ')} ]`;
  if (typeof value === 'object' && value !== null) return `{ ${Object.entries(value).map(([k, v]) => `${k}: ${inline(v)}`).join(', ')} }`;
  return String(value);
}

const tools = toolboxOf(BASH, { ...BASIC_COMMANDS, mongosh, mongo: mongosh }, ['sh', 'bash']);

function mongoProgram(tag: string): Program {
  const version = tag.split('-')[0] as string;
  return function* (os: Os): Op<number> {
    let { argv } = os;
    if ((argv[0] ?? '').endsWith(ENTRYPOINT)) argv = argv.slice(1);
    if (argv[0] === undefined || argv[0].startsWith('-')) argv = ['mongod', ...argv];
    const here = Object.create(os, { argv: { value: argv } }) as Os;
    const name = (argv[0] as string).split('/').pop();
    if (name !== 'mongod' && name !== 'mongos') return yield* runCommandLine(here, tools);
    if (argv.includes('--version')) {
      os.log(`db version v${version}`);
      return 0;
    }
    os.process.exec(argv);
    return yield* mongod(here, version);
  };
}

export const mongoImage: ImageEntry = {
  repository: 'docker.io/library/mongo',
  tags: versionedTag({
    patches: new Map([['2.6', 12], ['3.0', 15], ['3.2', 21], ['3.4', 24], ['3.6', 23], ['4.0', 28], ['4.2', 24], ['4.4', 29], ['5.0', 31], ['6.0', 26], ['7.0', 25], ['8.0', 15], ['8.2', 1]]),
    words: { latest: '8.2.1' }, variants: ['', '-noble', '-jammy', '-focal', '-bionic', '-xenial'],
  }),
  entrypoint: [ENTRYPOINT],
  cmd: ['mongod'],
  env: (tag) => ({ MONGO_VERSION: tag.split('-')[0] as string }),
  exposedPorts: [27_017],
  sizeBytes: 279_000_000,
  files: { '/data/db/.keep': '', '/data/configdb/.keep': '', '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nmongodb:x:999:999::/data/db:/bin/false\n' },
  program: mongoProgram('8.2.1'),
  programOf: mongoProgram,
  hasExecutable: hasExecutable(tools, [ENTRYPOINT, `/usr/local/bin/${ENTRYPOINT}`, 'mongod', 'mongos', '/usr/bin/mongod']),
};
