// The rules that Felix keeps on every node, with their hashes, against a dump of a real node (felix/fv/cali-iptables-dump.txt).

import { expect, it } from 'vitest';
import { formatRule } from '../../../network/iptables-format.ts';
import type { TableName } from '../../../network/netfilter.ts';
import { signed } from './rule.ts';
import { HOOKS, staticChains } from './static-chains.ts';

const chains = staticChains({ vxlan: false, natOutgoing: true, endpointToHost: 'Accept' });
const linesOf = (table: TableName, chain: string): string[] =>
  signed(chain, chains[table].find((c) => c.name === chain)?.rules ?? []).map((r) => formatRule(chain, r));

const REAL: readonly [TableName, string, readonly string[]][] = [
  ['filter', 'cali-FORWARD', [
    '-A cali-FORWARD -m comment --comment "cali:W_vvds1Nw3n9QE2f" -j MARK --set-xmark 0x0/0x1a0000',
    '-A cali-FORWARD -m comment --comment "cali:ZfgmjuiLaA8Pg0kp" -m mark --mark 0x0/0x10000 -j cali-from-hep-forward',
    '-A cali-FORWARD -i cali+ -m comment --comment "cali:tAzwBLPaV-j53OOZ" -j cali-from-wl-dispatch',
    '-A cali-FORWARD -o cali+ -m comment --comment "cali:4Z0Pf0byo05NFe-P" -j cali-to-wl-dispatch',
    '-A cali-FORWARD -m comment --comment "cali:hQ7Oc16wmUtLuneJ" -j cali-to-hep-forward',
    '-A cali-FORWARD -m comment --comment "cali:rnKNH2WxGcRQcIlD" -j cali-cidr-block',
  ]],
  ['filter', 'cali-OUTPUT', [ // the rest differs: that node had VXLAN
    '-A cali-OUTPUT -m comment --comment "cali:Mq1_rAdXXH3YkrzW" -m mark --mark 0x10000/0x10000 -j ACCEPT',
    '-A cali-OUTPUT -o cali+ -m comment --comment "cali:69FkRTJDvD5Vu6Vl" -j RETURN',
  ]],
  ['filter', 'cali-wl-to-host', [
    '-A cali-wl-to-host -m comment --comment "cali:Ee9Sbo10IpVujdIY" -j cali-from-wl-dispatch',
    '-A cali-wl-to-host -m comment --comment "cali:nSZbcOoG1xPONxb8" -m comment --comment "Configured DefaultEndpointToHostAction" -j ACCEPT',
  ]],
  ['nat', 'cali-POSTROUTING', [
    '-A cali-POSTROUTING -m comment --comment "cali:Z-c7XtVd2Bq7s_hA" -j cali-fip-snat',
    '-A cali-POSTROUTING -m comment --comment "cali:nYKhEzDlr11Jccal" -j cali-nat-outgoing',
  ]],
  ['nat', 'cali-PREROUTING', ['-A cali-PREROUTING -m comment --comment "cali:r6XmIziWUJsdOK6Z" -j cali-fip-dnat']],
  ['nat', 'cali-OUTPUT', ['-A cali-OUTPUT -m comment --comment "cali:GBTAv2p5CwevEyJm" -j cali-fip-dnat']],
  ['mangle', 'cali-PREROUTING', [
    '-A cali-PREROUTING -m comment --comment "cali:6BJqBjBC7crtA-7-" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A cali-PREROUTING -m comment --comment "cali:KX7AGNd6rMcDUai6" -m mark --mark 0x10000/0x10000 -j ACCEPT',
    '-A cali-PREROUTING -m comment --comment "cali:wNH7KsA3ILKJBsY9" -j cali-from-host-endpoint',
    '-A cali-PREROUTING -m comment --comment "cali:Cg96MgVuoPm7UMRo" -m comment --comment "Host endpoint policy accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT',
  ]],
  ['mangle', 'cali-POSTROUTING', [
    '-A cali-POSTROUTING -m comment --comment "cali:NX-7roTexQ3fGRfU" -m mark --mark 0x10000/0x10000 -j RETURN',
    '-A cali-POSTROUTING -m comment --comment "cali:JkYr4aB8O4_N8NBS" -j MARK --set-xmark 0x0/0x1b0000',
    '-A cali-POSTROUTING -m comment --comment "cali:nO0nbHA3Or7V6l7t" -m conntrack --ctstate DNAT -j cali-to-host-endpoint',
    '-A cali-POSTROUTING -m comment --comment "cali:mgxNjIoKySH7TEGH" -m comment --comment "Host endpoint policy accepted packet." -m mark --mark 0x10000/0x10000 -j RETURN',
  ]],
];

it('signs the chains of every node as Felix does', () => {
  for (const [table, chain, lines] of REAL) expect(linesOf(table, chain).slice(0, lines.length)).toEqual(lines);
});

it('leads to them from the chains of the kernel', () => {
  const lines = (table: TableName, chain: string): string[] =>
    HOOKS.filter((h) => h.table === table && h.chain === chain).flatMap((h) => h.rules.map((r) => formatRule(chain, r)));
  expect(lines('filter', 'INPUT')).toEqual(['-A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT']);
  expect(lines('filter', 'FORWARD')).toEqual([
    '-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD',
    '-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT',
    '-A FORWARD -m comment --comment "cali:mp77cMpurHhyjLrM" -j MARK --set-xmark 0x10000/0x10000',
  ]);
  expect(lines('nat', 'POSTROUTING')).toEqual(['-A POSTROUTING -m comment --comment "cali:0i8pjzKKPyA34aQD" -j cali-POSTROUTING']);
  expect(lines('raw', 'PREROUTING')).toEqual(['-A PREROUTING -m comment --comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING']);
});
