// Which endpoints a node uses, against upstream's table: testdata/endpoint-categories.txt.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { categorize } from './categorize.ts';
import type { EndpointInfo, ServicePortInfo } from './service-ports.ts';

const ROWS = readFileSync(fileURLToPath(new URL('./testdata/endpoint-categories.txt', import.meta.url)), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

const PORT: ServicePortInfo = {
  name: 'ns/svc', portName: '', protocol: 'tcp', clusterIP: '172.30.0.1', port: 80, nodePort: 0, externalIPs: [], loadBalancerIPs: [], sourceRanges: [],
  healthCheckNodePort: 0, externalLocal: false, internalLocal: false, affinitySeconds: 0, hash: 'X',
};

function endpointOf(text: string): EndpointInfo {
  const [, ip = '', here, state = '', hints = ''] = /^([\d.]+)(@here)?\/(...)(.*)$/.exec(text) ?? [];
  const zones = hints.split('+').slice(1);
  return {
    ip, port: 80, nodeName: here === undefined ? 'elsewhere' : 'here', ready: state[0] === 'r', serving: state[1] === 's', terminating: state[2] === 't',
    hints: zones.length === 0 ? null : { zones, nodes: [] },
  };
}

const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter((word) => word !== '');
const addresses = (endpoints: readonly EndpointInfo[]): string[] => endpoints.map((e) => e.ip).sort();

test(`endpoints by policy, place and hints: ${ROWS.length} cases of upstream's TestCategorizeEndpoints`, () => {
  for (const row of ROWS) {
    const [zone = '', policies = '', endpoints, cluster, local, reachable, any] = row.split('|').map((part) => part.trim());
    const port: ServicePortInfo = {
      ...PORT,
      internalLocal: policies.includes('internal=Local'),
      externalLocal: policies.includes('external=Local'),
      nodePort: policies.includes('node-port') ? 30_080 : 0,
    };
    const all = words(endpoints).map(endpointOf);
    const found = categorize(port, all, { nodeName: 'here', zone: zone === '-' ? '' : zone }, all.some((e) => e.hints !== null));
    expect([row, addresses(found.cluster), addresses(found.local), addresses(found.reachable), found.any]).toEqual([row, words(cluster), words(local), words(reachable), any === 'yes']);
  }
});

test('hints for nodes come before hints for zones', () => {
  const endpoint = (ip: string, node: string, zone: string): EndpointInfo => ({ ...endpointOf(`${ip}/rs-`), hints: { nodes: [node], zones: [zone] } });
  const all = [endpoint('10.0.0.1', 'here', 'a'), endpoint('10.0.0.2', 'there', 'a'), endpoint('10.0.0.3', 'far', 'b')];
  const from = (nodeName: string, zone: string): string[] => addresses(categorize(PORT, all, { nodeName, zone }, true).cluster);
  expect([from('here', 'a'), from('other', 'a'), from('other', 'c')]).toEqual([['10.0.0.1'], ['10.0.0.1', '10.0.0.2'], ['10.0.0.1', '10.0.0.2', '10.0.0.3']]);
});
