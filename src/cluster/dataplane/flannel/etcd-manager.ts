// flannel's first subnet manager (pkg/subnet/etcd): the network's configuration and every node's lease are keys of etcd, the lease
// with a time to live of 24 hours. What a node has does not come from its Node.

import type { Os } from '../../machine/process.ts';
import { HttpClient, type HttpStream, HttpTimeout } from '../../network/http.ts';
import { contains, formatIp, parseCidr, parseIp } from '../../network/ip.ts';
import { SocketError } from '../../network/socket-error.ts';
import { Channel, TIMED_OUT } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { formatTime, MINUTE, type Micros, SECOND } from '../../sim/time.ts';
import { type Lease, macOf } from './lease.ts';
import type { Log } from './log.ts';
import { type Attributes, type LeaseEvent, type MakeManager, type NetworkConfig, networkConfig, subnetFileValue, type SubnetManager } from './manager.ts';
import type { FlannelOptions } from './options.ts';

/** Seconds. */
const LEASE_TTL = 24 * 3600;
const CALL_TIMEOUT: Micros = 5 * SECOND;
const RACES = 10;
/** Of the free ranges, one of the first so many is taken. */
const CHOICE = 100;

interface KeyValue {
  readonly key: string;
  readonly value: unknown;
  readonly lease: number;
}

/** What the value of a lease says. */
interface StoredAttributes {
  readonly PublicIP: string;
  readonly PublicIPv6: null;
  readonly BackendType: string;
  readonly BackendData?: { readonly VNI: number; readonly VtepMAC: string };
}

interface Ranges {
  readonly length: number;
  readonly first: number;
  readonly last: number;
}

export const makeEtcdManager: MakeManager = function* (os, log, options) {
  const client = new EtcdClient(os, options);
  if (options.etcdKeyFile === '' || options.etcdCertFile === '') log('W', 'registry.go:84', 'no certificate provided: connecting to etcd with http. This is insecure');
  client.readCertificate();
  return new EtcdSubnetManager(os, log, options, client);
};

/** Throws Error in the words of Go's client. */
class EtcdClient {
  readonly #os: Os;
  readonly #options: FlannelOptions;
  #certificate = '';
  #current = 0;

  constructor(os: Os, options: FlannelOptions) {
    this.#os = os;
    this.#options = options;
  }

  readCertificate(): void {
    const { etcdKeyFile, etcdCertFile, etcdCaFile } = this.#options;
    for (const path of [etcdCertFile, etcdKeyFile, etcdCaFile]) if (path !== '' && !this.#os.files.exists(path)) throw new Error(`open ${path}: no such file or directory`);
    if (etcdCertFile !== '') this.#certificate = this.#os.files.read(etcdCertFile);
  }

  #open(): HttpClient {
    const endpoints = this.#options.etcdEndpoints;
    const endpoint = endpoints[this.#current % endpoints.length] as string;
    const [, scheme, host = '127.0.0.1', port] = /^(?:(https?):\/\/)?([^:/]+)(?::(\d+))?/.exec(endpoint) ?? [];
    return new HttpClient(this.#os, { host, port: Number(port ?? 2379), ...(scheme === 'https' ? { tls: this.#certificate === '' ? {} : { clientCertificate: this.#certificate } } : {}) });
  }

  *call<T>(method: string, body: object): Op<T> {
    for (let i = 0; ; i++) {
      const client = this.#open();
      try {
        const answer = yield* client.request({ method: 'POST', path: `/etcdserverpb.${method}`, query: {}, headers: { 'content-type': 'application/grpc' }, body, kind: 'etcd' }, CALL_TIMEOUT);
        if (answer.status !== 200) throw new Error((answer.body as { readonly message?: string }).message ?? 'etcdserver: unknown error');
        return answer.body as T;
      } catch (error) {
        if (!(error instanceof SocketError) && !(error instanceof HttpTimeout)) throw error;
        this.#current++;
        if (i + 1 >= this.#options.etcdEndpoints.length) throw new Error('context deadline exceeded');
      } finally {
        client.close();
      }
    }
  }

  *watch(key: string, startRevision: number): Op<HttpStream> {
    const createRequests = [{ key, rangeEnd: afterPrefix(key), watchId: 1, startRevision }];
    const response = yield* this.#open().request({ method: 'POST', path: '/etcdserverpb.Watch/Watch', query: {}, headers: {}, body: { createRequests }, kind: 'etcd', verb: 'watch' });
    if (!response.stream) throw new Error('etcdserver: no watch');
    return response.stream;
  }
}

const afterPrefix = (key: string): string => key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1);

class EtcdSubnetManager implements SubnetManager {
  readonly name: string = 'Etcd Local Manager with Previous Subnet: None';
  readonly #os: Os;
  readonly #log: Log;
  readonly #options: FlannelOptions;
  readonly #etcd: EtcdClient;
  readonly #previous: string | null;
  #config: NetworkConfig | null = null;
  #expiration: Micros = 0;

  constructor(os: Os, log: Log, options: FlannelOptions, etcd: EtcdClient) {
    this.#os = os;
    this.#log = log;
    this.#options = options;
    this.#etcd = etcd;
    const before = subnetFileValue(os, options.subnetFile, 'FLANNEL_SUBNET');
    this.#previous = before === undefined ? null : rangeText(parseCidr(before).int, parseCidr(before).prefix);
    this.name = `Etcd Local Manager with Previous Subnet: ${this.#previous ?? 'None'}`;
  }

  *config(): Op<NetworkConfig> {
    const { kvs } = yield* this.#etcd.call<{ readonly kvs: readonly KeyValue[] }>('KV/Range', { key: `${this.#options.etcdPrefix}/config` });
    if (kvs.length === 0) throw new Error('flannel config not found in etcd store. Did you create your config using etcdv3 API?');
    const stored = kvs[0]?.value as { readonly $text?: string };
    if (stored.$text !== undefined) throw new Error(`invalid character '${stored.$text[0] ?? ''}' looking for beginning of value`);
    const config = networkConfig(stored);
    rangesOf(config);
    this.#config = config;
    return config;
  }

  storedMac(): undefined {
    return undefined;
  }

  storedPublicIp(): undefined {
    return undefined;
  }

  *acquire(attributes: Attributes): Op<Lease> {
    const config = this.#config as NetworkConfig;
    for (let i = 0; i < RACES; i++) {
      const lease = yield* this.#tryAcquire(config, attributes);
      if (lease !== null) return lease;
    }
    throw new Error('max retries reached trying to acquire a subnet');
  }

  /** Null when somebody else was faster. */
  *#tryAcquire(config: NetworkConfig, attributes: Attributes): Op<Lease | null> {
    const log = this.#log;
    const { publicIp } = attributes;
    const leases = yield* this.#leases();
    const fits = (subnet: string): boolean => isCompatible(config, subnet);
    const own = leases.find((l) => l.publicIp === publicIp);
    if (own !== undefined) {
      if (fits(own.subnet)) {
        log('I', 'local_manager.go:158', `Found lease (ip: ${own.subnet} ipv6: ::/0) for current IP (${publicIp}), reusing`);
        yield* this.#write({ ...attributes, subnet: own.subnet }, false);
        return { ...attributes, subnet: own.subnet };
      }
      log('I', 'local_manager.go:174', `Found lease (${own.subnet}) for current IP (${publicIp}) but not compatible with current config, deleting`);
      yield* this.#etcd.call('KV/DeleteRange', { key: this.#key(own.subnet) });
    }
    let subnet: string | null = null;
    const previous = this.#previous;
    if (previous !== null && !leases.some((l) => l.subnet === previous)) {
      if (fits(previous)) {
        log('I', 'local_manager.go:189', `Found previously leased subnet (${previous}), reusing`);
        subnet = previous;
      } else log('E', 'local_manager.go:193', `Found previously leased subnet (${previous}) that is not compatible with the Etcd network config, ignoring`);
    }
    subnet ??= this.#pick(config, leases);
    const lease: Lease = { ...attributes, subnet };
    if (!(yield* this.#write(lease, true))) return null;
    log('I', 'local_manager.go:209', `Allocated lease (ip: ${subnet} ipv6: ::/0) to current node (${publicIp}) `);
    return lease;
  }

  #pick(config: NetworkConfig, leases: readonly Lease[]): string {
    const { length, first, last } = rangesOf(config);
    this.#log('I', 'local_manager.go:226', `Picking subnet in range ${formatIp(first)} ... ${formatIp(last)}`);
    const size = 2 ** (32 - length);
    const free: number[] = [];
    for (let at = first; at <= last && free.length < CHOICE; at += size) {
      const taken = leases.some((l) => contains(parseCidr(l.subnet), at) || (parseCidr(l.subnet).int >= at && parseCidr(l.subnet).int < at + size));
      if (!taken) free.push(at);
    }
    if (free.length === 0) throw new Error('out of subnets');
    const chosen = free[this.#os.sim.random(`flannel/${this.#os.place}`).int(free.length)] as number;
    return rangeText(chosen, length);
  }

  #key(subnet: string): string {
    return `${this.#options.etcdPrefix}/subnets/${subnet.replace('/', '-')}`;
  }

  *#leases(): Op<readonly Lease[]> {
    const key = `${this.#options.etcdPrefix}/subnets`;
    const { kvs } = yield* this.#etcd.call<{ readonly kvs: readonly KeyValue[] }>('KV/Range', { key, rangeEnd: afterPrefix(key) });
    return kvs.flatMap((kv) => leaseOfKey(kv) ?? []);
  }

  /** Under a new lease of etcd. `create`: only if the key is not there yet. */
  *#write(lease: Lease, create: boolean): Op<boolean> {
    const { id } = yield* this.#etcd.call<{ readonly id: number }>('Lease/LeaseGrant', { ttl: LEASE_TTL, id: 0 });
    const key = this.#key(lease.subnet);
    const compare = create ? [{ key, target: 'VERSION', result: 'EQUAL', revision: 0 }] : [];
    const put = { requestPut: { key, value: valueOf(lease, this.#config?.Backend?.VNI ?? 1), lease: id } };
    const { succeeded } = yield* this.#etcd.call<{ readonly succeeded: boolean }>('KV/Txn', { compare, success: [put], failure: [] });
    if (!succeeded) {
      yield* this.#etcd.call('Lease/LeaseRevoke', { id });
      return false;
    }
    this.#expiration = this.#os.sim.now + LEASE_TTL * SECOND;
    return true;
  }

  *watch(own: Lease): Op<Channel<LeaseEvent>> {
    const events = new Channel<LeaseEvent>(this.#os.sim);
    const key = `${this.#options.etcdPrefix}/subnets`;
    const known = new Map<string, Lease>();
    const { kvs, header } = yield* this.#etcd.call<{ readonly kvs: readonly KeyValue[]; readonly header: { readonly revision: number } }>('KV/Range', { key, rangeEnd: afterPrefix(key) });
    const take = (lease: Lease): void => {
      if (lease.subnet === own.subnet) return;
      known.set(lease.subnet, lease);
      events.send({ type: 'added', lease, node: lease.publicIp });
    };
    for (const kv of kvs) {
      const lease = leaseOfKey(kv);
      if (lease !== null) take(lease);
    }
    this.#os.go('watch-subnets', () => this.#follow(key, header.revision + 1, (removed, kv) => {
      const lease = removed ? (known.get(subnetOfKey(kv.key) ?? '') ?? null) : leaseOfKey(kv);
      if (lease === null) return;
      if (!removed) take(lease);
      else if (known.delete(lease.subnet)) events.send({ type: 'removed', lease, node: lease.publicIp });
    }));
    return events;
  }

  /** Watches from a revision on, again and again when the stream ends. */
  *#follow(key: string, from: number, tell: (removed: boolean, kv: KeyValue) => void): Op<never> {
    let since = from;
    for (let backoff = SECOND / 10; ; backoff = Math.min(backoff * 2, 5 * SECOND)) {
      try {
        const stream = yield* this.#etcd.watch(key, since);
        for (let chunk = yield* stream.read(); chunk !== undefined; chunk = yield* stream.read()) {
          const { events, header } = chunk as { readonly events: readonly { readonly type: string; readonly kv: KeyValue }[]; readonly header: { readonly revision: number } };
          if (events.length === 0) continue;
          this.#log('I', 'registry.go:330', `watchSubnets: got valid subnet event with revision ${header.revision}`);
          since = header.revision + 1;
          backoff = SECOND / 10;
          for (const { type, kv } of events) tell(type === 'DELETE', kv);
        }
      } catch (error) {
        if (!(error instanceof SocketError) && !(error instanceof HttpTimeout)) throw error;
      }
      this.#log('W', 'registry.go:316', `etcd watch channel for ${key} closed, reconnecting...`);
      yield* this.#os.sleep(backoff);
    }
  }

  /** Renews the lease in time; ends when somebody takes it away. */
  *complete(own: Lease): Op<string | null> {
    const gone = new Channel<true>(this.#os.sim);
    const key = this.#key(own.subnet);
    const { header } = yield* this.#etcd.call<{ readonly header: { readonly revision: number } }>('KV/Range', { key });
    this.#log('I', 'local_manager.go:322', 'manager.WatchLease: sending reset results...');
    this.#os.go('watch-lease', () => this.#follow(key, header.revision + 1, (removed) => {
      if (removed) gone.send(true);
    }));
    const margin = this.#options.renewMargin * MINUTE;
    let wait = this.#expiration - this.#os.sim.now - margin;
    this.#log('I', 'local_manager.go:399', `Waiting for ${goDuration(wait)} to renew lease`);
    for (;;) {
      if ((yield* gone.receiveWithin(wait)) !== TIMED_OUT) {
        this.#log('E', 'local_manager.go:402', 'Lease has been revoked. Shutting down daemon.');
        return 'interrupted';
      }
      try {
        yield* this.#write(own, false);
        this.#log('I', 'local_manager.go:387', `Lease renewed, new expiration: ${formatTime(this.#os.sim.epoch + this.#expiration).replace('T', ' ').replace('Z', ' +0000 UTC')}`);
        wait = this.#expiration - this.#os.sim.now - margin;
      } catch (error) {
        this.#log('E', 'local_manager.go:382', `Error renewing lease (trying again in 1 min): ${error instanceof Error ? error.message : String(error)}`);
        wait = MINUTE;
      }
    }
  }
}

/** 82799.9 s as Go writes it. */
function goDuration(micros: Micros): string {
  const seconds = micros / SECOND;
  const [h, m] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${h > 0 ? `${h}h` : ''}${h > 0 || m > 0 ? `${m}m` : ''}${Number((seconds % 60).toFixed(6))}s`;
}

const rangeText = (int: number, prefix: number): string => `${formatIp(Math.floor(int / 2 ** (32 - prefix)) * 2 ** (32 - prefix))}/${prefix}`;

const valueOf = ({ publicIp, backend, vtepMac }: Lease, vni: number): StoredAttributes =>
  Object.freeze({ PublicIP: publicIp, PublicIPv6: null, BackendType: backend, ...(vtepMac === '' ? {} : { BackendData: Object.freeze({ VNI: vni, VtepMAC: vtepMac }) }) });

/** `…/subnets/10.244.1.0-24`. */
const subnetOfKey = (key: string): string | null => {
  const [, base, length] = /(\d+\.\d+\.\d+\.\d+)-(\d+)$/.exec(key) ?? [];
  return base === undefined ? null : `${base}/${length}`;
};

function leaseOfKey({ key, value }: KeyValue): Lease | null {
  const subnet = subnetOfKey(key);
  const attributes = value as Partial<StoredAttributes> | null;
  if (subnet === null || attributes?.PublicIP === undefined || attributes.BackendType === undefined) return null;
  return { subnet, publicIp: attributes.PublicIP, backend: attributes.BackendType, vtepMac: macOf(JSON.stringify(attributes.BackendData ?? {})) ?? '' };
}

/** The ranges that nodes may have. Throws Error in flannel's words. */
export function rangesOf(config: NetworkConfig): Ranges {
  if (!config.Network) throw new Error('please define a correct Network parameter in the flannel config');
  const network = parseCidr(config.Network);
  let length = config.SubnetLen ?? 0;
  if (length > 0) {
    if (length > 30) throw new Error('SubnetLen must be less than /31');
    if (length < network.prefix + 2) throw new Error('network must be able to accommodate at least four subnets');
  } else if (network.prefix > 28) throw new Error('network is too small. Minimum useful network prefix is /28');
  else length = network.prefix <= 22 ? 24 : network.prefix + 2;
  const size = 2 ** (32 - length);
  const bound = (name: 'SubnetMin' | 'SubnetMax', standard: number): number => {
    const text = config[name];
    if (text === undefined) return standard;
    const int = parseIp(text);
    if (int < 0 || !contains(network, int)) throw new Error(`${name} is not in the range of the Network`);
    if (int % size !== 0) throw new Error(`${name} is not on a SubnetLen boundary: ${text}`);
    return int;
  };
  return { length, first: bound('SubnetMin', network.int + size), last: bound('SubnetMax', network.int + 2 ** (32 - network.prefix) - size) };
}

function isCompatible(config: NetworkConfig, subnet: string): boolean {
  const { length, first, last } = rangesOf(config);
  const { int, prefix } = parseCidr(subnet);
  return prefix === length && int >= first && int <= last;
}
