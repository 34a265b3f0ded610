// Reading rules back: what iptables-save prints is read to the same rule; mistakes in iptables' words. tcpdump's filters.

import { expect, test } from 'vitest';
import { formatRule } from '../network/iptables-format.ts';
import { parseRule, wordsOf } from './iptables-parse.ts';
import { parseFilter } from './tcpdump-filter.ts';

test('a rule as it is typed and as it is saved', () => {
  const saved = (text: string): string => formatRule('X', parseRule(wordsOf(text)));
  expect(saved('-p udp --dport 8472 -j DROP')).toBe('-A X -p udp -m udp --dport 8472 -j DROP');
  expect(saved('-m comment --comment "a b" -m tcp -p tcp -d 10.0.0.1 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ')).toBe(
    '-A X ! -s 10.0.0.0/8 -d 10.0.0.1/32 -p tcp -m comment --comment "a b" -m tcp --dport 80 -j KUBE-MARK-MASQ',
  );
  const lines = [
    '-A X -m mark ! --mark 0x4000/0x4000 -j RETURN', '-A X -j MARK --set-xmark 0x4000/0x0', '-A X -m statistic --mode random --probability 0.33333333349 -j Y',
    '-A X -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP', '-A X -p tcp -m comment --comment "a/b" -m tcp -j DNAT --to-destination 10.0.0.1:80',
    '-A X -m comment --comment c -m recent --rcheck --seconds 10800 --reap --name N --mask 255.255.255.255 --rsource -j N',
    '-A X -i cni+ ! -o eth0 -j REJECT --reject-with icmp-port-unreachable', '-A X -m addrtype --dst-type LOCAL -j Y', '-A X -j MASQUERADE --random-fully',
  ];
  for (const line of lines) expect(saved(line.slice(5))).toBe(line);
});

test('mistakes', () => {
  const told = (text: string): string => {
    try {
      parseRule(wordsOf(text));
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect([told('--dport 80 -j DROP'), told('-p tpc -j DROP'), told('-m limits -j DROP'), told('-s 10.0.0 -j DROP'), told('-p tcp --dport http -j DROP')]).toEqual([
    'unknown option "--dport"', 'unknown protocol "tpc" specified', "Couldn't load match `limits':No such file or directory", "host/network `10.0.0' not found",
    "invalid port/service `http' specified",
  ]);
});

test('filters of tcpdump', () => {
  const packet = { src: '10.244.1.4', dst: '10.96.0.10', protocol: 'udp', sport: 40_000, dport: 53 } as const;
  const fits = (text: string): boolean => parseFilter(text.split(' '))(packet);
  expect(['udp port 53', 'host 10.244.1.4', 'src host 10.244.1.4 and dst port 53', 'net 10.96.0.0/12', 'not tcp', 'host 1.2.3.4 or port domain', '( tcp or udp ) and not port 80'].map(fits)).toEqual(Array(7).fill(true));
  expect(['tcp port 53', 'dst host 10.244.1.4', 'src port 53', 'icmp', 'port 53 and not host 10.96.0.10', 'portrange 1-52'].map(fits)).toEqual(Array(6).fill(false));
});
