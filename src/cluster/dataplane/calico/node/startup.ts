// `calico-node -startup` (node/pkg/lifecycle/startup): finds the node's address, notes it on the Node for the others, and makes the
// objects that a new cluster has none of yet, the default IP pool among them.

import { isAlreadyExists } from '../../../api/status.ts';
import { parseYaml } from '../../../api/yaml.ts';
import { Client } from '../../../client/client.ts';
import { isProgrammingError, messageOf } from '../../../client/errors.ts';
import { inClusterConfig } from '../../../client/kubeconfig.ts';
import type { Os, Program } from '../../../machine/process.ts';
import { formatCidr, parseCidr, parseIp } from '../../../network/ip.ts';
import type { Netns } from '../../../network/netns.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { CALICO_VERSION, log } from '../log.ts';
import { IPV4_ADDRESS } from './annotations.ts';
import { CALICO_KINDS, type IpPoolSpec, Store } from '../resources.ts';

export const NODENAME_FILE = '/var/lib/calico/nodename';
export const POOL_NAME = 'default-ipv4-ippool';
const DEFAULT_POOL = '192.168.0.0/16';
const FILE = 'startup/startup.go';
const RETRY = SECOND;

export const startupProgram: Program = function* (os: Os): Op<number> {
  const node = os.env['NODENAME'] ?? os.machine.name;
  log(os, 'INFO', `${FILE} 113`, `Starting node ${node} with version ${CALICO_VERSION}`);
  const client = new Client(os, { ...inClusterConfig(os), userAgent: `calico-node/${CALICO_VERSION} (linux/amd64) startup` });
  os.files.write(NODENAME_FILE, node);
  log(os, 'INFO', `${FILE} 560`, 'Checking datastore connection');
  yield* until(os, 'Hit error connecting to datastore - retry', () => client.raw({ method: 'GET', path: '/version', verb: 'get' }));
  log(os, 'INFO', `${FILE} 583`, 'Datastore connection verified');
  log(os, 'INFO', `${FILE} 123`, 'Datastore is ready');

  const address = detectAddress(os);
  if (address === undefined) {
    log(os, 'WARNING', `${FILE} 635`, "Couldn't autodetect an IPv4 address. If auto-detecting, choose a different autodetection method. Otherwise provide an explicit address.");
    log(os, 'WARNING', 'utils.go 48', 'Terminating');
    os.log('Calico node failed to start');
    return 1;
  }
  yield* until(os, 'Error updating node', () => client.patch('nodes', '', node, { metadata: { annotations: { [IPV4_ADDRESS]: address } } }, 'strategic', 'status'));
  log(os, 'INFO', `${FILE} 881`, 'No AS number configured on node resource, using global value');
  yield* until(os, 'Error configuring the cluster', () => ensureObjects(os, client));
  log(os, 'INFO', `${FILE} 243`, `Using node name: ${node}`);
  const condition = { type: 'NetworkUnavailable', status: 'False', reason: 'CalicoIsUp', message: 'Calico is running on this node', lastTransitionTime: os.sim.time(), lastHeartbeatTime: os.sim.time() };
  yield* until(os, 'Failed to set NetworkUnavailable', () => client.patch('nodes', '', node, { status: { conditions: [condition] } }, 'strategic', 'status'));
  log(os, 'INFO', `${FILE} 348`, 'Calico started successfully');
  return 0;
};

/** Tries until it works. */
function* until(os: Os, what: string, act: () => Op<unknown>): Op<void> {
  for (;;) {
    try {
      yield* act();
      return;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      log(os, 'INFO', `${FILE} 574`, `${what} error=${messageOf(error)}`);
    }
    yield* os.sleep(RETRY);
  }
}

/** `IP=autodetect` with the method first-found (the device that leads out), interface=… or can-reach=…. */
function detectAddress(os: Os): string | undefined {
  const netns = os.process.netns as Netns;
  const { IP: wanted = 'autodetect', IP_AUTODETECTION_METHOD: method = 'first-found' } = os.env;
  if (wanted !== 'autodetect' && wanted !== '') return wanted.includes('/') ? wanted : `${wanted}/24`;
  const name = /^interface=(.*)$/.exec(method)?.[1];
  const reach = /^can-reach=(.*)$/.exec(method)?.[1];
  const device =
    name !== undefined
      ? [...netns.interfaces.values()].find((i) => name.split(',').some((part) => new RegExp(`^(?:${part})$`).test(i.name)))
      : reach !== undefined && parseIp(reach) >= 0
        ? netns.route(reach)?.device
        : netns.routes.find((r) => r.destination.prefix === 0)?.device;
  const [first] = device?.addresses ?? [];
  return first === undefined ? undefined : formatCidr(first);
}

function* ensureObjects(os: Os, client: Client): Op<void> {
  const kubeadm = yield* kubeadmPools(client);
  yield* ensure(client, 'clusterInformation', 'default', {
    calicoVersion: CALICO_VERSION,
    clusterGUID: os.sim.random('calico/cluster').uuid().replaceAll('-', ''),
    clusterType: `${os.env['CLUSTER_TYPE'] ?? 'k8s'}${kubeadm === undefined ? '' : ',kubeadm'},kdd`,
    datastoreReady: true,
  });
  yield* ensure(client, 'felixConfiguration', 'default', { floatingIPs: 'Disabled', logSeverityScreen: 'Info', reportingInterval: '0s', vxlanVNI: 4096 });
  yield* ensure(client, 'tier', 'default', { order: 1_000_000, defaultAction: 'Deny' });
  if (os.env['NO_DEFAULT_POOLS'] === 'true') return;
  const pools = yield* new Store(client, CALICO_KINDS.ipPool).list();
  if (pools.length > 0) return;
  const cidr = os.env['CALICO_IPV4POOL_CIDR'] ?? kubeadm ?? DEFAULT_POOL;
  const { CALICO_IPV4POOL_IPIP: ipip = 'Always', CALICO_IPV4POOL_VXLAN: vxlan = 'Never', CALICO_IPV4POOL_BLOCK_SIZE: size = '26', CALICO_IPV4POOL_NAT_OUTGOING: nat = 'true' } = os.env;
  const spec: IpPoolSpec = {
    allowedUses: ['Workload', 'Tunnel'],
    blockSize: Number(size),
    cidr: formatCidr(parseCidr(cidr)),
    ipipMode: ipip === 'Off' ? 'Never' : (ipip as 'Always'),
    natOutgoing: nat === 'true',
    nodeSelector: 'all()',
    vxlanMode: vxlan as 'Never',
  };
  log(os, 'INFO', `${FILE} 1128`, `Ensure default IPv4 pool is created. IPIP mode: ${spec.ipipMode}, VXLAN mode: ${spec.vxlanMode}, DisableBGPExport: false`);
  if (yield* ensure(client, 'ipPool', POOL_NAME, spec))
    log(os, 'INFO', `${FILE} 1138`, `Created default IPv4 pool (${spec.cidr}) with NAT outgoing ${spec.natOutgoing}. IPIP mode: ${spec.ipipMode}, VXLAN mode: ${spec.vxlanMode}, DisableBGPExport: false`);
}

/** True when it was not there. */
function* ensure(client: Client, kind: keyof typeof CALICO_KINDS, name: string, spec: unknown): Op<boolean> {
  try {
    yield* new Store(client, CALICO_KINDS[kind]).create({ name }, spec);
    return true;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return false;
  }
}

/** The Pods' range that kubeadm was given. */
function* kubeadmPools(client: Client): Op<string | undefined> {
  try {
    const map = yield* client.get('configmaps', 'kube-system', 'kubeadm-config');
    const { networking } = parseYaml(map.data?.['ClusterConfiguration'] ?? '') as { readonly networking?: { readonly podSubnet?: string } };
    return networking?.podSubnet?.split(',').find((cidr) => !cidr.includes(':'));
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    return undefined;
  }
}

/** `calico-node -shutdown`, before the container is stopped: new Pods had better not come here now. */
export const shutdownProgram: Program = function* (os: Os): Op<number> {
  const node = os.env['NODENAME'] ?? os.machine.name;
  const client = new Client(os, { ...inClusterConfig(os), userAgent: `calico-node/${CALICO_VERSION} (linux/amd64) shutdown` });
  const condition = { type: 'NetworkUnavailable', status: 'True', reason: 'CalicoIsDown', message: 'Calico is shutting down on this node', lastTransitionTime: os.sim.time(), lastHeartbeatTime: os.sim.time() };
  try {
    yield* client.patch('nodes', '', node, { status: { conditions: [condition] } }, 'strategic', 'status');
    return 0;
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    log(os, 'ERROR', 'shutdown/shutdown.go 60', `Unable to set NetworkUnavailable to true error=${messageOf(error)}`);
    return 1;
  }
};
