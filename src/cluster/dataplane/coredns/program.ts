// CoreDNS (github.com/coredns/coredns 1.14): reads its Corefile, waits for the API, answers on port 53, and takes a changed Corefile.

import { Client } from '../../client/client.ts';
import { InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import { SocketError } from '../../network/socket-error.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { CorefileError } from './corefile.ts';
import { Instance } from './instance.ts';
import type { Records } from './kubernetes.ts';
import { Metrics } from './metrics.ts';
import { type Context, duration } from './plugin.ts';
import { informerRecords } from './records.ts';

const VERSION = '1.14.2';
const BUILD = 'linux/amd64, go1.26.1, dd1df4f';
/** Without a Corefile. */
const DEFAULT_COREFILE = '.:53 {\nwhoami\nlog\n}\n';

/** `/coredns -conf /etc/coredns/Corefile`. */
export const coreDnsProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const path = argument(os, '-conf') ?? 'Corefile';
  if (argument(os, '-conf') !== undefined && !os.files.exists(path)) {
    os.logError(`open ${path}: no such file or directory`);
    return 1;
  }
  const ended = new Channel<number>(os.sim);
  os.go('signals', function* () {
    yield* stop.receive();
    ended.send(0);
  });
  const coreDns = new CoreDns(os, path, (code) => ended.send(code));
  const problem = yield* coreDns.start(os.files.exists(path) ? os.files.read(path) : DEFAULT_COREFILE);
  if (problem !== null) {
    os.logError(problem);
    return 1;
  }
  const code = yield* ended.receive();
  if (code !== 0) return code ?? 0;
  os.log('[INFO] SIGTERM: Shutting down servers then terminating');
  yield* coreDns.lameduck();
  return 0;
};

class CoreDns {
  readonly #os: Os;
  readonly #path: string;
  readonly #metrics = new Metrics();
  readonly #end: (code: number) => void;
  readonly #records = new Map<boolean, ReturnType<Context['records']>>();
  #instance: Instance | null = null;

  constructor(os: Os, path: string, end: (code: number) => void) {
    this.#os = os;
    this.#path = path;
    this.#end = end;
    this.#metrics.gauges.set(`coredns_build_info{goversion="go1.26.1",revision="dd1df4f",version="${VERSION}"}`, 1);
  }

  /** Says why not. */
  *start(text: string): Op<string | null> {
    const problem = yield* this.#run(text);
    if (problem !== null) return problem;
    this.#instance?.announce();
    this.#os.log(`CoreDNS-${VERSION}`);
    this.#os.log(BUILD);
    return null;
  }

  *lameduck(): Op<void> {
    const text = this.#instance?.lameduck.duration ?? '';
    if (text === '') return;
    this.#os.log(`[INFO] plugin/health: Going into lameduck mode for ${text}`);
    yield* this.#os.sleep(duration(text));
  }

  *#run(text: string): Op<string | null> {
    try {
      const instance = new Instance(this.#process(), text);
      yield* instance.start(this.#instance);
      this.#instance = instance;
      return null;
    } catch (error) {
      if (error instanceof CorefileError) return error.message;
      if (error instanceof SocketError) return `Listen: ${error.message}`;
      throw error;
    }
  }

  /** Another configuration in place of the one that runs. */
  *#restart(text: string): Op<string | null> {
    const { log } = this.#process();
    log('INFO', 'Reloading');
    const problem = yield* this.#run(text);
    if (problem !== null) {
      log('ERROR', `Restart failed: ${problem}`);
      return `starting with listener file descriptors: ${problem}`;
    }
    this.#instance?.announce();
    log('INFO', 'Reloading complete');
    return null;
  }

  #process(): Pick<Context, 'os' | 'path' | 'metrics' | 'log' | 'fatal' | 'records' | 'restart'> {
    const os = this.#os;
    return {
      os,
      path: this.#path,
      metrics: this.#metrics,
      log: (level, text) => os.log(`[${level}] ${text}`),
      fatal: (text) => {
        os.log(`[FATAL] ${text}`);
        this.#end(1);
      },
      records: (pods) => this.#store(pods),
      restart: (text) => this.#restart(text),
    };
  }

  /** The informers, which outlive configurations. */
  #store(pods: boolean): { readonly records: Records; readonly synced: () => boolean } {
    const known = this.#records.get(pods);
    if (known !== undefined) return known;
    const factory = new InformerFactory(this.#os, new Client(this.#os, inClusterConfig(this.#os)));
    const records = informerRecords(factory, pods);
    factory.start();
    const waiting = this.#os.go('wait-for-api', () => factory.waitForSync());
    const store = { records, synced: () => waiting.ended };
    this.#records.set(pods, store);
    return store;
  }
}

function argument(os: Os, name: string): string | undefined {
  const at = os.argv.indexOf(name);
  return at < 0 ? undefined : os.argv[at + 1];
}
