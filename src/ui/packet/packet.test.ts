// From an answer to steps on the map and sentences, in both languages.

import { describe, expect, it } from 'vitest';
import type { HopAction, Packet, PacketAnswer, PacketHop, PacketRow, PacketWay } from '../../session/protocol.ts';
import { en } from './en.ts';
import { failingStep, placesOf, stepsOf } from './steps.ts';
import { failureOf, hopText, lossText, outcomeText, stepText } from './words.ts';
import { zh } from './zh.ts';

const packet = (src: string, dst: string, dport = 80): Packet => ({ src, dst, protocol: 'tcp', sport: 60_999, dport });
const there = packet('10.244.1.4', '10.244.2.2');

const row = (action: HopAction, more: Partial<PacketRow> = {}): PacketRow => ({
  action, table: '', rule: '', comment: '', decisive: action !== 'send', before: there, after: there, choice: null, reason: null, asked: '', interface: '', ...more,
});
const hop = (machine: string, more: Partial<PacketHop>): PacketHop => ({
  machine, netns: 'host', pod: '', in: '', inPort: '', out: '', outPort: '', before: there, after: there, inner: null, rows: [], lost: false, ...more,
});

const envelope: Packet = { ...packet('192.168.66.21', '192.168.66.22', 8472), protocol: 'udp', outer: { src: '192.168.66.21', dst: '192.168.66.22', port: 8472, vni: 1 } };
const asked = packet('10.244.1.4', '10.96.0.20');

const HOPS: readonly PacketHop[] = [
  hop('worker-1', { pod: 'default/a', out: 'eth0', before: asked, after: asked, rows: [row('send'), row('route', { rule: 'default via 10.244.1.1 dev eth0', interface: 'eth0' }), row('transmit', { rule: 'peer host/veth1', interface: 'eth0' })] }),
  hop('worker-1', {
    in: 'cni0', inPort: 'veth1', out: 'flannel.1', before: asked,
    rows: [row('nat', { before: asked, rule: '-A KUBE-SEP-X -p tcp -j DNAT --to-destination 10.244.2.2:80' }), row('encapsulate', { interface: 'flannel.1', after: { ...there, outer: { src: '192.168.66.21', dst: '192.168.66.22', port: 8472 } } })],
  }),
  hop('worker-1', { out: 'eth0', before: envelope, after: envelope, inner: there, rows: [row('send'), row('transmit', { interface: 'eth0', rule: '192.168.66.22 lladdr x' })] }),
  hop('worker-2', {
    in: 'eth0', before: envelope, after: envelope, inner: there, lost: true,
    rows: [row('drop', { reason: 'dropped', table: 'filter/INPUT', rule: '-A INPUT -p udp -m udp --dport 8472 -j DROP' })],
  }),
];
const way: PacketWay = { packet: asked, hops: HOPS, delivered: false, reason: 'dropped', latency: 0, failure: { hop: 3, row: 0 }, tracked: [] };
const answer: PacketAnswer = {
  question: { from: 'pod/default/a', to: 'service/default/web', protocol: null, port: null }, record: 0, at: 0, problem: null, outcome: 'silent', dns: null, request: way, reply: null, receiver: '', commands: [],
};

describe('a packet on the page', () => {
  it('passes the places of the map in order', () => {
    expect(stepsOf(answer).map((s) => s.places)).toEqual([
      ['machine/worker-1/pod/default/a'],
      ['machine/worker-1/cni0', 'machine/worker-1/tables', 'machine/worker-1/flannel.1'],
      ['machine/worker-1/eth0'],
      ['machine/worker-2/eth0'],
    ]);
    expect(placesOf(hop('operator', { out: 'eth0' }))).toEqual(['machine/operator/kubectl', 'machine/operator/eth0']);
    expect(placesOf(hop('worker-3', { in: 'eth0' }))).toEqual(['machine/worker-3/eth0', 'machine/worker-3']);
    expect(failingStep(stepsOf(answer))).toBe(3);
  });

  it('says what happens at a hop, and why it is lost', () => {
    expect(HOPS.map((h) => hopText(en, h))).toEqual([
      'Pod a sends it to 10.96.0.20:80; the route to default leads to eth0; it leaves by eth0.',
      'worker-1 takes it in by cni0 (veth1); the destination becomes 10.244.2.2:80; flannel.1 puts it into an envelope to 192.168.66.22.',
      'worker-1 sends the envelope to 192.168.66.22:8472; it leaves by eth0.',
      'worker-2 takes the envelope in by eth0. A rule on worker-2 drops it; the sender hears nothing.',
    ]);
    expect(hopText(zh, HOPS[3] as PacketHop)).toBe('worker-2 从 eth0 收进信封。worker-2 上的一条规则丢弃了它，发送方什么也听不到。');
    expect(lossText(en, failureOf(answer)?.hop ?? hop('x', {}))).toBe('A rule on worker-2 drops it; the sender hears nothing.');
    expect([outcomeText(en, answer), outcomeText(zh, answer)]).toEqual(['It is lost and nobody says so: the sender waits until its patience ends.', '它丢失了，而且没有谁告知：发送方只能等到超时。']);
  });

  it('has a sentence for every loss, in both languages', () => {
    expect(Object.keys(zh.loss)).toEqual(Object.keys(en.loss));
    for (const reason of Object.keys(en.loss)) {
      for (const table of ['', 'filter/KUBE-SERVICES', 'neighbour', 'link', 'sysctl', 'bridge', 'qdisc', 'ipvs']) {
        const lost = hop('worker-1', { lost: true, rows: [row('drop', { reason: reason as NonNullable<PacketRow['reason']>, table, asked: '10.0.0.1', interface: 'eth0' })] });
        for (const words of [en, zh]) expect(lossText(words, lost)).toMatch(/^\S.*[.。]$/);
      }
    }
  });

  it('tells of a question to a name server', () => {
    const dns = { name: 'web.default.svc.cluster.local', type: 'A', server: '10.96.0.10', code: 'NXDOMAIN', answers: [], at: 0, took: 100, by: '', way: null };
    expect(stepText(en, { kind: 'dns', index: 0, dns, places: [] }, 'Pod a')).toBe('Pod a asks 10.96.0.10 for web.default.svc.cluster.local (A): there is no such name');
  });
});
