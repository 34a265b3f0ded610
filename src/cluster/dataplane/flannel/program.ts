// flanneld (flannel v0.27): gets a Pod range for its node, tells how the node is reached, and has its backend make every other
// node reachable.

import { isProgrammingError, messageOf } from '../../client/errors.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Interface } from '../../network/device.ts';
import { serveHttp } from '../../network/http.ts';
import type { Netns } from '../../network/netns.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../../sim/time.ts';
import { type Backend, type BackendConfig, backendOf } from './backend.ts';
import { kubeSubnetManager } from './kube-manager.ts';
import type { Lease } from './lease.ts';
import { flannelLog, type Log } from './log.ts';
import { etcdSubnetManager, type LeaseEvent, type NetworkConfig, subnetFileValue, type SubnetManager } from './manager.ts';
import { type FlannelOptions, flannelOptions } from './options.ts';
import { areMissing, ensureForward, ensureMasquerade } from './rules.ts';

const RESTORE: Micros = 5 * MILLISECOND;
/** Of leases that are told of in the log; a large cluster has too many for every node's log. */
const TOLD_LEASES = 64;

/** Ends flanneld: what it logs last. */
class Fatal extends Error {
  readonly where: string;

  constructor(where: string, text: string) {
    super(text);
    this.where = where;
  }
}

/** `/opt/bin/flanneld --ip-masq --kube-subnet-mgr`. Exits with 1 when it cannot start, as upstream does. */
export const flannelProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const log = flannelLog(os);
  const options = flannelOptions(os);
  const ended = new Channel<'signal' | 'lost'>(os.sim);
  os.go('signals', function* () {
    yield* stop.receive();
    ended.send('signal');
  });
  log('I', 'main.go:215', `CLI flags config: ${options.shown}`);
  try {
    yield* new Flannel(os, log, options, () => ended.send('lost')).run();
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    log('E', error instanceof Fatal ? error.where : 'main.go:370', messageOf(error));
    return 1;
  }
  const why = yield* ended.receive();
  log('I', why === 'lost' ? 'main.go:503' : 'main.go:507', why === 'lost' ? 'Stopping shutdownHandler...' : 'shutdownHandler sent cancel signal...');
  log('I', 'main.go:495', 'Exiting cleanly...');
  return 0;
};

class Flannel {
  readonly #os: Os;
  readonly #log: Log;
  readonly #options: FlannelOptions;
  readonly #netns: Netns;
  readonly #lost: () => void;
  #type = 'vxlan';
  #told = 0;

  constructor(os: Os, log: Log, options: FlannelOptions, lost: () => void) {
    this.#os = os;
    this.#log = log;
    this.#options = options;
    this.#netns = os.process.netns as Netns;
    this.#lost = lost;
  }

  /** Starts up; the background threads go on after it returns. */
  *run(): Op<void> {
    const os = this.#os;
    const log = this.#log;
    const options = this.#options;
    const manager = yield* this.#manager();
    log('I', 'main.go:241', `Created subnet manager: ${manager.name}`);
    log('I', 'main.go:244', 'Installing signal handlers');
    if (options.healthzPort > 0) this.#serveHealth();
    const config = yield* this.#config(manager);
    const settings = backendConfig(config);
    const network = config.Network ?? '0.0.0.0/0';
    const type = settings.Type ?? 'udp';
    this.#type = type;
    const external = this.#externalInterface();
    const publicIp = manager.storedPublicIp() ?? (options.publicIp || (external.primary ?? ''));
    log('I', publicIp === external.primary ? 'match.go:291' : 'match.go:287', publicIp === external.primary ? `Defaulting external address to interface address (${publicIp})` : `Using ${publicIp} as external address`);

    const make = backendOf(type);
    const storedMac = manager.storedMac();
    if (type === 'vxlan') {
      log('I', 'vxlan.go:128', `VXLAN config: VNI=${settings.VNI ?? 1} Port=${settings.Port ?? 0} GBP=false Learning=false DirectRouting=${settings.DirectRouting === true}`);
      if (storedMac !== undefined) log('I', 'vxlan.go:199', `Interface flannel.${settings.VNI ?? 1} mac address set to: ${storedMac}`);
    }
    const backend = make({ os, netns: this.#netns, external, network, config: settings, storedMac, log });
    const lease = yield* this.#acquire(manager, { publicIp, backend: type, vtepMac: backend.mac });
    backend.own(lease.subnet);
    log('I', 'main.go:378', 'Cleaning-up unused traffic manager rules');
    log('I', 'nftables.go:280', 'Cleaning-up nftables rules...');
    log('I', 'iptables.go:50', 'Starting flannel in iptables mode...');
    yield* os.sleep(RESTORE);
    this.#writeRules(network, lease.subnet, true);
    os.files.write(options.subnetFile, subnetEnv(network, lease.subnet, backend.mtu, options.ipMasq));
    log('I', 'main.go:467', `Wrote subnet file to ${options.subnetFile}`);
    log('I', 'main.go:471', 'Running backend.');
    os.go('iptables-resync', () => this.#resync(network, lease.subnet));
    log('I', type === 'vxlan' ? 'vxlan_network.go:68' : type === 'udp' ? 'udp_network_amd64.go:99' : 'route_network.go:56', type === 'vxlan' ? 'watching for new subnet leases' : 'Watching for new subnet leases');
    this.#tellWritten();
    const events = yield* manager.watch(lease);
    os.go('lease-events', () => this.#handleEvents(events, backend));
    os.go('complete-lease', () => this.#complete(manager, lease));
  }

  *#manager(): Op<SubnetManager> {
    try {
      return this.#options.kubeSubnetManager ? yield* kubeSubnetManager(this.#os, this.#log, this.#options) : yield* etcdSubnetManager()(this.#os, this.#log, this.#options);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new Fatal('main.go:237', `Failed to create SubnetManager: ${messageOf(error)}`);
    }
  }

  /** Asks every second until there is one. */
  *#config(manager: SubnetManager): Op<NetworkConfig> {
    for (;;) {
      try {
        const config = yield* manager.config();
        this.#log('I', 'main.go:523', `Found network config - Backend type: ${backendConfig(config).Type ?? 'udp'}`);
        return config;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        this.#log('E', 'main.go:519', `Couldn't fetch network config: ${messageOf(error)}`);
        yield* this.#os.sleep(SECOND);
        this.#os.log('timed out');
      }
    }
  }

  *#acquire(manager: SubnetManager, attributes: Omit<Lease, 'subnet'>): Op<Lease> {
    try {
      return yield* manager.acquire(attributes);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new Fatal('main.go:370', `Error registering network: failed to acquire lease: ${messageOf(error)}`);
    }
  }

  *#complete(manager: SubnetManager, lease: Lease): Op<void> {
    const lost = yield* manager.complete(lease);
    if (lost !== null) {
      this.#log('E', 'main.go:485', `CompleteLease execute error err: ${lost}`);
      this.#lost();
    }
    this.#log('I', 'main.go:492', 'Waiting for all goroutines to exit');
  }

  #serveHealth(): void {
    const port = this.#options.healthzPort;
    this.#log('I', 'main.go:537', `Start healthz server on 0.0.0.0:${port}`);
    serveHttp(this.#os, { port }, function* ({ path }) {
      return path === '/healthz' ? { status: 200, headers: {}, body: 'flanneld is running' } : { status: 404, headers: {}, body: '404 page not found\n' };
    });
  }

  /** Those that were named, else the interface of the default route. */
  #externalInterface(): Interface {
    const { interfaces } = this.#options;
    const found = (device: Interface): Interface => {
      this.#log('I', 'match.go:269', `Using interface with name ${device.name} and address ${device.primary}`);
      return device;
    };
    for (const name of interfaces) {
      const device = [...this.#netns.interfaces.values()].find((i) => (i.name === name || i.primary === name) && i.primary !== null);
      if (device !== undefined) return found(device);
      this.#log('I', 'main.go:322', `Could not find valid interface matching ${name}: error looking up interface ${name}: route ip+net: no such network interface`);
    }
    if (interfaces.length > 0) throw new Fatal('main.go:353', 'Failed to find interface to use that matches the interfaces and/or regexes provided');
    this.#log('I', 'match.go:211', 'Determining IP address of default interface');
    const route = this.#netns.routes.find((r) => r.destination.prefix === 0);
    if (!route || route.device.primary === null) {
      throw new Fatal('main.go:314', 'Failed to find any valid interface to use: failed to get default interface: unable to find default route');
    }
    return found(route.device);
  }

  *#handleEvents(events: Channel<LeaseEvent>, backend: Backend): Op<void> {
    for (;;) {
      const event = yield* events.receive();
      if (event === undefined) return;
      this.#apply(backend, event);
    }
  }

  /** Makes a node reachable, or unreachable when it is gone. */
  #apply(backend: Backend, { type, lease, node }: LeaseEvent): void {
    const { sim, place } = this.#os;
    const added = type === 'added';
    sim.cause = sim.trace.emit(sim.cause, { kind: 'dataplane', verb: added ? 'route-node' : 'forget-node', from: place, start: sim.now, detail: { node, ...lease } });
    if (this.#type === 'vxlan' && this.#told++ < TOLD_LEASES) {
      const data = lease.vtepMac === '' ? '(nil)' : `{"VNI":1,"VtepMAC":"${lease.vtepMac}"}`;
      this.#log('I', 'vxlan_network.go:265', `Received Subnet Event with VxLan: BackendType: ${lease.backend}, PublicIP: ${lease.publicIp}, PublicIPv6: (nil), BackendData: ${data}, BackendV6Data: (nil)`);
    }
    if (lease.backend !== this.#type) {
      const [where, text] = this.#type === 'vxlan' ? ['vxlan_network.go:267', `ignoring non-vxlan v4Subnet(${lease.subnet}) v6Subnet(::/0): type=${lease.backend}`] : ['route_network.go:88', `Ignoring non-${this.#type} subnet: type=${lease.backend}`];
      this.#log('W', where as string, text as string);
    } else if (added) backend.add(lease);
    else backend.remove(lease);
  }

  #writeRules(network: string, subnet: string, first: boolean): void {
    const os = this.#os;
    const { ipMasq, forwardRules, randomFully, subnetFile } = this.#options;
    if (ipMasq) {
      const before = [subnetFileValue(os, subnetFile, 'FLANNEL_NETWORK') ?? '0.0.0.0/0', rangeOf(subnetFileValue(os, subnetFile, 'FLANNEL_SUBNET') ?? '0.0.0.0/0')];
      if (first && (before[0] !== network || before[1] !== subnet)) {
        this.#log('I', 'iptables.go:101', `Current network or subnet (${network}, ${subnet}) is not equal to previous one (${before[0]}, ${before[1]}), trying to recycle old iptables rules`);
      }
      if (first) this.#log('I', 'iptables.go:111', 'Setting up masking rules');
      ensureMasquerade(this.#netns, network, subnet, randomFully, os.place);
    }
    if (forwardRules) {
      if (first) this.#log('I', 'iptables.go:212', 'Changing default FORWARD chain policy to ACCEPT');
      ensureForward(this.#netns, network, os.place);
    }
    if (!first) this.#tellWritten();
  }

  #tellWritten(): void {
    const { ipMasq, forwardRules } = this.#options;
    for (const written of [ipMasq, forwardRules]) if (written) this.#log('I', 'iptables.go:358', 'bootstrap done');
  }

  /** Puts the rules back when somebody flushed them. */
  *#resync(network: string, subnet: string): Op<void> {
    const { ipMasq, forwardRules, resync } = this.#options;
    if (!ipMasq && !forwardRules) return;
    for (;;) {
      yield* this.#os.sleep(resync * SECOND);
      if (!areMissing(this.#netns, ipMasq, forwardRules)) continue;
      this.#log('I', 'iptables.go:490', 'Some iptables rules are missing; deleting and recreating rules');
      this.#writeRules(network, subnet, false);
    }
  }
}

/** Field names in any case, as Go reads JSON. */
function backendConfig({ Backend: given = {} }: NetworkConfig): BackendConfig {
  const byName = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value as unknown]));
  const config: Record<string, unknown> = {};
  for (const name of ['Type', 'VNI', 'Port', 'DirectRouting', 'MTU']) if (byName.has(name.toLowerCase())) config[name] = byName.get(name.toLowerCase());
  return config as BackendConfig;
}

/** The range that the first address of a subnet file stands for. */
function rangeOf(subnet: string): string {
  const [base = '', length = ''] = subnet.split('/');
  return `${base.replace(/\d+$/, (last) => String(Math.max(0, Number(last) - 1)))}/${length}`;
}

function subnetEnv(network: string, subnet: string, mtu: number, ipMasq: boolean): string {
  const [base = '', length = ''] = subnet.split('/');
  const gateway = base.replace(/\d+$/, (last) => String(Number(last) + 1));
  return `FLANNEL_NETWORK=${network}\nFLANNEL_SUBNET=${gateway}/${length}\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=${ipMasq}\n`;
}
