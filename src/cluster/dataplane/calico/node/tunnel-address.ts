// `calico-node -allocate-tunnel-addrs` (node/pkg/allocateip): while some pool is carried by VXLAN, the node has an address of its blocks
// for its own end of the tunnels, noted on the Node.

import type { Node } from '../../../api/generated/types.ts';
import { Client } from '../../../client/client.ts';
import { isProgrammingError, messageOf } from '../../../client/errors.ts';
import { inClusterConfig } from '../../../client/kubeconfig.ts';
import { Informer } from '../../../client/informer.ts';
import type { Os, Program } from '../../../machine/process.ts';
import { Channel } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { usesVxlan } from '../felix/vxlan.ts';
import { Ipam } from '../ipam/ipam.ts';
import { lockHost } from '../ipam/lock.ts';
import { CALICO_VERSION, log } from '../log.ts';
import { CALICO_KINDS, type IpPool, resourceOf } from '../resources.ts';
import { VXLAN_ADDRESS } from './annotations.ts';

const RETRY = SECOND;

export const tunnelAddressProgram: Program = function* (os: Os): Op<number> {
  const node = os.env['NODENAME'] ?? os.machine.name;
  const client = new Client(os, { ...inClusterConfig(os), userAgent: `calico-node/${CALICO_VERSION} (linux/amd64) tunnel-ip-allocator` });
  const dirty = new Channel<true>(os.sim);
  const pools = new Informer<IpPool>(os, client, resourceOf(CALICO_KINDS.ipPool));
  pools.addHandler({ add: () => dirty.send(true), update: () => dirty.send(true), delete: () => dirty.send(true) });
  pools.start();
  yield* pools.waitForSync();
  for (;;) {
    try {
      yield* reconcile(os, client, node, usesVxlan(pools.list()));
      yield* dirty.receive();
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      log(os, 'WARNING', 'tunnel-ip-allocator/allocateip.go 215', `Failed to configure the tunnel's address error=${messageOf(error)}`);
      yield* os.sleep(RETRY);
    }
  }
};

function* reconcile(os: Os, client: Client, node: string, wanted: boolean): Op<void> {
  const now = ((yield* client.get('nodes', '', node)) as Node).metadata.annotations?.[VXLAN_ADDRESS];
  if ((now !== undefined) === wanted) return;
  const handle = `vxlan-tunnel-addr-${node}`;
  const ipam = new Ipam(client);
  let address: string | null = null;
  if (wanted) {
    const unlock = yield* lockHost(os);
    try {
      address = yield* ipam.assign({ node, handle, attributes: { node, type: 'vxlanTunnelAddress' } });
    } finally {
      unlock();
    }
    log(os, 'INFO', 'tunnel-ip-allocator/allocateip.go 465', `Assigned tunnel address to node IP="${address}" node="${node}" type="vxlanTunnelAddress"`);
  } else yield* ipam.release(handle);
  yield* client.patch('nodes', '', node, { metadata: { annotations: { [VXLAN_ADDRESS]: address } } }, 'strategic', 'status');
}
