// redis-server: its log, its settings, its clients, and its files when it keeps any.

import { type Chunk, textOf } from '../../api/bytes.ts';
import type { Os } from '../../machine/process.ts';
import { type Connection, listen, SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import { strftime } from '../shell/applets/system.ts';
import { isError, RedisData, type Reply, WRITES } from './redis-commands.ts';
import { globPattern } from './redis-glob.ts';
import { encodeReply, encodeRequest, RespReader, splitLine } from './redis-protocol.ts';

const DEFAULTS: Readonly<Record<string, string>> = {
  port: '6379', bind: '* -::*', dir: '/data', appendonly: 'no', appendfsync: 'everysec', save: '3600 1 300 100 60 10000', requirepass: '', maxmemory: '0', 'maxmemory-policy': 'noeviction',
  databases: '16', timeout: '0', loglevel: 'notice', 'protected-mode': 'no', dbfilename: 'dump.rdb', appendfilename: 'appendonly.aof', appenddirname: 'appendonlydir', maxclients: '10000', 'tcp-keepalive': '300',
};
const OK: Reply = { ok: 'OK' };
const RDB_HEADER = 'REDIS0012';

/** Runs the server with the arguments after its name. */
export function* serveRedis(os: Os, version: string, args: readonly string[]): Op<number> {
  const settings = new Map(Object.entries(DEFAULTS));
  const wrong = configure(os, settings, args);
  if (wrong !== undefined) {
    for (const line of wrong) os.logError(line);
    return 1;
  }
  return yield* new RedisServer(os, version, settings, args.length > 0).run();
}

/** Reads the configuration file and the options; what is wrong with them, if anything is. */
function configure(os: Os, settings: Map<string, string>, args: readonly string[]): string[] | undefined {
  let rest = args;
  const file = args[0];
  if (file !== undefined && !file.startsWith('-')) {
    if (!os.files.exists(file)) return [`*** FATAL CONFIG FILE ERROR ***`, `Can't open config file '${file}': No such file or directory`];
    for (const line of os.files.read(file).split('\n')) {
      const [name = '', ...values] = splitLine(line.trim());
      if (name !== '' && !name.startsWith('#')) settings.set(name.toLowerCase(), values.join(' '));
    }
    rest = args.slice(1);
  }
  for (let i = 0; i < rest.length; ) {
    const name = (rest[i++] as string).replace(/^--/, '').toLowerCase();
    const values: string[] = [];
    while (i < rest.length && !(rest[i] as string).startsWith('--')) values.push(rest[i++] as string);
    settings.set(name, values.join(' '));
  }
  return undefined;
}

interface Client {
  readonly connection: Connection;
  database: number;
  trusted: boolean;
}

class RedisServer {
  readonly #os: Os;
  readonly #version: string;
  readonly #settings: Map<string, string>;
  readonly #configured: boolean;
  readonly #databases = new Map<number, RedisData>();
  readonly #started: number;
  readonly #clients = new Set<Client>();
  readonly #channels = new Map<string, Set<Client>>();
  #connections = 0;
  #commands = 0;
  #changes = 0;
  #lastDatabase = 0;

  constructor(os: Os, version: string, settings: Map<string, string>, configured: boolean) {
    this.#os = os;
    this.#version = version;
    this.#settings = settings;
    this.#configured = configured;
    this.#started = os.sim.now;
  }

  *run(): Op<number> {
    const os = this.#os;
    const signals = os.signals();
    this.#log('C', '*', 'oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo');
    this.#log('C', '*', `Redis version=${this.#version}, bits=64, commit=00000000, modified=0, pid=${this.#pid}, just started`);
    if (this.#configured) this.#log('C', '*', 'Configuration loaded');
    else this.#log('C', '#', 'Warning: no config file specified, using the default config. In order to specify a config file use redis-server /path/to/redis.conf');
    yield* os.sleep(5 * MILLISECOND);
    const port = Number(this.#setting('port'));
    this.#log('M', '*', 'monotonic clock: POSIX clock_gettime');
    this.#log('M', '*', `Running mode=standalone, port=${port}.`);
    this.#log('M', '*', 'Server initialized');
    os.process.footprint(9_500_000, 0.002);
    try {
      this.#load();
      const listener = listen(os, port);
      os.go('accept', () => this.#accept(() => listener.accept()));
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      this.#log('M', '#', `Warning: Could not create server TCP listening socket *:${port}: bind: Address already in use`);
      this.#log('M', '#', `Failed listening on port ${port} (tcp), aborting.`);
      return 1;
    }
    this.#log('M', '*', 'Ready to accept connections tcp');
    const signal = (yield* signals.receive()) ?? 'SIGTERM';
    os.log(`${this.#pid}:signal-handler (${Math.floor((os.sim.epoch + os.sim.now) / SECOND)}) Received ${signal} scheduling shutdown...`);
    yield* os.sleep(10 * MILLISECOND);
    this.#log('M', '*', 'User requested shutdown...');
    if (this.#setting('save') !== '') {
      this.#log('M', '*', 'Saving the final RDB snapshot before exiting.');
      this.#save();
    }
    this.#log('M', '#', 'Redis is now ready to exit, bye bye...');
    return 0;
  }

  get #pid(): number {
    return this.#os.process.isolatePids ? 1 : this.#os.process.pid;
  }

  #setting(name: string): string {
    return this.#settings.get(name) ?? '';
  }

  #log(role: 'C' | 'M', level: '*' | '#', text: string): void {
    const now = this.#os.sim.epoch + this.#os.sim.now;
    const millis = String(Math.floor((now % SECOND) / MILLISECOND)).padStart(3, '0');
    this.#os.log(`${this.#pid}:${role} ${strftime('%d %b %Y %H:%M:%S', now)}.${millis} ${level} ${text}`);
  }

  *#accept(next: () => Op<Connection | undefined>): Op<void> {
    for (;;) {
      const connection = yield* next();
      if (connection === undefined) return;
      this.#connections++;
      this.#os.go('client', () => this.#serve(connection));
    }
  }

  *#serve(connection: Connection): Op<void> {
    const client: Client = { connection, database: 0, trusted: this.#setting('requirepass') === '' };
    const reader = new RespReader();
    this.#clients.add(client);
    try {
      for (let piece = yield* connection.receive(); piece !== undefined; piece = yield* connection.receive()) {
        reader.feed(textOf(piece as Chunk));
        for (let words = reader.request(); words !== undefined; words = reader.request()) {
          const reply = this.#answer(client, words);
          if (reply !== undefined) connection.send(encodeReply(reply));
          if (words[0]?.toUpperCase() === 'QUIT') return connection.close();
        }
      }
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    } finally {
      this.#clients.delete(client);
      for (const listeners of this.#channels.values()) listeners.delete(client);
    }
  }

  #database(index: number): RedisData {
    let data = this.#databases.get(index);
    if (!data) this.#databases.set(index, (data = new RedisData(() => Math.floor((this.#os.sim.epoch + this.#os.sim.now) / MILLISECOND))));
    return data;
  }

  #answer(client: Client, words: readonly string[]): Reply | undefined {
    const [command = '', ...args] = words;
    const name = command.toUpperCase();
    this.#commands++;
    this.#os.process.useCpu(20);
    if (!client.trusted && !['AUTH', 'QUIT', 'HELLO'].includes(name)) return { error: 'NOAUTH Authentication required.' };
    const reply = this.#database(client.database).run(name, args);
    if (reply === undefined) return this.#administer(client, name, command, args);
    if (WRITES.has(name) && !isError(reply)) {
      this.#changes++;
      this.#append(client.database, [name, ...args]);
      if (name === 'FLUSHALL') for (const data of this.#databases.values()) data.clear();
    }
    return reply;
  }

  #administer(client: Client, name: string, command: string, args: readonly string[]): Reply | undefined {
    switch (name) {
      case 'PING':
        return args[0] ?? { ok: 'PONG' };
      case 'ECHO':
        return args[0] ?? '';
      case 'QUIT':
        return OK;
      case 'AUTH':
        return this.#authenticate(client, args.at(-1) ?? '');
      case 'SELECT': {
        const index = Number(args[0]);
        if (!Number.isInteger(index) || index < 0 || index >= Number(this.#setting('databases'))) return { error: 'ERR DB index is out of range' };
        client.database = index;
        return OK;
      }
      case 'INFO':
        return this.#info((args[0] ?? 'default').toLowerCase());
      case 'CONFIG':
        return this.#config(args);
      case 'SAVE':
        this.#save();
        return OK;
      case 'BGSAVE':
        this.#save();
        return { ok: 'Background saving started' };
      case 'TIME': {
        const now = this.#os.sim.epoch + this.#os.sim.now;
        return [String(Math.floor(now / SECOND)), String(now % SECOND)];
      }
      case 'ROLE':
        return ['master', 0, []];
      case 'CLIENT':
        return ['SETNAME', 'SETINFO'].includes(args[0]?.toUpperCase() ?? '') ? OK : null;
      case 'COMMAND':
        return [];
      case 'PUBLISH':
        return this.#publish(args[0] ?? '', args[1] ?? '');
      case 'SUBSCRIBE':
        return this.#subscribe(client, args);
      default: {
        const beginning = args.slice(0, 20).map((arg) => `'${arg}' `).join('');
        return { error: `ERR unknown command '${command}', with args beginning with: ${beginning}` };
      }
    }
  }

  #authenticate(client: Client, password: string): Reply {
    const wanted = this.#setting('requirepass');
    if (wanted === '') return { error: 'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?' };
    if (password !== wanted) return { error: 'WRONGPASS invalid username-password pair or user is disabled.' };
    client.trusted = true;
    return OK;
  }

  #publish(channel: string, message: string): Reply {
    const listeners = this.#channels.get(channel) ?? new Set();
    for (const { connection } of listeners) connection.send(encodeReply(['message', channel, message]));
    return listeners.size;
  }

  #subscribe(client: Client, channels: readonly string[]): undefined {
    for (const [i, channel] of channels.entries()) {
      const listeners = this.#channels.get(channel) ?? new Set();
      this.#channels.set(channel, listeners.add(client));
      client.connection.send(encodeReply(['subscribe', channel, i + 1]));
    }
  }

  #config([action = '', ...rest]: readonly string[]): Reply {
    switch (action.toUpperCase()) {
      case 'GET': {
        const patterns = rest.map((glob) => globPattern(glob.toLowerCase()));
        return [...this.#settings].filter(([name]) => patterns.some((p) => p.test(name))).flat();
      }
      case 'SET': {
        const [name = '', value = ''] = rest;
        if (!this.#settings.has(name.toLowerCase())) return { error: `ERR Unknown option or number of arguments for CONFIG SET - '${name}'` };
        this.#settings.set(name.toLowerCase(), value);
        return OK;
      }
      case 'RESETSTAT':
        return OK;
      default:
        return { error: `ERR unknown subcommand '${action}'. Try CONFIG HELP.` };
    }
  }

  #info(section: string): Reply {
    const up = Math.floor((this.#os.sim.now - this.#started) / SECOND);
    const memory = this.#os.process.memoryBytes;
    const spaces = [...this.#databases].filter(([, data]) => data.size > 0).map(([i, data]) => `db${i}:keys=${data.size},expires=${data.expiring},avg_ttl=0,subexpiry=0`);
    const sections: Readonly<Record<string, readonly string[]>> = {
      Server: [`redis_version:${this.#version}`, 'redis_mode:standalone', 'os:Linux 6.12.57+deb13-amd64 x86_64', 'arch_bits:64', `process_id:${this.#pid}`, `tcp_port:${this.#setting('port')}`, `uptime_in_seconds:${up}`, `uptime_in_days:${Math.floor(up / 86_400)}`, `config_file:`],
      Clients: [`connected_clients:${this.#clients.size}`, `maxclients:${this.#setting('maxclients')}`, 'blocked_clients:0'],
      Memory: [`used_memory:${memory}`, `used_memory_human:${(memory / 1_048_576).toFixed(2)}M`, `maxmemory:${this.#setting('maxmemory')}`, `maxmemory_policy:${this.#setting('maxmemory-policy')}`],
      Persistence: ['loading:0', `rdb_changes_since_last_save:${this.#changes}`, 'rdb_last_bgsave_status:ok', `aof_enabled:${Number(this.#setting('appendonly') === 'yes')}`],
      Stats: [`total_connections_received:${this.#connections}`, `total_commands_processed:${this.#commands}`],
      Replication: ['role:master', 'connected_slaves:0', 'master_failover_state:no-failover'],
      CPU: [`used_cpu_user:${(this.#os.process.cpuMicros / SECOND).toFixed(6)}`],
      Keyspace: spaces,
    };
    const all = ['default', 'all', 'everything'].includes(section);
    const parts = Object.entries(sections).filter(([name]) => all || name.toLowerCase() === section);
    return parts.map(([name, lines]) => [`# ${name}`, ...lines, ''].join('\r\n')).join('\r\n');
  }

  get #appendFile(): string {
    return `${this.#setting('dir')}/${this.#setting('appenddirname')}/${this.#setting('appendfilename')}.1.incr.aof`;
  }

  #append(database: number, words: readonly string[]): void {
    if (this.#setting('appendonly') !== 'yes') return;
    const select = database === this.#lastDatabase ? '' : encodeRequest(['SELECT', String(database)]);
    this.#lastDatabase = database;
    this.#os.files.append(this.#appendFile, select + encodeRequest(words));
  }

  /** Brings back what the files in `dir` keep. */
  #load(): void {
    const { files } = this.#os;
    const rdb = `${this.#setting('dir')}/${this.#setting('dbfilename')}`;
    if (this.#setting('appendonly') === 'yes') {
      if (files.exists(this.#appendFile)) {
        this.#replay(files.read(this.#appendFile));
        this.#log('M', '*', 'DB loaded from append only file: 0.000 seconds');
      } else this.#log('M', '*', `Creating AOF incr file ${this.#setting('appendfilename')}.1.incr.aof on server start`);
    } else if (files.exists(rdb)) {
      this.#log('M', '*', `Loading RDB produced by version ${this.#version}`);
      this.#replay(files.read(rdb).slice(RDB_HEADER.length));
      const keys = [...this.#databases.values()].reduce((sum, data) => sum + data.size, 0);
      this.#log('M', '*', `Done loading RDB, keys loaded: ${keys}, keys expired: 0.`);
      this.#log('M', '*', 'DB loaded from disk: 0.000 seconds');
    }
  }

  #replay(text: string): void {
    const reader = new RespReader();
    reader.feed(text);
    let database = 0;
    for (let words = reader.request(); words !== undefined; words = reader.request()) {
      const [name = '', ...args] = words;
      if (name === 'SELECT') database = Number(args[0]);
      else this.#database(database).run(name, args);
    }
    this.#lastDatabase = database;
  }

  /** The snapshot: here the commands that make the data anew. */
  #save(): void {
    const commands: string[] = [];
    for (const [index, data] of this.#databases) {
      commands.push(encodeRequest(['SELECT', String(index)]));
      for (const words of data.dump()) commands.push(encodeRequest(words));
    }
    this.#changes = 0;
    const text = RDB_HEADER + commands.join('');
    this.#os.files.write(`${this.#setting('dir')}/${this.#setting('dbfilename')}`, text);
    this.#log('M', '*', 'DB saved on disk');
  }
}
