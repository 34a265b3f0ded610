// confd (confd/pkg): watches nodes, blocks and BGP's settings, writes BIRD's files from them and tells BIRD to read them. Without other
// settings every node is every other's peer (node-to-node mesh, AS 64512); of two the one with the higher address calls.

import type { Node } from '../../../api/generated/types.ts';
import type { ApiObject } from '../../../api/meta.ts';
import { Client } from '../../../client/client.ts';
import { inClusterConfig } from '../../../client/kubeconfig.ts';
import { Informer } from '../../../client/informer.ts';
import type { Os, Program } from '../../../machine/process.ts';
import { parseIp } from '../../../network/ip.ts';
import { Channel } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND } from '../../../sim/time.ts';
import { type BgpPeer, type BirdConfiguration, configurationFiles } from '../bird/configuration.ts';
import { CALICO_VERSION, log } from '../log.ts';
import { type BlockAffinity, CALICO_KINDS, type Custom, type IpPool, resourceOf } from '../resources.ts';
import { parseSelector } from '../selector.ts';
import { IPV4_ADDRESS } from './annotations.ts';

const DEFAULT_AS = 64_512;
/** Changes that come together make one new configuration. */
const COLLECT = 50 * MILLISECOND;

type BgpConfiguration = Custom<{ readonly nodeToNodeMeshEnabled?: boolean; readonly asNumber?: number }>;
type BgpPeerResource = Custom<{ readonly node?: string; readonly nodeSelector?: string; readonly peerIP?: string; readonly asNumber?: number; readonly peerSelector?: string }>;

export const confdProgram: Program = function* (os: Os): Op<number> {
  const own = os.env['NODENAME'] ?? os.machine.name;
  const client = new Client(os, { ...inClusterConfig(os), userAgent: `calico-node/${CALICO_VERSION} (linux/amd64) confd` });
  const dirty = new Channel<true>(os.sim);
  let pending = false;
  const changed = (): void => {
    if (!pending) dirty.send(true);
    pending = true;
  };
  const nodes = new Informer<Node>(os, client, 'nodes');
  const informerOf = <T extends ApiObject>(kind: keyof typeof CALICO_KINDS): Informer<T> => {
    const informer = new Informer<T>(os, client, resourceOf(CALICO_KINDS[kind]));
    informer.addHandler({ add: changed, delete: changed, update: changed });
    informer.start();
    return informer;
  };
  const affinities = informerOf<BlockAffinity>('blockAffinity');
  const pools = informerOf<IpPool>('ipPool');
  const settings = informerOf<BgpConfiguration>('bgpConfiguration');
  const peers = informerOf<BgpPeerResource>('bgpPeer');
  nodes.addHandler({
    add: changed,
    delete: changed,
    update: (before, after) => {
      if (before.metadata.annotations?.[IPV4_ADDRESS] !== after.metadata.annotations?.[IPV4_ADDRESS] || before.metadata.labels !== after.metadata.labels) changed();
    },
  });
  nodes.start();
  log(os, 'INFO', 'confd/client.go 1016', 'Starting Kubernetes API read config request');
  for (const informer of [nodes, affinities, pools, settings, peers]) yield* informer.waitForSync();

  let written = '';
  for (;;) {
    pending = false;
    const configuration = configurationOf(own, nodes.list(), affinities.list(), pools.list(), settings.get('', 'default'), peers.list());
    if (configuration !== null) {
      const files = configurationFiles(configuration);
      const text = [...files.values()].join('\0');
      if (text !== written) {
        for (const [path, content] of files) {
          if (os.files.exists(path) && os.files.read(path) === content) continue;
          os.files.write(path, content);
          log(os, 'INFO', 'confd/resource.go 288', `Target config ${path} has been updated`);
        }
        written = text;
        // `sv hup bird`, or its first start.
        for (const process of os.process.parent?.children ?? []) if (process.comm === 'bird') process.kill('SIGHUP');
      }
    }
    yield* dirty.receive();
    yield* os.sleep(COLLECT);
  }
};

const addressOf = (node: Node): string | undefined => node.metadata.annotations?.[IPV4_ADDRESS]?.replace(/\/.*/, '');
const nameOfPeer = (kind: string, address: string): string => `${kind}_${address.replaceAll('.', '_')}`;

/** Null while the node's own address is not known. */
function configurationOf(
  own: string, nodes: readonly Node[], affinities: readonly BlockAffinity[], pools: readonly IpPool[], settings: BgpConfiguration | undefined, more: readonly BgpPeerResource[],
): BirdConfiguration | null {
  const self = nodes.find((n) => n.metadata.name === own);
  const routerId = self === undefined ? undefined : addressOf(self);
  if (self === undefined || routerId === undefined) return null;
  const as = settings?.spec.asNumber ?? DEFAULT_AS;
  const meshOf = (address: string): BgpPeer => ({ name: nameOfPeer('Mesh', address), address, as, passive: parseIp(routerId) < parseIp(address) });
  const peers: BgpPeer[] = [];
  if (settings?.spec.nodeToNodeMeshEnabled !== false) {
    for (const node of nodes) {
      const address = addressOf(node);
      if (node !== self && address !== undefined) peers.push(meshOf(address));
    }
  }
  for (const { spec } of more) {
    const selects = (selector: string | undefined, node: Node): boolean => selector !== undefined && parseSelector(selector).matches(new Map(Object.entries(node.metadata.labels ?? {})));
    const here = spec.node === undefined && spec.nodeSelector === undefined ? true : spec.node === own || selects(spec.nodeSelector, self);
    const kind = spec.node === undefined && spec.nodeSelector === undefined ? 'Global' : 'Node';
    if (here && spec.peerIP !== undefined) peers.push({ name: nameOfPeer(kind, spec.peerIP), address: spec.peerIP, as: spec.asNumber ?? as, passive: false });
    for (const node of nodes) {
      const address = addressOf(node);
      if (node === self || address === undefined || spec.peerSelector === undefined) continue;
      // Sessions between nodes go both ways: who is selected as a peer peers back.
      if ((here && selects(spec.peerSelector, node)) || (selects(spec.peerSelector, self) && (spec.nodeSelector === undefined ? spec.node === undefined || spec.node === node.metadata.name : selects(spec.nodeSelector, node))))
        peers.push({ ...meshOf(address), name: nameOfPeer('Node', address) });
    }
  }
  const unique = [...new Map(peers.map((p) => [p.address, p])).values()].sort((a, b) => parseIp(a.address) - parseIp(b.address));
  const live = pools.filter((p) => !p.spec.cidr.includes(':'));
  return {
    routerId,
    as,
    peers: unique,
    blocks: affinities.filter((a) => a.spec.node === own && a.spec.state === 'confirmed').map((a) => a.spec.cidr).sort(),
    pools: live.map((p) => p.spec.cidr),
    notProgrammed: live.filter((p) => (p.spec.vxlanMode ?? 'Never') !== 'Never').map((p) => p.spec.cidr),
  };
}
