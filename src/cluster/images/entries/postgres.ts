// postgres: the entrypoint's words and demands, a server that keeps its data in PGDATA, psql and pg_isready.

import type { Os, Program } from '../../machine/process.ts';
import { SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import type { ImageEntry } from '../entry.ts';
import { takeMemory } from '../plain/server.ts';
import { strftime } from '../shell/applets/system.ts';
import { BASH, BUSYBOX, type Toolbox } from '../shell/shell.ts';
import { SqlEngine, SqlError } from '../sql/engine.ts';
import { keepDatabase, loadDatabases } from '../sql/store.ts';
import { splitSql } from '../sql/syntax.ts';
import { serveSql } from '../sql/wire.ts';
import { versionedTag } from '../tags.ts';
import { BASIC_COMMANDS, BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';
import { POSTGRES_CLIENTS } from './postgres-client.ts';

const ENTRYPOINT = 'docker-entrypoint.sh';
const FILE = '.heap';

const debianTools = toolboxOf(BASH, { ...BASIC_COMMANDS, ...POSTGRES_CLIENTS }, ['sh', 'bash', 'dash']);
const alpineTools = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...POSTGRES_CLIENTS }, ['sh', 'ash', 'bash']);

function setting(os: Os, name: string): string | undefined {
  const value = os.env[`POSTGRES_${name}`];
  if (value !== undefined && value !== '') return value;
  const file = os.env[`POSTGRES_${name}_FILE`];
  return file !== undefined && os.files.exists(file) ? os.files.read(file).trim() : undefined;
}

const NO_PASSWORD = [
  'Error: Database is uninitialized and superuser password is not specified.',
  '       You must specify POSTGRES_PASSWORD to a non-empty value for the',
  '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".',
  '',
  '       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all',
  '       connections without a password. This is *not* recommended.',
  '',
  '       See PostgreSQL documentation about "trust":',
  '       https://www.postgresql.org/docs/current/auth-trust.html',
];

interface ClusterFile {
  readonly accounts: Readonly<Record<string, string>>;
  readonly trust: boolean;
}

function* entrypoint(os: Os, version: string, data: string, argv: readonly string[]): Op<number> {
  const { files } = os;
  if (files.exists(`${data}/PG_VERSION`)) {
    os.log('');
    os.log('PostgreSQL Database directory appears to contain a database; Skipping initialization');
    os.log('');
    const kept = files.read(`${data}/PG_VERSION`).trim();
    const major = version.split('.')[0] as string;
    if (kept !== major) {
      os.logError(`${stamp(os)} [1] FATAL:  database files are incompatible with server`);
      os.logError(`${stamp(os)} [1] DETAIL:  The data directory was initialized by PostgreSQL version ${kept}, which is not compatible with this version ${version}.`);
      return 1;
    }
    return yield* serve(os, version, data, argv);
  }
  const password = setting(os, 'PASSWORD');
  const trust = os.env['POSTGRES_HOST_AUTH_METHOD'] === 'trust';
  if (password === undefined && !trust) {
    for (const line of NO_PASSWORD) os.logError(line);
    return 1;
  }
  const user = setting(os, 'USER') ?? 'postgres';
  os.log(`The files belonging to this database system will be owned by user "postgres".`);
  os.log('This user must also own the server process.');
  os.log('');
  const there = files.isDirectory(data) ? files.list(data).filter((name) => name !== '.keep') : [];
  if (there.length > 0) {
    os.logError(`initdb: error: directory "${data}" exists but is not empty`);
    os.logError(`initdb: hint: If you want to create a new database system, either remove or empty the directory "${data}" or run initdb with an argument other than "${data}".`);
    return 1;
  }
  yield* os.sleep(900 * MILLISECOND);
  for (const line of [`fixing permissions on existing directory ${data} ... ok`, 'creating subdirectories ... ok', 'creating configuration files ... ok', 'running bootstrap script ... ok', 'syncing data to disk ... ok', '', 'Success. You can now start the database server using:', '']) os.log(line);
  files.write(`${data}/PG_VERSION`, `${version.split('.')[0] ?? ''}\n`);
  files.write(`${data}/global/pg_authid${FILE}`, `${JSON.stringify({ accounts: { [user]: password ?? '' }, trust } satisfies ClusterFile)}\n`);
  os.log('waiting for server to start.... done');
  const engine = engineOf(os, version, data);
  const database = setting(os, 'DB') ?? user;
  for (const name of new Set(['postgres', database])) if (!engine.databases.has(name)) engine.run(`CREATE DATABASE "${name}"`, { user, database: '' });
  if (database !== 'postgres') os.log('CREATE DATABASE');
  initialScripts(os, engine, user, database);
  yield* os.sleep(400 * MILLISECOND);
  for (const line of ['waiting for server to shut down.... done', 'server stopped', '', 'PostgreSQL init process complete; ready for start up.', '']) os.log(line);
  return yield* serve(os, version, data, argv);
}

function initialScripts(os: Os, engine: SqlEngine, user: string, database: string): void {
  const { files } = os;
  const scripts = '/docker-entrypoint-initdb.d';
  for (const name of files.isDirectory(scripts) ? files.list(scripts) : []) {
    if (!name.endsWith('.sql')) continue;
    os.log(`/usr/local/bin/docker-entrypoint.sh: running ${scripts}/${name}`);
    for (const sql of splitSql(files.read(`${scripts}/${name}`))) {
      try {
        os.log(engine.run(sql, { user, database }).tag);
      } catch (error) {
        if (!(error instanceof SqlError)) throw error;
        os.logError(`psql:${scripts}/${name}: ERROR:  ${error.message}`);
      }
    }
  }
}

const stamp = (os: Os): string => strftime('%F %T.%N UTC', os.sim.epoch + os.sim.now).replace('000000 UTC', ' UTC');

function engineOf(os: Os, version: string, data: string): SqlEngine {
  const { files } = os;
  const engine = new SqlEngine({
    dialect: 'postgres',
    version: `${version} (Debian ${version}-1.pgdg13+1)`,
    now: () => strftime('%F %T.%N+00', os.sim.epoch + os.sim.now).replace('000+00', '+00'),
    variables: { server_version: version, max_connections: '100', data_directory: data, timezone: 'Etc/UTC' },
    changed: (database, tables) => keepDatabase(files, (name) => `${data}/base/${name}${FILE}`, database, tables),
  });
  loadDatabases(files, `${data}/base`, FILE, engine);
  return engine;
}

function* serve(os: Os, version: string, data: string, argv: readonly string[]): Op<number> {
  os.process.exec(argv);
  const log = (text: string): void => os.logError(`${stamp(os)} [1] LOG:  ${text}`);
  const signals = os.signals();
  const at = argv.indexOf('-p');
  const port = Number(at < 0 ? (os.env['PGPORT'] ?? 5432) : argv[at + 1]);
  log(`starting PostgreSQL ${version} (Debian ${version}-1.pgdg13+1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 14.2.0-19) 14.2.0, 64-bit`);
  yield* os.sleep(200 * MILLISECOND);
  const { files } = os;
  const engine = engineOf(os, version, data);
  const kept = JSON.parse(files.read(`${data}/global/pg_authid${FILE}`)) as ClusterFile;
  try {
    serveSql(os, port, engine, version, ({ user, password, database, local }) => {
      const known = kept.accounts[user];
      if (!local && !kept.trust && (known === undefined || password !== known)) return new SqlError(0, '28P01', password === null ? 'no password supplied' : `password authentication failed for user "${user}"`);
      if (known === undefined) return new SqlError(0, '28000', `role "${user}" does not exist`);
      return engine.databases.has(database) ? null : new SqlError(0, '3D000', `database "${database}" does not exist`);
    });
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    log(`could not bind IPv4 address "0.0.0.0": Address already in use`);
    return 1;
  }
  takeMemory(os, 28_000_000);
  log(`listening on IPv4 address "0.0.0.0", port ${port}`);
  log(`listening on Unix socket "/var/run/postgresql/.s.PGSQL.${port}"`);
  log('database system is ready to accept connections');
  yield* signals.receive();
  log('received fast shutdown request');
  yield* os.sleep(100 * MILLISECOND);
  log('database system is shut down');
  return 0;
}

const dataOf = (os: Os, major: number): string => os.env['PGDATA'] ?? (major >= 18 ? `/var/lib/postgresql/${major}/docker` : '/var/lib/postgresql/data');

function postgresProgram(tag: string): Program {
  const version = tag.split('-')[0] as string;
  const tools: Toolbox = tag.includes('alpine') ? alpineTools : debianTools;
  const major = Number(version.split('.')[0]);
  return function* (os: Os): Op<number> {
    let { argv } = os;
    const viaEntrypoint = (argv[0] ?? '').endsWith(ENTRYPOINT);
    if (viaEntrypoint) argv = argv.slice(1);
    if (argv[0] === undefined || argv[0].startsWith('-')) argv = ['postgres', ...argv];
    const name = (argv[0] as string).split('/').pop();
    const here = Object.create(os, { argv: { value: argv } }) as Os;
    if (name !== 'postgres') return yield* runCommandLine(here, tools);
    if (argv.includes('--version') || argv.includes('-V')) {
      os.log(`postgres (PostgreSQL) ${version} (Debian ${version}-1.pgdg13+1)`);
      return 0;
    }
    if (viaEntrypoint) return yield* entrypoint(here, version, dataOf(os, major), argv);
    os.logError('"root" execution of the PostgreSQL server is not permitted.');
    return 1;
  };
}

const PATCHES: readonly (readonly [string, number])[] = [
  ['9.4', 26], ['9.5', 25], ['9.6', 24], ['10', 23], ['11', 22], ['12', 22], ['13', 23], ['14', 20], ['15', 15], ['16', 11], ['17', 7], ['18', 1],
];

/** Since 10 a version is major.minor: `17` is 17.7, `17.2` exists as well. */
function postgresTag(tag: string): string | null {
  const variant = /-(alpine[\d.]*|bookworm|bullseye|trixie|buster|stretch)$/.exec(tag)?.[0] ?? '';
  const text = tag === variant.slice(1) ? 'latest' : tag.slice(0, tag.length - variant.length);
  if (text === 'latest') return `18.1${variant}`;
  const old = versionedTag({ patches: new Map(PATCHES.slice(0, 3)), words: {}, variants: [''] })(text);
  if (old !== null) return old + variant;
  const m = /^(\d+)(?:\.(\d+))?$/.exec(text);
  const highest = m ? PATCHES.find(([major]) => major === m[1])?.[1] : undefined;
  if (m === null || highest === undefined || Number(m[2] ?? 0) > highest) return null;
  return `${m[1] as string}.${m[2] ?? highest}${variant}`;
}

export const postgresImage: ImageEntry = {
  repository: 'docker.io/library/postgres',
  tags: postgresTag,
  entrypoint: [ENTRYPOINT],
  cmd: ['postgres'],
  env: (tag) => ({ PG_MAJOR: tag.split('.')[0] as string, PG_VERSION: `${tag.split('-')[0] ?? ''}-1.pgdg13+1`, ...(Number(tag.split('.')[0]) >= 18 ? { PGDATA: `/var/lib/postgresql/${tag.split('.')[0] ?? ''}/docker` } : { PGDATA: '/var/lib/postgresql/data' }) }),
  exposedPorts: [5432],
  stopSignal: 'SIGINT',
  sizeBytes: (tag) => (tag.includes('alpine') ? 109_000_000 : 162_000_000),
  files: { '/var/lib/postgresql/data/.keep': '', '/docker-entrypoint-initdb.d/.keep': '', '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\npostgres:x:999:999::/var/lib/postgresql:/bin/bash\n' },
  program: postgresProgram('18.1'),
  programOf: postgresProgram,
  hasExecutable: hasExecutable(debianTools, [ENTRYPOINT, `/usr/local/bin/${ENTRYPOINT}`, 'postgres', 'ash']),
};
