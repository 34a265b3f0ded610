// mysql and mariadb: the entrypoint's words and demands, a server that keeps its data in /var/lib/mysql, and the clients.

import type { Os, Program } from '../../machine/process.ts';
import { SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import type { ImageEntry } from '../entry.ts';
import { takeMemory } from '../plain/server.ts';
import { strftime } from '../shell/applets/system.ts';
import { BASH, type Toolbox } from '../shell/shell.ts';
import { SqlEngine, SqlError } from '../sql/engine.ts';
import { keepDatabase, loadDatabases } from '../sql/store.ts';
import { splitSql } from '../sql/syntax.ts';
import { serveSql } from '../sql/wire.ts';
import { type VersionedTags, versionedTag } from '../tags.ts';
import { BASIC_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';
import { MYSQL_CLIENTS } from './mysql-client.ts';

interface Brand {
  readonly name: 'MySQL' | 'MariaDB';
  readonly prefix: 'MYSQL' | 'MARIADB';
  readonly server: 'mysqld' | 'mariadbd';
}

const MYSQL: Brand = { name: 'MySQL', prefix: 'MYSQL', server: 'mysqld' };
const MARIADB: Brand = { name: 'MariaDB', prefix: 'MARIADB', server: 'mariadbd' };

const ENTRYPOINT = 'docker-entrypoint.sh';
const FILE = '.ibd';

function setting(os: Os, brand: Brand, name: string): string | undefined {
  const value = os.env[`${brand.prefix}_${name}`] ?? os.env[`MYSQL_${name}`];
  if (value !== undefined && value !== '') return value;
  const file = os.env[`${brand.prefix}_${name}_FILE`] ?? os.env[`MYSQL_${name}_FILE`];
  return file !== undefined && os.files.exists(file) ? os.files.read(file).trim() : undefined;
}

const option = (argv: readonly string[], name: string): string | undefined => argv.find((arg) => arg.replaceAll('_', '-').startsWith(`--${name}=`))?.split('=').slice(1).join('=');

function* entrypoint(os: Os, brand: Brand, version: string, argv: readonly string[]): Op<number> {
  const note = (level: string, text: string): void => {
    const line = `${strftime('%F %T+00:00', os.sim.epoch + os.sim.now)} [${level}] [Entrypoint]: ${text}`;
    if (level === 'ERROR') os.logError(line);
    else os.log(line);
  };
  const shown = brand === MYSQL ? `${version}-1.el9` : `1:${version}+maria~ubu2404`;
  note('Note', `Entrypoint script for ${brand.name} Server ${shown} started.`);
  yield* os.sleep(150 * MILLISECOND);
  note('Note', "Switching to dedicated user 'mysql'");
  note('Note', `Entrypoint script for ${brand.name} Server ${shown} started.`);
  const data = option(argv, 'datadir') ?? '/var/lib/mysql';
  const { files } = os;
  const fresh = !files.exists(`${data}/mysql${FILE}`);
  if (fresh) {
    const root = setting(os, brand, 'ROOT_PASSWORD');
    const empty = brand === MYSQL ? ['ALLOW_EMPTY_PASSWORD'] : ['ALLOW_EMPTY_PASSWORD', 'ALLOW_EMPTY_ROOT_PASSWORD'];
    const excused = [...empty, 'RANDOM_ROOT_PASSWORD', 'ROOT_PASSWORD_HASH'].some((name) => setting(os, brand, name) !== undefined);
    if (root === undefined && !excused) {
      note('ERROR', 'Database is uninitialized and password option is not specified');
      const wanted = brand === MYSQL
        ? ['    You need to specify one of the following as an environment variable:', '    - MYSQL_ROOT_PASSWORD', '    - MYSQL_ALLOW_EMPTY_PASSWORD', '    - MYSQL_RANDOM_ROOT_PASSWORD']
        : ['\tYou need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD'];
      for (const line of wanted) os.logError(line);
      return 1;
    }
    if (setting(os, brand, 'USER') === 'root') {
      note('ERROR', `${brand.prefix}_USER="root", ${brand.prefix}_USER and ${brand.prefix}_PASSWORD are for configuring a regular user and cannot be used for the root user`);
      return 1;
    }
    note('Note', 'Initializing database files');
    yield* os.sleep(2500 * MILLISECOND);
    note('Note', 'Database files initialized');
    note('Note', 'Starting temporary server');
    yield* os.sleep(1200 * MILLISECOND);
    note('Note', 'Temporary server started.');
    initialise(os, brand, data, note);
    note('Note', 'Stopping temporary server');
    yield* os.sleep(800 * MILLISECOND);
    note('Note', 'Temporary server stopped');
    note('Note', `${brand.name} init process done. Ready for start up.`);
  }
  return yield* serve(os, brand, version, data, argv);
}

interface Account {
  readonly password: string;
}

/** The first database, its user, and what /docker-entrypoint-initdb.d says. */
function initialise(os: Os, brand: Brand, data: string, note: (level: string, text: string) => void): void {
  const { files } = os;
  const accounts: Record<string, Account> = { root: { password: setting(os, brand, 'ROOT_PASSWORD') ?? '' } };
  const user = setting(os, brand, 'USER');
  const database = setting(os, brand, 'DATABASE');
  const engine = engineOf(os, '', data);
  if (database !== undefined) {
    note('Note', `Creating database ${database}`);
    engine.run(`CREATE DATABASE IF NOT EXISTS \`${database}\``, { user: 'root', database: '' });
  }
  if (user !== undefined) {
    note('Note', `Creating user ${user}`);
    accounts[user] = { password: setting(os, brand, 'PASSWORD') ?? '' };
    if (database !== undefined) note('Note', `Giving user ${user} access to schema ${database}`);
  }
  files.write(`${data}/mysql${FILE}`, `${JSON.stringify(accounts)}\n`);
  const scripts = '/docker-entrypoint-initdb.d';
  for (const name of files.isDirectory(scripts) ? files.list(scripts) : []) {
    if (!name.endsWith('.sql')) continue;
    note('Note', `/usr/local/bin/docker-entrypoint.sh: running ${scripts}/${name}`);
    let session = { user: 'root', database: database ?? '' };
    for (const sql of splitSql(files.read(`${scripts}/${name}`))) {
      try {
        const { use } = engine.run(sql, session);
        if (use !== undefined) session = { ...session, database: use };
      } catch (error) {
        if (!(error instanceof SqlError)) throw error;
        os.logError(`ERROR ${error.number} (${error.state}) at line 1: ${error.message}`);
      }
    }
  }
}

function engineOf(os: Os, version: string, data: string): SqlEngine {
  const { files } = os;
  const engine = new SqlEngine({
    dialect: 'mysql',
    version,
    now: () => strftime('%F %T', os.sim.epoch + os.sim.now),
    variables: { hostname: os.env['HOSTNAME'] ?? os.machine.name, server_id: 1, version, port: 3306, datadir: `${data}/`, max_connections: 151, read_only: 0, Threads_connected: 1, Uptime: Math.floor(os.sim.now / SECOND) },
    changed: (database, tables) => keepDatabase(files, (name) => `${data}/${name}/tables${FILE}`, database, tables),
  });
  loadDatabases(files, data, `tables${FILE}`, engine);
  return engine;
}

function* serve(os: Os, brand: Brand, version: string, data: string, argv: readonly string[]): Op<number> {
  os.process.exec(argv);
  const stamp = (): string => strftime('%FT%T.%NZ', os.sim.epoch + os.sim.now).replace('000Z', 'Z');
  const log = (level: string, code: string, text: string): void =>
    os.logError(brand === MYSQL ? `${stamp()} 0 [${level}] [MY-${code}] [Server] ${text}` : `${strftime('%F %T', os.sim.epoch + os.sim.now)} 0 [${level === 'System' ? 'Note' : level}] ${text}`);
  log('System', '010116', brand === MYSQL ? `/usr/sbin/mysqld (mysqld ${version}) starting as process 1` : `Starting MariaDB ${version}-MariaDB-ubu2404 source revision  as process 1`);
  const signals = os.signals();
  yield* os.sleep(900 * MILLISECOND);
  const { files } = os;
  const accounts = JSON.parse(files.exists(`${data}/mysql${FILE}`) ? files.read(`${data}/mysql${FILE}`) : '{"root":{"password":""}}') as Record<string, Account>;
  const port = Number(option(argv, 'port') ?? 3306);
  const engine = engineOf(os, version, data);
  try {
    serveSql(os, port, engine, version, ({ user, password, database, local }, address) => {
      const account = accounts[user];
      if (account === undefined || account.password !== (password ?? '')) {
        return new SqlError(1045, '28000', `Access denied for user '${user}'@'${local ? 'localhost' : address}' (using password: ${password === null ? 'NO' : 'YES'})`);
      }
      return database !== '' && database !== 'mysql' && !engine.databases.has(database) ? new SqlError(1049, '42000', `Unknown database '${database}'`) : null;
    });
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    log('ERROR', '010262', `Can't start server: Bind on TCP/IP port: Address already in use`);
    return 1;
  }
  takeMemory(os, brand === MYSQL ? 380_000_000 : 90_000_000);
  log('System', '010931', brand === MYSQL ? `/usr/sbin/mysqld: ready for connections. Version: '${version}'  socket: '/var/run/mysqld/mysqld.sock'  port: ${port}  MySQL Community Server - GPL.` : `mariadbd: ready for connections.`);
  yield* signals.receive();
  log('System', '013172', brand === MYSQL ? `Received SHUTDOWN from user <via user signal>. Shutting down mysqld (Version: ${version}).` : 'mariadbd (initiated by: unknown): Normal shutdown');
  yield* os.sleep(700 * MILLISECOND);
  log('System', '010910', brand === MYSQL ? `/usr/sbin/mysqld: Shutdown complete (mysqld ${version})  MySQL Community Server - GPL.` : 'mariadbd: Shutdown complete');
  return 0;
}

function program(brand: Brand, tools: Toolbox): (tag: string) => Program {
  return (tag) => {
    const version = tag.split('-')[0] as string;
    return function* (os: Os): Op<number> {
      let { argv } = os;
      const viaEntrypoint = (argv[0] ?? '').endsWith(ENTRYPOINT);
      if (viaEntrypoint) argv = argv.slice(1);
      if (argv[0] === undefined || argv[0].startsWith('-')) argv = [brand.server, ...argv];
      const name = (argv[0] as string).split('/').pop() ?? '';
      const here = Object.create(os, { argv: { value: argv } }) as Os;
      if (name !== 'mysqld' && name !== 'mariadbd') return yield* runCommandLine(here, tools);
      if (argv.includes('--version') || argv.includes('-V')) {
        os.log(`/usr/sbin/${name}  Ver ${version} for Linux on x86_64 (${brand === MYSQL ? 'MySQL Community Server - GPL' : 'mariadb.org binary distribution'})`);
        return 0;
      }
      return yield* viaEntrypoint ? entrypoint(here, brand, version, argv) : serve(here, brand, version, option(argv, 'datadir') ?? '/var/lib/mysql', argv);
    };
  };
}

function image(brand: Brand, repository: string, tags: VersionedTags, sizeBytes: number): ImageEntry {
  const tools = toolboxOf(BASH, { ...BASIC_COMMANDS, ...MYSQL_CLIENTS }, ['sh', 'bash']);
  return {
    repository,
    tags: versionedTag(tags),
    entrypoint: [ENTRYPOINT],
    cmd: [brand.server],
    env: (tag) => ({ [`${brand.prefix}_VERSION`]: tag.split('-')[0] as string }),
    exposedPorts: brand === MYSQL ? [3306, 33_060] : [3306],
    sizeBytes,
    files: { '/var/lib/mysql/.keep': '', '/docker-entrypoint-initdb.d/.keep': '', '/etc/mysql/conf.d/.keep': '', '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nmysql:x:999:999::/var/lib/mysql:/bin/false\n' },
    program: program(brand, tools)(tags.words['latest'] as string),
    programOf: program(brand, tools),
    hasExecutable: hasExecutable(tools, [ENTRYPOINT, `/usr/local/bin/${ENTRYPOINT}`, `/${ENTRYPOINT}`, 'mysqld', '/usr/sbin/mysqld', 'mariadbd', '/usr/sbin/mariadbd']),
  };
}

export const mysqlImage = image(MYSQL, 'docker.io/library/mysql', {
  patches: new Map([['5.5', 62], ['5.6', 51], ['5.7', 44], ['8.0', 44], ['8.1', 0], ['8.2', 0], ['8.3', 0], ['8.4', 7], ['9.0', 1], ['9.1', 0], ['9.2', 0], ['9.3', 0], ['9.4', 0], ['9.5', 0]]),
  words: { latest: '9.5.0', lts: '8.4.7', innovation: '9.5.0', oracle: '9.5.0' }, variants: ['', '-debian', '-oracle', '-oraclelinux8', '-oraclelinux9'],
}, 262_000_000);

export const mariadbImage = image(MARIADB, 'docker.io/library/mariadb', {
  patches: new Map([['10.1', 48], ['10.2', 44], ['10.3', 39], ['10.4', 34], ['10.5', 29], ['10.6', 23], ['10.7', 8], ['10.8', 8], ['10.9', 8], ['10.10', 7], ['10.11', 14], ['11.0', 6], ['11.1', 6], ['11.2', 6], ['11.4', 8], ['11.7', 2], ['11.8', 3], ['12.0', 2]]),
  words: { latest: '12.0.2', lts: '11.8.3' }, variants: ['', '-noble', '-jammy', '-focal', '-ubi'],
}, 105_000_000);
