// The nftables mode: names as in upstream's proxier_test, rules as of 1.36, and a packet's way through the table.

import { expect, test } from 'vitest';
import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import { Testbed } from '../../network/testbed.ts';
import type { Os } from '../../machine/process.ts';
import { walk } from '../../network/walk.ts';
import { readConfiguration } from './configuration.ts';
import { NftablesMode } from './nftables-mode.ts';

const service = (namespace: string, name: string, spec: object): Service =>
  ({ metadata: { namespace, name }, spec: { ports: [{ name: 'p80', port: 80, protocol: 'TCP' }], ...spec }, status: {} }) as Service;
const slice = (namespace: string, name: string, addresses: readonly string[]): EndpointSlice =>
  ({
    metadata: { namespace, name },
    addressType: 'IPv4',
    ports: [{ name: 'p80', port: 80, protocol: 'TCP' }],
    endpoints: addresses.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
  }) as EndpointSlice;

function tableOf(services: readonly Service[], slices: readonly EndpointSlice[]): { t: Testbed; rules: Record<string, readonly string[]>; maps: Record<string, readonly string[]> } {
  const t = new Testbed(2);
  const [node] = t.nodes;
  if (node === undefined) throw new Error('no node');
  const config = readConfiguration('mode: nftables\nclusterCIDR: 10.0.0.0/8\n');
  const context = { nodeName: 'worker-1', zone: '', nodeIP: '192.168.66.21', local: { kind: 'cidr', cidr: '10.0.0.0/8' } as const, masqueradeAll: false, localhostNodePorts: true, key: '' };
  const mode = new NftablesMode({ os: { sim: t.sim, place: node.machine.place } as unknown as Os, netns: node.host, config, context });
  const keyOf = ({ metadata }: Service | EndpointSlice): string => `${metadata.namespace}/${metadata.name}`;
  mode.take(services.map(keyOf), (key) => ({ service: services.find((s) => keyOf(s) === key), slices: slices.filter((s) => keyOf(s) === key) })).write(true);
  const table = node.host.rules.nft;
  if (table === null) throw new Error('no table');
  return {
    t,
    rules: Object.fromEntries([...table.chains.values()].map((chain) => [chain.name, chain.rules.map((rule) => rule.text)])),
    maps: Object.fromEntries([...table.maps.values()].map((map) => [map.name, [...map.elements].map(([key, { verdict, chain }]) => `${key} : ${verdict}${chain === undefined ? '' : ` ${chain}`}`)])),
  };
}

test('chains and maps of Services', () => {
  const { rules, maps } = tableOf(
    [
      service('ns1', 'svc1', { clusterIP: '172.30.0.41' }),
      service('ns2', 'svc2', { clusterIP: '172.30.0.42', type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ name: 'p80', port: 80, nodePort: 3001, protocol: 'TCP' }] }),
      service('ns3', 'svc3', { clusterIP: '172.30.0.43', type: 'NodePort', ports: [{ name: 'p80', port: 80, nodePort: 3003, protocol: 'TCP' }] }),
      service('ns6', 'svc6', { clusterIP: '172.30.0.46' }),
    ],
    [slice('ns1', 'svc1', ['10.180.0.1']), slice('ns2', 'svc2', ['10.180.0.2']), slice('ns3', 'svc3', ['10.0.3.2', '10.0.3.3'])],
  );
  expect(rules['service-ULMVA6XW-ns1/svc1/tcp/p80']).toEqual(['meta l4proto tcp dnat to 10.180.0.1:80']);
  expect(rules['service-4AT6LBPK-ns3/svc3/tcp/p80']).toEqual(['meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.0.3.2 . 80, 1 : 10.0.3.3 . 80 }']);
  expect(rules['external-42NFTM6N-ns2/svc2/tcp/p80']).toEqual([
    'ip saddr 10.0.0.0/8 goto service-42NFTM6N-ns2/svc2/tcp/p80 comment "short-circuit pod traffic"',
    'fib saddr type local meta mark set meta mark | 0x00004000 comment "masquerade local traffic"',
    'fib saddr type local goto service-42NFTM6N-ns2/svc2/tcp/p80 comment "short-circuit local traffic"',
  ]);
  expect(rules['external-4AT6LBPK-ns3/svc3/tcp/p80']).toEqual(['meta mark set meta mark | 0x00004000', 'goto service-4AT6LBPK-ns3/svc3/tcp/p80']);
  expect(maps['service-nodeports']).toEqual(['tcp . 3001 : goto external-42NFTM6N-ns2/svc2/tcp/p80', 'tcp . 3003 : goto external-4AT6LBPK-ns3/svc3/tcp/p80']);
  expect(maps['no-endpoint-services']).toEqual(['172.30.0.46 . tcp . 80 : goto reject-chain']);
  expect(maps['no-endpoint-nodeports']).toEqual(['tcp . 3001 : drop']);
});

test('a packet is led by the maps', () => {
  const { t } = tableOf([service('ns1', 'svc1', { clusterIP: '172.30.0.41' })], [slice('ns1', 'svc1', ['10.244.1.9'])]);
  const [node] = t.nodes;
  if (node === undefined) throw new Error('no node');
  const { hops } = walk(t.pod(node).netns, { src: '10.244.0.2', dst: '172.30.0.41', protocol: 'tcp', sport: 40_000, dport: 80 });
  expect(hops.flatMap((hop) => (hop.action === 'nat' ? [`${hop.table} ${hop.rule}`] : [])).slice(0, 3)).toEqual([
    'nat/nat-prerouting jump services',
    'nat/@service-ips 172.30.0.41 . tcp . 80 : goto service-ULMVA6XW-ns1/svc1/tcp/p80',
    'nat/service-ULMVA6XW-ns1/svc1/tcp/p80 meta l4proto tcp dnat to 10.244.1.9:80',
  ]);
});
