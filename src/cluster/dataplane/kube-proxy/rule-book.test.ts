import { describe, expect, test } from 'vitest';
import type { EndpointSlice, Service } from '../../api/generated/types.ts';
import { formatRule } from '../../network/iptables-format.ts';
import type { Chain } from '../../network/netfilter.ts';
import { Simulation } from '../../sim/simulation.ts';
import type { PortContext } from './port-rules.ts';
import { type BookUpdate, RuleBook } from './rule-book.ts';
import { nodePortJumps } from './static-rules.ts';

const service = (name: string, spec: object): Service =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'default', name }, spec, status: {} }) as Service;

const slice = (ips: readonly string[], port = 8080): EndpointSlice =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'x' },
    addressType: 'IPv4',
    endpoints: ips.map((ip, i) => ({ addresses: [ip], conditions: { ready: true }, nodeName: `worker-${i + 1}` })),
    ports: [{ name: 'http', port, protocol: 'TCP' }],
  }) as EndpointSlice;

const web = service('web', { clusterIP: '10.96.7.7', type: 'ClusterIP', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] });
const CONTEXT: PortContext = {
  nodeName: 'worker-1', zone: '', nodeIP: '192.168.66.21', local: { kind: 'cidr', cidr: '10.244.0.0/16' }, masqueradeAll: false, localhostNodePorts: true, key: '',
};
const bookOf = (sim: Simulation, context: PortContext): RuleBook => new RuleBook(sim, context, nodePortJumps(null, true));

const sync = (book: RuleBook, s: Service | undefined, slices: readonly EndpointSlice[]): BookUpdate =>
  book.sync(['default/web'], () => ({ service: s, slices }));
const print = (chains: readonly Chain[]): string => chains.flatMap((c) => c.rules.map((r) => formatRule(c.name, r))).join('\n');

describe('rule book', () => {
  test('a ClusterIP Service with two endpoints', () => {
    const book = bookOf(new Simulation(), CONTEXT);
    expect(print(sync(book, web, [slice(['10.244.1.2', '10.244.2.2'])]).nat.chains)).toMatchInlineSnapshot(`
      "-A KUBE-SVC-CDGGSHYLG3RE2FKL ! -s 10.244.0.0/16 -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
      -A KUBE-SVC-CDGGSHYLG3RE2FKL -m comment --comment "default/web:http -> 10.244.1.2:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-UIQK3OSOSTRHRPBX
      -A KUBE-SVC-CDGGSHYLG3RE2FKL -m comment --comment "default/web:http -> 10.244.2.2:8080" -j KUBE-SEP-4EX2N4PG4ASNZOBF
      -A KUBE-SEP-UIQK3OSOSTRHRPBX -s 10.244.1.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ
      -A KUBE-SEP-UIQK3OSOSTRHRPBX -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.1.2:8080
      -A KUBE-SEP-4EX2N4PG4ASNZOBF -s 10.244.2.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ
      -A KUBE-SEP-4EX2N4PG4ASNZOBF -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.2.2:8080
      -A KUBE-SERVICES -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-CDGGSHYLG3RE2FKL
      -A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
    `);
  });

  test('without endpoints connections are refused', () => {
    const book = bookOf(new Simulation(), CONTEXT);
    const update = sync(book, web, [slice([])]);
    expect(print(update.nat.chains)).toBe('');
    expect(print(update.filter?.chains ?? [])).toBe(
      '-A KUBE-SERVICES -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
    );
  });

  test('a new endpoint touches its own chain and the one that balances', () => {
    const book = bookOf(new Simulation(), CONTEXT);
    sync(book, web, [slice(['10.244.1.2', '10.244.2.2'])]);
    const update = sync(book, web, [slice(['10.244.1.2', '10.244.2.2', '10.244.3.2'])]);
    expect(update.nat.chains.map((c) => c.name.slice(0, 9))).toEqual(['KUBE-SVC-', 'KUBE-SEP-']);
    expect(update.nat.remove).toEqual([]);
  });

  test('proxies that see the same share the chains', () => {
    const sim = new Simulation();
    const slices = [slice(['10.244.1.2'])];
    const [a, b] = [bookOf(sim, CONTEXT), bookOf(sim, { ...CONTEXT, nodeName: 'worker-2' })];
    const [first, second] = [sync(a, web, slices), sync(b, web, slices)];
    expect(second.nat.chains.length).toBeGreaterThan(0);
    expect(second.nat.chains.every((chain, i) => chain === first.nat.chains[i])).toBe(true);
  });

  test('a NodePort with externalTrafficPolicy Local goes to the own node', () => {
    const book = bookOf(new Simulation(), CONTEXT);
    const spec = {
      clusterIP: '10.96.7.7',
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    };
    expect(print(sync(book, service('web', spec), [slice(['10.244.1.2', '10.244.2.2'])]).nat.chains)).toMatchInlineSnapshot(`
      "-A KUBE-EXT-CDGGSHYLG3RE2FKL -s 10.244.0.0/16 -m comment --comment "pod traffic for default/web:http external destinations" -j KUBE-SVC-CDGGSHYLG3RE2FKL
      -A KUBE-EXT-CDGGSHYLG3RE2FKL -m comment --comment "masquerade LOCAL traffic for default/web:http external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ
      -A KUBE-EXT-CDGGSHYLG3RE2FKL -m comment --comment "route LOCAL traffic for default/web:http external destinations" -m addrtype --src-type LOCAL -j KUBE-SVC-CDGGSHYLG3RE2FKL
      -A KUBE-EXT-CDGGSHYLG3RE2FKL -j KUBE-SVL-CDGGSHYLG3RE2FKL
      -A KUBE-SVC-CDGGSHYLG3RE2FKL ! -s 10.244.0.0/16 -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
      -A KUBE-SVC-CDGGSHYLG3RE2FKL -m comment --comment "default/web:http -> 10.244.1.2:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-UIQK3OSOSTRHRPBX
      -A KUBE-SVC-CDGGSHYLG3RE2FKL -m comment --comment "default/web:http -> 10.244.2.2:8080" -j KUBE-SEP-4EX2N4PG4ASNZOBF
      -A KUBE-SVL-CDGGSHYLG3RE2FKL -m comment --comment "default/web:http -> 10.244.1.2:8080" -j KUBE-SEP-UIQK3OSOSTRHRPBX
      -A KUBE-SEP-UIQK3OSOSTRHRPBX -s 10.244.1.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ
      -A KUBE-SEP-UIQK3OSOSTRHRPBX -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.1.2:8080
      -A KUBE-SEP-4EX2N4PG4ASNZOBF -s 10.244.2.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ
      -A KUBE-SEP-4EX2N4PG4ASNZOBF -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.2.2:8080
      -A KUBE-SERVICES -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-CDGGSHYLG3RE2FKL
      -A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
      -A KUBE-NODEPORTS -d 127.0.0.0/8 -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -m nfacct --nfacct-name  localhost_nps_accepted_pkts -j KUBE-EXT-CDGGSHYLG3RE2FKL
      -A KUBE-NODEPORTS -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j KUBE-EXT-CDGGSHYLG3RE2FKL"
    `);
  });

  test('a Service that is gone leaves nothing', () => {
    const book = bookOf(new Simulation(), CONTEXT);
    sync(book, web, [slice(['10.244.1.2'])]);
    const update = sync(book, undefined, []);
    expect(update.nat.remove?.length).toBe(2);
    expect(book.count).toBe(0);
  });
});
