// nginx' master process and its workers: reads its configuration, listens, reloads on SIGHUP, ends gracefully on SIGQUIT; `-t` tests a
// file, `-s` signals the master (ngx_process_cycle.c, nginx.c).

import { FileError } from '../../machine/files.ts';
import type { Os, Process, Program } from '../../machine/process.ts';
import { type HttpServer, serveHttp } from '../../network/http.ts';
import { SocketError } from '../../network/socket.ts';
import type { Random } from '../../sim/random.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { type Configuration, type Listen, loadConfiguration, type Server, serverFor } from './configuration.ts';
import { argsOf } from './directives.ts';
import { hostOf } from './exchange.ts';
import { answer, NGINX_VERSION, type Scripts } from './phases.ts';
import { errorPage } from './status-pages.ts';
import { errorLogTime } from './times.ts';

/** Scripts of a flavour of nginx; `certificate` is ssl_certificate_by_lua. */
export type Modules = Scripts & { certificate?(serverName: string): string | undefined };

const DEFAULT_FILE = '/etc/nginx/nginx.conf';
const masters = new WeakMap<Os['machine'], Map<string, Process>>();

export const nginxProgram = (modulesOf: (os: Os, random: Random) => Modules): Program =>
  function* (os: Os): Op<number> {
    const { argv } = os;
    const after = (flag: string): string | undefined => (argv.includes(flag) ? argv[argv.indexOf(flag) + 1] : undefined);
    const file = after('-c') ?? DEFAULT_FILE;
    if (argv.includes('-v') || argv.includes('-V')) {
      os.logError(`nginx version: nginx/${NGINX_VERSION}`);
      return 0;
    }
    const signal = after('-s');
    if (signal !== undefined) return tell(os, signal);
    yield* os.sleep(12 * MILLISECOND);
    const read = load(os, file);
    if (typeof read === 'string') {
      os.logError(`${time(os)} [emerg] ${os.process.pid}#${os.process.pid}: ${read}`);
      os.logError(`nginx: [emerg] ${read}`);
      if (argv.includes('-t')) os.logError(`nginx: configuration file ${file} test failed`);
      return 1;
    }
    if (argv.includes('-t')) {
      os.logError(`nginx: the configuration file ${file} syntax is ok`);
      os.logError(`nginx: configuration file ${file} test is successful`);
      return 0;
    }
    return yield* new Master(os, file, modulesOf, read).run();
  };

const time = (os: Os): string => errorLogTime(os.sim.epoch + os.sim.now);

/** Processes of one Pod have it in common. */
const keyOf = (os: Os): string => os.process.netns?.name ?? '';

/** The master that runs in the same Pod. */
export const masterBeside = (os: Os): Process | undefined => {
  const master = masters.get(os.machine)?.get(keyOf(os));
  return master?.alive === true ? master : undefined;
};

function tell(os: Os, signal: string): number {
  const master = masterBeside(os);
  const sent = ({ reload: 'SIGHUP', quit: 'SIGQUIT', stop: 'SIGTERM' } as const)[signal];
  if (sent === undefined) {
    os.logError(`nginx: invalid option: "-s ${signal}"`);
    return 1;
  }
  if (!master) {
    os.logError('nginx: [error] open() "/tmp/nginx/nginx.pid" failed (2: No such file or directory)');
    return 1;
  }
  os.logError(`${time(os)} [notice] ${os.process.pid}#${os.process.pid}: signal process started`);
  master.kill(sent);
  return 0;
}

function load(os: Os, file: string): Configuration | string {
  try {
    return loadConfiguration(file, (path) => {
      const { files } = os;
      if (!path.includes('*')) return files.exists(path) || path === file ? [{ path, text: files.read(path) }] : [];
      const folder = path.slice(0, path.lastIndexOf('/'));
      const ending = path.slice(path.lastIndexOf('*') + 1);
      if (!files.isDirectory(folder)) return [];
      return files.list(folder).filter((name) => name.endsWith(ending)).toSorted().map((name) => ({ path: `${folder}/${name}`, text: files.read(`${folder}/${name}`) }));
    });
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return `open() "${file}" failed (2: No such file or directory)`;
  }
}

class Master {
  readonly #os: Os;
  readonly #file: string;
  readonly #random: Random;
  readonly #modules: Modules;
  readonly #servers = new Map<string, HttpServer>();
  #config: Configuration;
  #workers: readonly Process[] = [];

  constructor(os: Os, file: string, modulesOf: (os: Os, random: Random) => Modules, config: Configuration) {
    this.#os = os;
    this.#file = file;
    this.#random = os.sim.random(`nginx/${os.place}/${os.process.pid}`);
    this.#modules = modulesOf(os, this.#random);
    this.#config = config;
  }

  *run(): Op<number> {
    const os = this.#os;
    const signals = os.signals();
    const known = masters.get(os.machine) ?? new Map<string, Process>();
    masters.set(os.machine, known.set(keyOf(os), os.process));
    os.process.exec([`nginx: master process ${os.argv.join(' ')}`], 'nginx');
    const problem = this.#listen();
    if (problem !== undefined) {
      os.logError(`nginx: [emerg] ${problem}`);
      return 1;
    }
    this.#note('using the "epoll" event method');
    this.#note(`nginx/${NGINX_VERSION}`);
    this.#startWorkers();
    for (;;) {
      const signal = yield* signals.receive();
      if (signal === undefined) return 0;
      if (signal === 'SIGHUP') {
        this.#note('signal 1 (SIGHUP) received, reconfiguring');
        yield* os.sleep(15 * MILLISECOND);
        this.#reload();
        continue;
      }
      this.#note(signal === 'SIGQUIT' ? 'signal 3 (SIGQUIT) received, shutting down' : `signal ${signal === 'SIGINT' ? '2 (SIGINT)' : '15 (SIGTERM)'} received, exiting`);
      for (const worker of this.#workers) worker.kill('SIGKILL');
      if (signal === 'SIGQUIT') yield* os.sleep(5 * MILLISECOND);
      known.delete(keyOf(os));
      this.#note('exit');
      return 0;
    }
  }

  /** As the error log of the main context lets through: errors, unless it says more. */
  #note(text: string): void {
    if (!LOUD.has(argsOf(this.#config.main, 'error_log')[0]?.[1] ?? 'error')) return;
    const { pid } = this.#os.process;
    this.#os.logError(`${time(this.#os)} [notice] ${pid}#${pid}: ${text}`);
  }

  #reload(): void {
    const read = load(this.#os, this.#file);
    const { pid } = this.#os.process;
    const before = this.#config;
    if (typeof read !== 'string') this.#config = read;
    const problem = typeof read === 'string' ? read : this.#listen();
    if (problem !== undefined) {
      this.#config = before;
      this.#os.logError(`${time(this.#os)} [emerg] ${pid}#${pid}: ${problem}`);
      return;
    }
    const old = this.#workers;
    this.#startWorkers();
    for (const worker of old) worker.kill('SIGQUIT');
  }

  #startWorkers(): void {
    const os = this.#os;
    const count = Number(argsOf(this.#config.main, 'worker_processes')[0]?.[0]) || os.machine.cpus;
    this.#note('start worker processes');
    this.#workers = Array.from({ length: Math.min(8, count) }, () => os.spawn(worker, { argv: ['nginx: worker process'], comm: 'nginx', parent: os.process }));
    for (const { pid } of this.#workers) this.#note(`start worker process ${pid}`);
  }

  /** Opens what is new in the configuration and closes what is no longer in it. */
  #listen(): string | undefined {
    const wanted = new Map<string, Listen>();
    for (const server of this.#config.servers) for (const l of server.listens) if (l.address !== '::') wanted.set(placeOf(l), l);
    for (const [key, server] of this.#servers) {
      if (wanted.has(key)) continue;
      server.close();
      this.#servers.delete(key);
    }
    for (const [key, listen] of wanted) {
      if (this.#servers.has(key)) continue;
      try {
        this.#servers.set(key, this.#open(listen));
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
        return `bind() to ${key} failed (98: Address already in use)`;
      }
    }
    return undefined;
  }

  #open(listen: Listen): HttpServer {
    const os = this.#os;
    const here = (l: Listen): boolean => placeOf(l) === placeOf(listen);
    const where = listen.port === 0 ? { unix: listen.address } : { port: listen.port, address: listen.address };
    const secure = listen.secure ? { tls: { certificate: (name: string) => this.#certificate(here, name), http2: true } } : {};
    const engine = { os, random: this.#random, scripts: this.#modules };
    return serveHttp(os, { ...where, ...secure }, (request, peer) => {
      const config = this.#config;
      if (listen.secure && peer.serverName === undefined) return refused();
      const server = serverFor(config.servers, here, hostOf(request)) as Server;
      return answer(engine, config, server, request, peer, listen.port);
    });
  }

  #certificate(here: (listen: Listen) => boolean, name: string): string | null {
    const config = this.#config;
    const server = serverFor(config.servers, here, name.toLowerCase());
    if (argsOf(server?.directives ?? [], 'ssl_reject_handshake')[0]?.[0] === 'on') return null;
    const scripted = this.#modules.certificate?.(name.toLowerCase());
    if (scripted !== undefined) return scripted;
    const path = (argsOf(server?.directives ?? [], 'ssl_certificate')[0] ?? argsOf(config.http, 'ssl_certificate')[0])?.[0];
    return path !== undefined && this.#os.files.exists(path) ? this.#os.files.read(path) : null;
  }
}

function* refused(): Op<{ status: number; headers: Readonly<Record<string, string>>; body: string }> {
  return { status: 400, headers: { 'content-type': 'text/html' }, body: errorPage(400, 'nginx', 'The plain HTTP request was sent to HTTPS port') };
}

const placeOf = ({ address, port }: Listen): string => (port === 0 ? `unix:${address}` : `${address}:${port}`);

const LOUD = new Set(['notice', 'info', 'debug']);

const worker: Program = function* (os) {
  yield* os.signals().receive();
};
