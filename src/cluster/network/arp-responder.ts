// A process that answers ARP for an address that no interface has, through a raw socket on an Ethernet port, and tells the segment so
// (gratuitous ARP): what address failover is made of (arp(7), packet(7); MetalLB's layer 2 mode, keepalived).

import type { Os, Resource } from '../machine/process.ts';
import type { Interface } from './device.ts';

/** From now on frames for `address` come to `device`, whoever had it before. It ends with the process, or by `release`. */
export function answerArp(os: Os, device: Interface, address: string): Resource {
  const { sim } = os;
  const { fabric } = device.netns;
  const network = device.link?.network;
  const before = network?.addresses.get(address);
  const emit = (verb: string): void => {
    sim.trace.emit(sim.cause, {
      kind: 'network', verb, from: os.place, to: device.netns.machine.place, start: sim.now, detail: { address, interface: device.name, mac: device.mac },
    });
  };
  network?.addresses.set(address, device);
  emit('arp-announce');
  // Ways that led to the one before are no longer good.
  if (before !== undefined && before !== device) before.netns.changed();
  device.netns.changed();
  fabric.disturbed();
  const responder: Resource = {
    release() {
      os.process.letGo(responder);
      if (network?.addresses.get(address) !== device) return;
      network.addresses.delete(address);
      device.netns.changed();
      fabric.disturbed();
    },
  };
  os.process.hold(responder);
  return responder;
}
