// The runtime's side of CNI (containerd's go-cni, CRI-O's ocicni): loads the configuration list from /etc/cni/net.d, runs its plug-ins in order for ADD and
// backwards for DEL, each with a trace record.

import type { Os } from '../../machine/process.ts';
import type { Netns } from '../../network/netns.ts';
import type { Random } from '../../sim/random.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../../sim/time.ts';
import { CALL, type Subject } from '../../sim/trace.ts';
import type { CriError, SandboxConfig } from '../cri.ts';
import type { RuntimeWords } from '../flavour.ts';
import { bridge } from './bridge.ts';
import { flannel } from './flannel.ts';
import { loopback } from './loopback.ts';
import { type CniArgs, CniError, type CniPlugin, type CniResult, EMPTY_RESULT, type NetworkConfList, type PluginConf, providedPlugin, type WaitingPlugin } from './plugin.ts';
import { portmap } from './portmap.ts';

const CONF_DIR = '/etc/cni/net.d';
const ADD_TIME: Micros = 35 * MILLISECOND;
const ADD_JITTER: Micros = 10 * MILLISECOND;
const DEL_TIME: Micros = 20 * MILLISECOND;

/** What lies in /opt/cni/bin. */
const PLUGINS: Readonly<Record<string, CniPlugin>> = { loopback, bridge, portmap, flannel };

const pluginOf = ({ type }: PluginConf, { machine }: CniArgs): CniPlugin | WaitingPlugin | undefined => PLUGINS[type] ?? providedPlugin(type, machine);

/** What a sandbox has after ADD, kept for DEL. */
export interface Attachment {
  readonly ip: string;
  readonly result: CniResult;
  readonly list: NetworkConfList;
}

export class CniNetwork {
  readonly #os: Os;
  readonly #random: Random;
  readonly #words: RuntimeWords;
  #list: NetworkConfList | null = null;

  constructor(os: Os, random: Random, words: RuntimeWords) {
    this.#os = os;
    this.#random = random;
    this.#words = words;
    this.#load();
    os.machine.files.mkdir(CONF_DIR);
    const changes = os.machine.files.watch(CONF_DIR);
    const load = () => this.#load();
    os.go('cni config syncer', function* () {
      while ((yield* changes.receive()) !== undefined) load();
    });
  }

  get ready(): boolean {
    return this.#list !== null;
  }

  /** Runs ADD of loopback and of the network's plug-ins. Throws CriError. */
  *attach(netns: Netns, id: string, config: SandboxConfig, subject: Subject | null): Op<Attachment> {
    const list = this.#list;
    const wrap = (text: string): CriError => this.#words.network(id, config, list?.name ?? '', text);
    if (!list) throw wrap('cni plugin not initialized');
    const { sim, place, machine } = this.#os;
    const cause = sim.cause;
    const args = argsOf(this.#os, netns, id, config, list.name);
    loopback.add({ ...args, ifName: 'lo' }, { type: 'loopback' }, EMPTY_RESULT);
    let result = EMPTY_RESULT;
    for (const [i, conf] of list.plugins.entries()) {
      const first = i === 0;
      const at = `${machine.place}/cni/${conf.type}`;
      const call = sim.trace.emit(cause, {
        kind: 'cni', verb: 'ADD', level: CALL, start: sim.now, from: place, to: at, subject,
        detail: { plugin: conf.type, network: list.name, containerId: id, netns: netns.name, ifName: args.ifName },
      });
      yield* this.#os.sleep(first ? ADD_TIME + this.#random.int(ADD_JITTER) : Math.round(ADD_TIME / 10));
      sim.cause = call;
      const plugin = pluginOf(conf, args);
      try {
        if (!plugin) throw new CniError(`failed to find plugin "${conf.type}" in path [/opt/cni/bin]`);
        result = 'waits' in plugin ? yield* plugin.add(this.#os, args, conf, result) : plugin.add(args, conf, result);
        if (first) {
          const veth = result.interfaces.find((x) => x.sandbox === '' && (x.name.startsWith('veth') || x.name.startsWith('cali')));
          const ip = result.ips[0];
          sim.trace.emit(call, {
            kind: 'cni', verb: 'result', level: CALL, start: sim.now, from: at, to: place, subject,
            detail: { veth: veth?.name ?? '', ip: ip?.address ?? '', gateway: ip?.gateway ?? '', interface: args.ifName, result },
          });
        }
      } catch (error) {
        if (!(error instanceof CniError)) throw error;
        for (const undo of list.plugins.slice(0, i + 1).toReversed()) {
          const own = pluginOf(undo, args);
          if (own !== undefined && 'waits' in own) yield* this.#delete(own, args, undo, result);
          else own?.del(args, undo, result);
        }
        throw wrap(`plugin type="${conf.type}" failed (add): ${error.message}`);
      }
    }
    sim.cause = cause;
    const address = result.ips[0]?.address ?? '';
    return { ip: address.slice(0, Math.max(0, address.indexOf('/'))), result, list };
  }

  /** Runs DEL of the plug-ins that ADD ran. */
  *detach(netns: Netns, id: string, config: SandboxConfig, attachment: Attachment, subject: Subject | null): Op<void> {
    const { sim, place, machine } = this.#os;
    const cause = sim.cause;
    const { list, result } = attachment;
    const args = argsOf(this.#os, netns, id, config, list.name);
    for (const conf of list.plugins.toReversed()) {
      const call = sim.trace.emit(cause, {
        kind: 'cni', verb: 'DEL', level: CALL, start: sim.now, from: place, to: `${machine.place}/cni/${conf.type}`, subject,
        detail: { plugin: conf.type, network: list.name, containerId: id, netns: netns.name, ip: attachment.ip },
      });
      yield* this.#os.sleep(DEL_TIME / list.plugins.length);
      sim.cause = call;
      const plugin = pluginOf(conf, args);
      if (plugin !== undefined && 'waits' in plugin) yield* this.#delete(plugin, args, conf, result);
      else plugin?.del(args, conf, result);
    }
    sim.cause = cause;
  }

  /** An error of DEL is the runtime's to log: the sandbox goes anyway. */
  *#delete(plugin: WaitingPlugin, args: CniArgs, conf: PluginConf, result: CniResult): Op<void> {
    try {
      yield* plugin.del(this.#os, args, conf, result);
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      this.#os.logError(`level=error msg="failed to destroy network for sandbox \\"${args.containerId}\\"" error="plugin type=\\"${conf.type}\\" failed (delete): ${error.message}"`);
    }
  }

  /** Takes the first configuration list by name, as libcni does. */
  #load(): void {
    const files = this.#os.machine.files;
    this.#list = null;
    if (!files.exists(CONF_DIR)) return;
    const name = files.list(CONF_DIR).find((f) => f.endsWith('.conflist') || f.endsWith('.conf'));
    if (name === undefined) return;
    const parsed = parseList(files.read(`${CONF_DIR}/${name}`));
    if (parsed) this.#list = parsed;
    else this.#os.logError(`level=error msg="failed to reload cni configuration" error="cni config load failed: failed to load CNI config list file ${CONF_DIR}/${name}"`);
  }
}

function argsOf(os: Os, netns: Netns, containerId: string, config: SandboxConfig, networkName: string): CniArgs {
  return {
    machine: os.machine, netns, containerId, ifName: 'eth0', networkName, podNamespace: config.namespace, podName: config.name,
    portMappings: config.ports.filter((p) => p.hostPort > 0),
  };
}

/** A `.conflist`, or a `.conf` as a list of one; undefined when it is not valid. */
function parseList(text: string): NetworkConfList | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const list = value as Partial<NetworkConfList> & Partial<PluginConf>;
  if (typeof list.name !== 'string') return undefined;
  const cniVersion = typeof list.cniVersion === 'string' ? list.cniVersion : '0.1.0';
  if (Array.isArray(list.plugins) && list.plugins.length > 0) return { name: list.name, cniVersion, plugins: list.plugins as readonly PluginConf[] };
  return typeof list.type === 'string' ? { name: list.name, cniVersion, plugins: [list as PluginConf] } : undefined;
}
