// The flannel plug-in: makes a bridge configuration from what flanneld wrote to /run/flannel/subnet.env and delegates to it
// (flannel-io/cni-plugin).

import { DETAIL } from '../../sim/trace.ts';
import { bridge, type BridgeConf } from './bridge.ts';
import { type CniArgs, CniError, type CniPlugin, type PluginConf } from './plugin.ts';

const SUBNET_FILE = '/run/flannel/subnet.env';

interface FlannelConf extends PluginConf {
  readonly subnetFile?: string;
  readonly delegate?: Partial<BridgeConf>;
}

interface SubnetEnv {
  readonly network: string;
  readonly subnet: string;
  readonly mtu: number;
  readonly ipMasq: boolean;
}

const parsed = new Map<string, SubnetEnv>();

function subnetEnv(args: CniArgs, conf: FlannelConf): SubnetEnv {
  const path = conf.subnetFile ?? SUBNET_FILE;
  const { files } = args.machine;
  if (!files.exists(path)) throw new CniError(`loadFlannelSubnetEnv failed: open ${path}: no such file or directory`);
  const text = files.read(path);
  let env = parsed.get(text);
  if (!env) {
    const values = new Map(text.split('\n').map((line) => line.split('=') as [string, string]));
    const missing = ['FLANNEL_NETWORK', 'FLANNEL_SUBNET', 'FLANNEL_MTU', 'FLANNEL_IPMASQ'].filter((key) => !values.get(key));
    if (missing.length > 0) throw new CniError(`loadFlannelSubnetEnv failed: ${path} is missing ${missing.join(', ')}`);
    env = {
      network: values.get('FLANNEL_NETWORK') ?? '',
      subnet: values.get('FLANNEL_SUBNET') ?? '',
      mtu: Number(values.get('FLANNEL_MTU')),
      ipMasq: values.get('FLANNEL_IPMASQ') === 'true',
    };
    if (parsed.size > 10_000) parsed.clear();
    parsed.set(text, env);
  }
  return env;
}

/** What the bridge plug-in is given: the node's subnet, the way to all other Pods. */
export function delegateConf(args: CniArgs, conf: PluginConf): BridgeConf {
  const flannel = conf as FlannelConf;
  const env = subnetEnv(args, flannel);
  return {
    hairpinMode: true,
    ...flannel.delegate,
    type: 'bridge',
    mtu: env.mtu,
    ipMasq: !env.ipMasq,
    isGateway: true,
    ipam: { type: 'host-local', ranges: [[{ subnet: env.subnet }]], routes: [{ dst: env.network }] },
  };
}

export const flannel: CniPlugin = {
  add(args, conf, previous) {
    const delegate = delegateConf(args, conf);
    const { machine } = args;
    const { sim } = machine;
    if (sim.trace.wants(DETAIL, sim.cause)) {
      const from = `${machine.place}/cni/flannel`;
      sim.trace.emit(sim.cause, { kind: 'cni', verb: 'delegate', level: DETAIL, start: sim.now, from, to: `${machine.place}/cni/bridge`, detail: delegate });
    }
    return bridge.add(args, delegate, previous);
  },
  // DEL needs only the result of ADD: the subnet may be gone already.
  del: (args, _conf, previous) => bridge.del(args, { type: 'bridge' }, previous),
};
