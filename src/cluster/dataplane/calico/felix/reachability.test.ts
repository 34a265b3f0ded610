// Reachability matrices of NetworkPolicies as in Kubernetes' end-to-end tests (test/e2e/network/netpol): Pods a, b, c in the namespaces
// x, y, z, each on one of two nodes, ports 80 and 81 over TCP and UDP, every Pod against every other through the real tables.

import { afterAll, describe, expect, it } from 'vitest';
import { CalicoTestbed } from './testbed.ts';

type Proto = 'tcp' | 'udp';
/** From, to, protocol, port: is it allowed? */
type Truth = (from: string, to: string, protocol: Proto, port: number) => boolean;

interface Case {
  readonly name: string;
  readonly policies: readonly (readonly [namespace: string, name: string, spec: unknown])[];
  readonly allowed: Truth;
}

const NAMESPACES = ['x', 'y', 'z'];
const NAMES = ['a', 'b', 'c'];
const PODS = NAMESPACES.flatMap((ns) => NAMES.map((name) => `${ns}/${name}`));
const PROBES: readonly [Proto, number][] = [['tcp', 80], ['tcp', 81], ['udp', 80], ['udp', 81]];
const PORTS = PROBES.map(([protocol, containerPort]) => ({ name: `serve-${containerPort}-${protocol}`, containerPort, protocol: protocol.toUpperCase() }));

function bed(): CalicoTestbed {
  const made = new CalicoTestbed();
  for (const ns of NAMESPACES) {
    made.namespace(ns, { ns });
    for (const name of NAMES) made.pod(ns, name, (NAMESPACES.indexOf(ns) + NAMES.indexOf(name)) % 2, { pod: name }, PORTS);
  }
  return made;
}

const nsOf = (pod: string): string => pod.slice(0, 1);
const nameOf = (pod: string): string => pod.slice(2);
const ALL = {};
const pod = (name: string) => ({ podSelector: { matchLabels: { pod: name } } });
const ns = (name: string) => ({ namespaceSelector: { matchLabels: { ns: name } } });
const onTo = (target: (pod: string) => boolean, allowed: Truth): Truth => (from, to, protocol, port) => !target(to) || allowed(from, to, protocol, port);
const onFrom = (source: (pod: string) => boolean, allowed: Truth): Truth => (from, to, protocol, port) => !source(from) || allowed(from, to, protocol, port);
const inX = (p: string): boolean => nsOf(p) === 'x';
const isXa = (p: string): boolean => p === 'x/a';
const ingress = (podSelector: unknown, ...rules: unknown[]) => ({ podSelector, policyTypes: ['Ingress'], ingress: rules });
const egress = (podSelector: unknown, ...rules: unknown[]) => ({ podSelector, policyTypes: ['Egress'], egress: rules });
const A = { matchLabels: { pod: 'a' } };
const never: Truth = () => false;
const always: Truth = () => true;
/** Addresses are given in order: x/a is 10.244.1.2, x/b 10.244.2.3, x/c 10.244.1.4, y/a 10.244.2.5, y/b 10.244.1.6 … */
const ADDRESS = new Map(PODS.map((p, i) => [p, `10.244.${((NAMESPACES.indexOf(nsOf(p)) + NAMES.indexOf(nameOf(p))) % 2) + 1}.${i + 2}`]));

const CASES: readonly Case[] = [
  { name: 'no policy', policies: [], allowed: always },
  { name: 'default-deny-ingress', policies: [['x', 'deny', ingress(ALL)]], allowed: onTo(inX, never) },
  { name: 'default-deny-egress', policies: [['x', 'deny', egress(ALL)]], allowed: onFrom(inX, never) },
  {
    name: 'default-deny-all',
    policies: [['x', 'deny', { podSelector: ALL, policyTypes: ['Ingress', 'Egress'] }]],
    allowed: (from, to) => !inX(from) && !inX(to),
  },
  { name: 'policyTypes left out, no rules: ingress alone', policies: [['x', 'deny', { podSelector: ALL }]], allowed: onTo(inX, never) },
  { name: 'from pods of the own namespace by podSelector', policies: [['x', 'p', ingress(A, { from: [pod('b')] })]], allowed: onTo(isXa, (from) => from === 'x/b') },
  { name: 'from another namespace by namespaceSelector', policies: [['x', 'p', ingress(A, { from: [ns('y')] })]], allowed: onTo(isXa, (from) => nsOf(from) === 'y') },
  { name: 'from the namespace by its name', policies: [['x', 'p', ingress(A, { from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'z' } } }] })]], allowed: onTo(isXa, (from) => nsOf(from) === 'z') },
  {
    name: 'podSelector with matchExpressions',
    policies: [['x', 'p', ingress(A, { from: [{ podSelector: { matchExpressions: [{ key: 'pod', operator: 'In', values: ['b'] }] } }] })]],
    allowed: onTo(isXa, (from) => from === 'x/b'),
  },
  {
    name: 'namespaceSelector with matchExpressions',
    policies: [['x', 'p', ingress(A, { from: [{ namespaceSelector: { matchExpressions: [{ key: 'ns', operator: 'In', values: ['y'] }] } }] })]],
    allowed: onTo(isXa, (from) => nsOf(from) === 'y'),
  },
  { name: 'podSelector or namespaceSelector', policies: [['x', 'p', ingress(A, { from: [ns('y'), pod('b')] })]], allowed: onTo(isXa, (from) => nsOf(from) === 'y' || from === 'x/b') },
  { name: 'podSelector and namespaceSelector', policies: [['x', 'p', ingress(A, { from: [{ ...ns('y'), ...pod('b') }] })]], allowed: onTo(isXa, (from) => from === 'y/b') },
  {
    name: 'several of both with NotIn',
    policies: [['x', 'p', ingress(A, { from: [{ namespaceSelector: { matchExpressions: [{ key: 'ns', operator: 'NotIn', values: ['x'] }] }, podSelector: { matchExpressions: [{ key: 'pod', operator: 'In', values: ['b', 'c'] }] } }] })]],
    allowed: onTo(isXa, (from) => nsOf(from) !== 'x' && nameOf(from) !== 'a'),
  },
  {
    name: 'matchExpressions Exists and DoesNotExist',
    policies: [['x', 'p', ingress({ matchExpressions: [{ key: 'pod', operator: 'Exists' }] }, { from: [{ podSelector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] } }] })]],
    allowed: onTo(inX, inX),
  },
  { name: 'on one port', policies: [['x', 'p', ingress(A, { from: [ns('y')], ports: [{ port: 81 }] })]], allowed: onTo(isXa, (from, _, protocol, port) => nsOf(from) === 'y' && protocol === 'tcp' && port === 81) },
  {
    name: 'two policies with overlapping peers',
    policies: [['x', 'p1', ingress(A, { from: [ns('y')], ports: [{ port: 81 }] })], ['x', 'p2', ingress(A, { from: [ns('y')], ports: [{ port: 80 }] })]],
    allowed: onTo(isXa, (from, _, protocol) => nsOf(from) === 'y' && protocol === 'tcp'),
  },
  {
    name: 'several ports of one rule',
    policies: [['x', 'p', ingress(A, { ports: [{ port: 80 }, { port: 81 }, { port: 81, protocol: 'UDP' }] })]],
    allowed: onTo(isXa, (_f, _t, protocol, port) => protocol === 'tcp' || port === 81),
  },
  { name: 'allow-all beside deny-all', policies: [['x', 'deny', ingress(ALL)], ['x', 'allow', ingress(ALL, {})]], allowed: always },
  { name: 'named port', policies: [['x', 'p', ingress(ALL, { ports: [{ port: 'serve-80-tcp' }] })]], allowed: onTo(inX, (_f, _t, protocol, port) => protocol === 'tcp' && port === 80) },
  { name: 'named port from one namespace', policies: [['x', 'p', ingress(A, { from: [ns('y')], ports: [{ port: 'serve-81-tcp' }] })]], allowed: onTo(isXa, (from, _, protocol, port) => nsOf(from) === 'y' && protocol === 'tcp' && port === 81) },
  { name: 'named port and number in one rule', policies: [['x', 'p', ingress(A, { ports: [{ port: 'serve-81-tcp' }, { port: 80 }] })]], allowed: onTo(isXa, (_f, _t, protocol) => protocol === 'tcp') },
  { name: 'egress to a named port', policies: [['x', 'p', egress(A, { ports: [{ port: 'serve-80-tcp' }] })]], allowed: onFrom(isXa, (_f, _t, protocol, port) => protocol === 'tcp' && port === 80) },
  { name: 'egress to a named port of some pods', policies: [['x', 'p', egress(A, { to: [ns('y')], ports: [{ port: 'serve-80-tcp' }] })]], allowed: onFrom(isXa, (_f, to, protocol, port) => nsOf(to) === 'y' && protocol === 'tcp' && port === 80) },
  { name: 'a name that no port has', policies: [['x', 'p', ingress(A, { ports: [{ port: 'nothing' }] })]], allowed: onTo(isXa, never) },
  { name: 'pods of all namespaces', policies: [['x', 'p', ingress(A, { from: [{ namespaceSelector: {}, podSelector: { matchLabels: { pod: 'b' } } }] })]], allowed: onTo(isXa, (from) => nameOf(from) === 'b') },
  { name: 'any pod by empty selectors', policies: [['x', 'p', ingress(A, { from: [{ podSelector: {}, namespaceSelector: {} }] })]], allowed: always },
  { name: 'any pod of the own namespace', policies: [['x', 'p', ingress(A, { from: [{ podSelector: {} }] })]], allowed: onTo(isXa, inX) },
  { name: 'egress denied to one pod', policies: [['x', 'p', egress(A)]], allowed: onFrom(isXa, never) },
  { name: 'egress to pods of the own namespace', policies: [['x', 'p', egress(A, { to: [pod('b')] })]], allowed: onFrom(isXa, (_, to) => to === 'x/b') },
  {
    name: 'ingress and egress together',
    policies: [['x', 'p', { podSelector: A, policyTypes: ['Ingress', 'Egress'], ingress: [{ from: [ns('y')] }], egress: [{ to: [ns('z')] }] }]],
    allowed: (from, to) => (!isXa(to) || nsOf(from) === 'y') && (!isXa(from) || nsOf(to) === 'z'),
  },
  {
    name: 'egress of the client and ingress of the server, both asked',
    policies: [['x', 'e', egress(A, { to: [ns('y')] })], ['y', 'i', ingress(A, { from: [ns('x')], ports: [{ port: 80 }] })]],
    allowed: (from, to, protocol, port) => (!isXa(from) || nsOf(to) === 'y') && (to !== 'y/a' || (nsOf(from) === 'x' && protocol === 'tcp' && port === 80)),
  },
  { name: 'egress to an address block', policies: [['x', 'p', egress(A, { to: [{ ipBlock: { cidr: '10.244.1.0/24' } }] })]], allowed: onFrom(isXa, (_, to) => ADDRESS.get(to)?.startsWith('10.244.1.') === true) },
  {
    name: 'egress to a block with an exception',
    policies: [['x', 'p', egress(A, { to: [{ ipBlock: { cidr: '10.244.0.0/16', except: [`${ADDRESS.get('x/b')}/32`] } }] })]],
    allowed: onFrom(isXa, (_, to) => to !== 'x/b'),
  },
  {
    name: 'a block with two exceptions',
    policies: [['x', 'p', ingress(A, { from: [{ ipBlock: { cidr: '10.244.0.0/16', except: [`${ADDRESS.get('y/a')}/32`, `${ADDRESS.get('z/c')}/32`] } }] })]],
    allowed: onTo(isXa, (from) => from !== 'y/a' && from !== 'z/c'),
  },
  {
    name: 'an exception that another policy allows',
    policies: [['x', 'p1', egress(A, { to: [{ ipBlock: { cidr: '10.244.0.0/16', except: [`${ADDRESS.get('x/b')}/32`] } }] })], ['x', 'p2', egress(A, { to: [{ ipBlock: { cidr: `${ADDRESS.get('x/b')}/32` } }] })]],
    allowed: always,
  },
  { name: 'ingress from a block', policies: [['x', 'p', ingress(A, { from: [{ ipBlock: { cidr: `${ADDRESS.get('y/b')}/32` } }] })]], allowed: onTo(isXa, (from) => from === 'y/b') },
  { name: 'a block of IPv6 alone lets nobody in', policies: [['x', 'p', ingress(A, { from: [{ ipBlock: { cidr: '::/0' } }] })]], allowed: onTo(isXa, never) },
  { name: 'endPort', policies: [['x', 'p', ingress(A, { ports: [{ port: 81, endPort: 90 }] })]], allowed: onTo(isXa, (_f, _t, protocol, port) => protocol === 'tcp' && port === 81) },
  { name: 'UDP on one port', policies: [['x', 'p', ingress(A, { from: [ns('y')], ports: [{ port: 81, protocol: 'UDP' }] })]], allowed: onTo(isXa, (from, _, protocol, port) => nsOf(from) === 'y' && protocol === 'udp' && port === 81) },
  { name: 'a protocol without a port', policies: [['x', 'p', ingress(A, { ports: [{ protocol: 'UDP' }] })]], allowed: onTo(isXa, (_f, _t, protocol) => protocol === 'udp') },
  { name: 'SCTP is not TCP', policies: [['x', 'p', ingress(A, { ports: [{ port: 80, protocol: 'SCTP' }] })]], allowed: onTo(isXa, never) },
  {
    name: 'seven policies of one selector make a group',
    policies: NAMES.flatMap((name) => NAMESPACES.map((space): Case['policies'][number] => ['x', `p-${name}${space}`, ingress(ALL, { from: [{ ...ns(space), ...pod(name) }] })])).slice(0, 7),
    allowed: onTo(inX, (from) => nameOf(from) !== 'c' || nsOf(from) === 'x'),
  },
];

describe('NetworkPolicy by Felix', () => {
  let probes = 0;
  for (const { name, policies, allowed } of CASES) {
    it(`allows what it should: ${name}`, () => {
      const b = bed();
      for (const [namespace, own, spec] of policies) b.policy(namespace, own, spec);
      b.apply();
      const wrong: string[] = [];
      for (const from of PODS) {
        for (const to of PODS) {
          for (const [protocol, port] of PROBES) {
            probes++;
            // A Pod always reaches itself: that way leads through its own loopback.
            const expected = from === to || allowed(from, to, protocol, port);
            if (b.reaches(from, to, protocol, port) !== expected) wrong.push(`${from} -> ${to} ${protocol} ${port} should be ${expected ? 'allowed' : 'denied'}`);
          }
        }
      }
      expect(wrong).toEqual([]);
    });
  }
  afterAll(() => {
    process.stdout.write(`NetworkPolicy: ${CASES.length} matrices, ${probes} packets\n`);
  });

  it('lets answers and open connections pass, and names the policy that denies', () => {
    const b = bed();
    b.policy('x', 'web', ingress(A, { from: [ns('y')] }));
    b.apply();
    expect(b.exchange('y/a', 'x/a', 80)).toMatchObject({ delivered: true, answered: true });
    const refused = b.exchange('x/b', 'x/a', 80);
    expect(refused.delivered).toBe(false);
    const filters = refused.hops.filter((h) => h.action === 'filter').map((h) => h.rule ?? '');
    expect(filters.some((rule) => rule.includes('-j cali-pi-knp/x/web'))).toBe(true);
    expect(filters.at(-1)).toMatch(/^-A cali-tw-cali\w{11} -m comment --comment "cali:.{16}" -m comment --comment "End of tier default. Drop if no policies passed packet" .* -j DROP$/);
  });

  it('follows a Pod whose labels change', () => {
    const b = bed();
    b.policy('x', 'p', ingress(A, { from: [pod('b')] }));
    b.apply();
    expect(b.reaches('x/c', 'x/a', 'tcp', 80)).toBe(false);
    b.relabel('x/c', { pod: 'b' });
    b.apply();
    expect(b.reaches('x/c', 'x/a', 'tcp', 80)).toBe(true);
    b.policies = [];
    b.apply();
    expect(b.reaches('z/a', 'x/a', 'tcp', 80)).toBe(true);
  });
});
