// The rules of the iptables mode against the tables of upstream's unit tests: testdata/iptables-tables.txt.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import { formatRule } from '../../network/iptables-format.ts';
import type { Chain, Rule } from '../../network/netfilter.ts';
import { parseRule, wordsOf } from '../../network-tools/iptables-parse.ts';
import { Simulation } from '../../sim/simulation.ts';
import type { PortContext } from './port-rules.ts';
import { RuleBook } from './rule-book.ts';
import { nodePortJumps } from './static-rules.ts';

const CASES = readFileSync(fileURLToPath(new URL('./testdata/iptables-tables.txt', import.meta.url)), 'utf8').split(/^case /m).slice(1);
const NODE_ADDRESSES = ['192.168.0.2', '192.168.1.2', '192.168.99.11'];

const values = (words: readonly string[], name: string): string[] => words.filter((w) => w.startsWith(`${name}=`)).map((w) => w.slice(name.length + 1));
const value = (words: readonly string[], name: string): string | undefined => values(words, name)[0];

function serviceOf(line: string): Service {
  const [, name = '', clusterIP, ...words] = line.split(' ');
  const slash = name.indexOf('/');
  const affinity = value(words, 'affinity');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: name.slice(0, slash), name: name.slice(slash + 1) },
    spec: {
      clusterIP,
      type: value(words, 'type') ?? 'ClusterIP',
      externalTrafficPolicy: value(words, 'external'),
      internalTrafficPolicy: value(words, 'internal'),
      ports: values(words, 'port').map((port) => {
        const [numbers = '', protocol = 'TCP'] = port.split('/');
        const [portName = '', number, nodePort] = numbers.split(':');
        return { name: portName, port: Number(number), protocol, ...(nodePort ? { nodePort: Number(nodePort) } : {}) };
      }),
      externalIPs: values(words, 'ip'),
      loadBalancerSourceRanges: values(words, 'range'),
      healthCheckNodePort: Number(value(words, 'health') ?? 0),
      ...(affinity === undefined ? {} : { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: Number(affinity) } } }),
    },
    status: { loadBalancer: { ingress: values(words, 'lb').map((ip) => ({ ip })) } },
  } as Service;
}

function sliceOf(line: string): EndpointSlice {
  const [, name = '', port = '', ...addresses] = line.split(' ');
  const [portName, number] = port.split(':');
  return {
    metadata: { namespace: name.slice(0, name.indexOf('/')), name: `${name.slice(name.indexOf('/') + 1)}-1` },
    addressType: 'IPv4',
    ports: [{ name: portName, port: Number(number), protocol: 'TCP' }],
    endpoints: addresses.map((text) => {
      const [, ip = '', node, conditions = 'rs-'] = /^([\d.]+)(?:@([^/]+))?(?:\/(...))?$/.exec(text) ?? [];
      return {
        addresses: [ip],
        ...(node === undefined ? {} : { nodeName: node }),
        conditions: { ready: conditions[0] === 'r', serving: conditions[1] === 's', terminating: conditions[2] === 't' },
      };
    }),
  } as EndpointSlice;
}

/** Upstream writes Services in the order of a Go map: in the long chains only the order within one counts. */
const SHARED = /^KUBE-(SERVICES|NODEPORTS|EXTERNAL-SERVICES|PROXY-FIREWALL)$/;
const serviceOfRule = (line: string): string => /--comment "?([\w-]+\/[^\s"]+)/.exec(line)?.[1] ?? '~';

function inOrder(table: string, rules: readonly (readonly [chain: string, rule: Rule])[]): string[] {
  const byChain = new Map<string, string[]>();
  for (const [chain, rule] of rules) {
    const lines = byChain.get(chain) ?? [];
    byChain.set(chain, [...lines, `${table} ${formatRule(chain, rule)}`]);
  }
  return [...byChain]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([chain, lines]) => (SHARED.test(chain) ? lines.toSorted((a, b) => (serviceOfRule(a) < serviceOfRule(b) ? -1 : serviceOfRule(a) > serviceOfRule(b) ? 1 : 0)) : lines));
}

function expectedTables(lines: readonly string[]): string[] {
  const rules = { filter: [] as [string, Rule][], nat: [] as [string, Rule][] };
  for (const line of lines) {
    const match = /^(filter|nat) -A (\S+) (.*)$/.exec(line);
    if (match) rules[match[1] as 'nat'].push([match[2] as string, parseRule(wordsOf(match[3] as string))]);
  }
  return [...inOrder('filter', rules.filter), ...inOrder('nat', rules.nat)];
}

function ourTables(lines: readonly string[]): string[] {
  const options = (lines.find((line) => line.startsWith('options ')) ?? '').split(' ');
  const localhostNodePorts = !options.includes('no-localhost-node-ports');
  const wanted = value(options, 'addresses')?.split(',');
  const addresses = wanted === undefined ? null : NODE_ADDRESSES.concat('127.0.0.1').filter((ip) => wanted.some((range) => ip.startsWith(range.split('.').slice(0, range.endsWith('/24') ? 3 : 1).join('.'))));
  const context: PortContext = {
    nodeName: 'test-node',
    zone: '',
    nodeIP: '192.168.0.2',
    local: options.includes('no-local-detector') ? null : { kind: 'cidr', cidr: '10.0.0.0/8' },
    masqueradeAll: false,
    localhostNodePorts,
    key: '',
  };
  const served = addresses?.filter((ip) => localhostNodePorts || !ip.startsWith('127.')) ?? null;
  const book = new RuleBook(new Simulation(), context, nodePortJumps(served, localhostNodePorts));
  const services = lines.filter((line) => line.startsWith('service ')).map(serviceOf);
  const slices = lines.filter((line) => line.startsWith('endpoints ')).map(sliceOf);
  const keyOf = ({ metadata }: Service): string => `${metadata.namespace}/${metadata.name}`;
  const { nat } = book.sync(services.map(keyOf), (key) => ({
    service: services.find((s) => keyOf(s) === key),
    slices: slices.filter((s) => `${s.metadata.namespace}/${s.metadata.name}` === `${key}-1`),
  }));
  const lists = book.lists();
  const rulesOf = (chains: readonly Chain[]): [string, Rule][] => chains.flatMap((c) => c.rules.map((rule): [string, Rule] => [c.name, rule]));
  const own = nat.chains.filter((chain) => !SHARED.test(chain.name));
  return [...inOrder('filter', rulesOf(lists.filter)), ...inOrder('nat', rulesOf([...own, ...lists.nat]))];
}

test(`the rules of Services: ${CASES.length} cases of upstream's proxier_test, all equal`, () => {
  for (const text of CASES) {
    const [title = '', ...lines] = text.trimEnd().split('\n');
    expect([title, ...ourTables(lines)]).toEqual([title, ...expectedTables(lines)]);
  }
});
