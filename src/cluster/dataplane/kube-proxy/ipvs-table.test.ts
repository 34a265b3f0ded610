// Which real server each scheduler of IPVS takes, in order (net/netfilter/ipvs/ip_vs_*.c).

import { expect, test } from 'vitest';
import type { MatchContext } from '../../network/compile.ts';
import type { RealServer } from '../../network/ipvs.ts';
import { type Node, Testbed } from '../../network/testbed.ts';
import { IpvsTable } from './ipvs-table.ts';

const server = (n: number, weight = 1): RealServer => ({ address: `10.0.0.${n}`, port: 80, weight });

/** Takes one connection after the other; those to 10.0.0.1 stay open. */
function taken(scheduler: string, servers: readonly RealServer[], count: number): string {
  const { host } = new Testbed(1).nodes[0] as Node;
  const table = new IpvsTable(host);
  table.put({ protocol: 'tcp', address: '10.96.0.1', port: 80, scheduler, persistent: 0, servers });
  let out = '';
  for (let i = 0; i < count; i++) {
    const c = { protocol: 'tcp', src: '10.244.0.2', srcInt: 0x0af40002, dst: '10.96.0.1', dstInt: 0x0a600001, dport: 80, live: true, noteSeen: () => undefined } as unknown as MatchContext;
    const chosen = table.choose(c);
    if (chosen == null) return `${out}-`;
    out += chosen.address.slice(-1);
    const state = chosen.address === '10.0.0.1' ? 'ESTABLISHED' : 'TIME_WAIT';
    const original = { src: '10.244.0.2', dst: '10.96.0.1', sport: 1_000 + i, dport: 80 };
    host.conntrack.add({ protocol: 'tcp', original, reply: { src: chosen.address, dst: original.src, sport: 80, dport: original.sport }, dnat: true, snat: false, expires: 1e9, state, since: 0, table: null }, 0);
  }
  return out;
}

test('schedulers', () => {
  const three = [server(1), server(2), server(3)];
  expect(taken('rr', three, 6)).toBe('123123');
  expect(taken('rr', [server(1), server(2, 0), server(3)], 4)).toBe('1313');
  expect(taken('wrr', [server(1, 3), server(2, 1)], 8)).toBe('11121112');
  expect(taken('lc', three, 6)).toBe('123232');
  expect(taken('wlc', [server(2, 2), server(3, 1)], 6)).toBe('232232');
  expect(taken('sed', [server(1, 1), server(2, 1)], 4)).toBe('1222');
  expect(taken('nq', [server(1, 5), server(2, 1)], 4)).toBe('1222');
  expect(new Set(taken('sh', three, 5)).size).toBe(1);
  expect(taken('rr', [server(1, 0)], 1)).toBe('-');
});
