// The CNI plug-ins calico and calico-ipam (cni-plugin/pkg): processes that ask the API server for an address of the node's block, lay
// the Pod's wire and note the address on the Pod, so that Felix learns it before the kubelet tells.

import { isNotFound } from '../../../api/status.ts';
import { Client } from '../../../client/client.ts';
import { isProgrammingError, messageOf } from '../../../client/errors.ts';
import { loadKubeconfig } from '../../../client/kubeconfig.ts';
import type { Os } from '../../../machine/process.ts';
import { deleteInterface } from '../../../network/device.ts';
import { Netns } from '../../../network/netns.ts';
import { type CniArgs, CniError, type CniResult, EMPTY_RESULT, type PluginConf, type WaitingPlugin } from '../../../runtime/cni/plugin.ts';
import type { Op } from '../../../sim/simulation.ts';
import { CALL } from '../../../sim/trace.ts';
import { CONTAINER_ID, POD_IP, POD_IPS } from '../felix/workloads.ts';
import { MTU_FILE } from '../felix/vxlan.ts';
import { lockHost } from '../ipam/lock.ts';
import { Ipam } from '../ipam/ipam.ts';
import { vethName } from '../names.ts';
import { CALICO_KINDS, type Custom, Store } from '../resources.ts';
import { layWire } from './veth.ts';

const NODENAME_FILE = '/var/lib/calico/nodename';
const LOG_FILE = '/var/log/calico/cni/cni.log';
const PATH = '/opt/cni/bin/calico';

interface CalicoConf extends PluginConf {
  readonly nodename?: string;
  readonly mtu?: number;
  readonly ipam?: { readonly type?: string };
  readonly kubernetes?: { readonly kubeconfig?: string };
}

/** Runs `body` as a process of the runtime's, as the plug-in's binary is. Throws CniError with what went wrong. */
function* asProcess<T>(os: Os, command: 'ADD' | 'DEL', args: CniArgs, body: (own: Os) => Op<T>): Op<T> {
  let result: { readonly value: T } | null = null;
  let failure = '';
  const process = os.spawn(
    function* (own) {
      try {
        result = { value: yield* body(own) };
        return 0;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        failure = messageOf(error);
        own.files.append(LOG_FILE, `${own.sim.time()} [ERROR][${own.process.pid}] cni-plugin/plugin.go: Final result of CNI ${command} was an error. error=${failure}\n`);
        return 1;
      }
    },
    {
      argv: [PATH],
      place: `${args.machine.place}/cni/calico`,
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: args.containerId,
        CNI_NETNS: `/var/run/netns/${args.netns.name}`,
        CNI_IFNAME: args.ifName,
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${args.podNamespace};K8S_POD_NAME=${args.podName};K8S_POD_INFRA_CONTAINER_ID=${args.containerId}`,
        CNI_PATH: '/opt/cni/bin',
      },
    },
  );
  yield* process.wait();
  if (result === null) throw new CniError(failure);
  return (result as { readonly value: T }).value;
}

const handleOf = (args: CniArgs): string => `${args.networkName}.${args.containerId}`;

function clientOf(os: Os, conf: CalicoConf): Client {
  const path = conf.kubernetes?.kubeconfig ?? '/etc/cni/net.d/calico-kubeconfig';
  if (!os.files.exists(path)) throw new CniError(`error getting ClusterInformation: stat ${path}: no such file or directory`);
  return new Client(os, { ...loadKubeconfig(os, path), userAgent: 'calico/v3.32.0 (linux/amd64) cni-plugin' });
}

function* add(os: Os, args: CniArgs, conf: CalicoConf): Op<CniResult> {
  const { machine } = args;
  const { files } = machine;
  if (!files.exists(NODENAME_FILE)) {
    throw new CniError(`stat ${NODENAME_FILE}: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`);
  }
  const node = conf.nodename ?? files.read(NODENAME_FILE).trim();
  const client = clientOf(os, conf);
  const info = yield* new Store<Custom<{ readonly datastoreReady?: boolean }>>(client, CALICO_KINDS.clusterInformation).get('default');
  if (info.spec.datastoreReady !== true) throw new CniError('upgrade may be in progress, ready flag is not set');
  yield* client.get('namespaces', '', args.podNamespace);
  const pod = yield* client.get('pods', args.podNamespace, args.podName);
  if (conf.ipam?.type !== 'calico-ipam') throw new CniError(`failed to find plugin "${conf.ipam?.type ?? ''}" in path [/opt/cni/bin]`);
  const { sim } = os;
  sim.trace.emit(sim.cause, { kind: 'cni', verb: 'delegate', level: CALL, start: sim.now, from: os.place, to: `${machine.place}/cni/calico-ipam`, detail: { type: 'calico-ipam', handle: handleOf(args) } });
  const attributes = { namespace: args.podNamespace, node, pod: args.podName, timestamp: sim.time() };
  const unlock = yield* lockHost(os);
  let address: string;
  try {
    address = yield* new Ipam(client).assign({ node, handle: handleOf(args), attributes });
  } finally {
    unlock();
  }

  const host = machine.hostNetns;
  if (!(host instanceof Netns)) throw new CniError('the host has no network');
  const hostName = vethName(args.podNamespace, args.podName);
  const old = host.interfaces.get(hostName);
  // One that a container of the same name has left.
  if (old !== undefined) deleteInterface(old, os.place);
  if (args.netns.interfaces.has(args.ifName)) throw new CniError(`container veth name provided (${args.ifName}) already exists`);
  const mtu = conf.mtu === undefined || conf.mtu === 0 ? mtuOf(os, host) : conf.mtu;
  const [inside, outside] = layWire({ host, netns: args.netns, ifName: args.ifName, hostName, address, mtu }, os.place);
  const annotations = { [CONTAINER_ID]: args.containerId, [POD_IP]: `${address}/32`, [POD_IPS]: `${address}/32` };
  yield* client.patch('pods', args.podNamespace, args.podName, { metadata: { annotations, uid: pod.metadata.uid } }, 'strategic', 'status');
  return {
    interfaces: [
      { name: outside.name, mac: outside.mac, sandbox: '' },
      { name: inside.name, mac: inside.mac, sandbox: args.netns.name },
    ],
    ips: [{ address: `${address}/32`, gateway: '' }],
    routes: [],
  };
}

/** What Felix has found out for Pods; else that of the node's network. */
function mtuOf(os: Os, host: Netns): number {
  const told = os.files.exists(MTU_FILE) ? Number(os.files.read(MTU_FILE)) : 0;
  return told > 0 ? told : (host.routes.find((r) => r.destination.prefix === 0)?.device.mtu ?? 1500);
}

function* del(os: Os, args: CniArgs, conf: CalicoConf): Op<void> {
  const inside = args.netns.interfaces.get(args.ifName);
  if (inside !== undefined) deleteInterface(inside, os.place);
  const client = clientOf(os, conf);
  try {
    const known = yield* new Ipam(client).release(handleOf(args));
    if (!known) os.files.append(LOG_FILE, `${os.sim.time()} [WARNING][${os.process.pid}] ipam/ipam_plugin.go: Asked to release address but it doesn't exist. Ignoring\n`);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

export const calico: WaitingPlugin = {
  waits: true,
  add: (os, args, conf) => asProcess(os, 'ADD', args, (own) => add(own, args, conf as CalicoConf)),
  *del(os, args, conf) {
    yield* asProcess(os, 'DEL', args, function* (own) {
      yield* del(own, args, conf as CalicoConf);
      return EMPTY_RESULT;
    });
  },
};
