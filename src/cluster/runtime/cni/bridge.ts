// The bridge plug-in: a veth pair between the Pod's namespace and a bridge of the host, an address from IPAM, a default
// route through the bridge (containernetworking/plugins main/bridge).

import { addAddress, addBridge, createVethPair, deleteInterface, type Interface, setMaster } from '../../network/device.ts';
import { addRoute } from '../../network/route.ts';
import { Netns } from '../../network/netns.ts';
import { hash32 } from '../../sim/random.ts';
import { allocate, type HostLocalConf, release } from './host-local.ts';
import { type CniArgs, CniError, type CniPlugin, type PluginConf } from './plugin.ts';

export interface BridgeConf extends PluginConf {
  readonly type: 'bridge';
  /** Default cni0. */
  readonly bridge?: string;
  readonly mtu?: number;
  readonly isGateway?: boolean;
  readonly isDefaultGateway?: boolean;
  readonly hairpinMode?: boolean;
  readonly ipMasq?: boolean;
  readonly ipam?: HostLocalConf;
}

const hostOf = (args: CniArgs): Netns => {
  const host = args.machine.hostNetns;
  if (!(host instanceof Netns)) throw new CniError('the host has no network');
  return host;
};

const vethName = (args: CniArgs): string => `veth${hash32(args.containerId).toString(16).padStart(8, '0')}`;

export const bridge: CniPlugin = {
  add(args, plain) {
    const conf = plain as BridgeConf;
    const { netns, ifName, machine } = args;
    const by = `${machine.place}/cni/bridge`;
    if (conf.ipam?.type !== 'host-local') throw new CniError(`failed to find plugin "${conf.ipam?.type ?? ''}" in path [/opt/cni/bin]`);
    if (netns.interfaces.has(ifName)) throw new CniError(`container veth name ("${ifName}") peer provided already exists`);
    const host = hostOf(args);
    const name = conf.bridge ?? 'cni0';
    const mtu = conf.mtu === undefined ? {} : { mtu: conf.mtu };
    const br: Interface = host.interfaces.get(name) ?? addBridge(host, name, mtu, by);
    const { ip, routes } = allocate(args, conf.ipam);
    const [inside, outside] = createVethPair({ netns, name: ifName, ...mtu }, { netns: host, name: vethName(args), ...mtu }, by);
    setMaster(outside, br, by);
    addAddress(inside, ip.address, by);
    const gateway = conf.isGateway === true || conf.isDefaultGateway === true;
    if (gateway) addAddress(br, ip.gateway + ip.address.slice(ip.address.indexOf('/')), by);
    for (const route of routes) addRoute(netns, { destination: route.dst, via: route.gw ?? ip.gateway, device: inside }, by);
    if (conf.isDefaultGateway === true) addRoute(netns, { destination: 'default', via: ip.gateway, device: inside }, by);
    return {
      interfaces: [
        { name, mac: br.mac, sandbox: '' },
        { name: outside.name, mac: outside.mac, sandbox: '' },
        { name: ifName, mac: inside.mac, sandbox: netns.name },
      ],
      ips: [ip],
      routes: conf.isDefaultGateway === true ? [...routes, { dst: '0.0.0.0/0', gw: ip.gateway }] : routes,
    };
  },

  del(args, _conf, previous) {
    const address = previous.ips[0]?.address;
    release(args.machine.files, args.networkName, args.containerId, address?.slice(0, address.indexOf('/')));
    const inside = args.netns.interfaces.get(args.ifName);
    if (inside) deleteInterface(inside, `${args.machine.place}/cni/bridge`);
  },
};
