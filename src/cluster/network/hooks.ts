// What netfilter makes of a packet in the namespace where it is: connection tracking, address translation, filters, of iptables and
// of nftables. The walk (walk.ts) leads it from hook to hook.

import type { Micros } from '../sim/time.ts';
import { choiceOf } from './choice.ts';
import { evaluate, type Verdict } from './compile.ts';
import { type ConntrackEntry, firstTimeout, formatConntrack, refresh, type Tuple } from './conntrack.ts';
import type { Interface } from './device.ts';
import { parseIp } from './ip.ts';
import { formatRule } from './iptables-format.ts';
import type { TableName, Target } from './netfilter.ts';
import type { Netns } from './netns.ts';
import type { NftSink, NftTable } from './nftables.ts';
import type { Packet } from './packet.ts';
import { type HopFacts, NO_FACTS, OFF, Passage } from './passage.ts';

export class Hooks extends Passage {
  protected track(): void {
    const netns = this.here as Netns;
    if (this.about !== null) return this.trackError(netns, this.about);
    this.ctState = 'NEW';
    this.ctDnat = false;
    if (netns.rulesIfAny === null) {
      this.tracking = OFF;
      return;
    }
    const now = netns.machine.sim.now;
    const side = this.live ? netns.conntrack.find(this, now) : this.entryFor(netns, now);
    if (side === undefined) {
      this.tracking = { kind: 'new', original: { src: this.src, dst: this.dst, sport: this.sport, dport: this.dport }, dnat: false, snat: false, done: false };
      return;
    }
    const { entry, isReply } = side;
    this.tracking = { kind: 'known', entry, isReply };
    this.metKnown = true;
    if (!isReply || entry.dnat || entry.snat) this.metTranslated = true;
    this.ctDnat = entry.dnat;
    if (this.live && this.protocol !== 'tcp') refresh(entry, isReply, now);
    if (isReply || (entry.state !== 'SYN_SENT' && entry.state !== 'UNREPLIED')) this.ctState = 'ESTABLISHED';
  }

  /** The same for a packet that nobody sends: not even what has expired is forgotten. */
  private entryFor(netns: Netns, now: Micros): { readonly entry: ConntrackEntry; readonly isReply: boolean } | undefined {
    const side = netns.conntrack.find(this, Number.NEGATIVE_INFINITY);
    if (side !== undefined && side.entry.expires > now) return side;
    const is = (t: Tuple): boolean => t.src === this.src && t.dst === this.dst && t.sport === this.sport && t.dport === this.dport;
    for (const { netns: where, entry } of this.asked?.tracked ?? []) {
      if (where !== netns || entry.protocol !== this.protocol) continue;
      if (is(entry.original)) return { entry, isReply: false };
      if (is(entry.reply)) return { entry, isReply: true };
    }
    return undefined;
  }

  /** The row of connection tracking, as conntrack(8) prints it. */
  private entryRow(entry: ConntrackEntry): HopFacts {
    if (this.hops === null) return NO_FACTS;
    return { table: 'conntrack', rule: formatConntrack({ list: () => [entry] }, (this.here as Netns).machine.sim.now).trim() };
  }

  /** An ICMP error is related to the connection that it tells of, and is translated as that (nf_nat_icmp_reply_translation). */
  private trackError(netns: Netns, about: Packet): void {
    const { protocol, src, dst, sport, dport } = about;
    this.tracking = OFF;
    const answer = { protocol, src: dst, srcInt: parseIp(dst), dst: src, dstInt: parseIp(src), sport: dport, dport: sport };
    const side = netns.rulesIfAny === null ? undefined : netns.conntrack.find(answer, netns.machine.sim.now);
    this.ctState = side === undefined ? 'NEW' : 'RELATED';
    if (side === undefined) return;
    const { original, reply } = side.entry;
    const [to, of] = side.isReply ? [original.src, original] : [reply.src, reply];
    this.about = { protocol, ...of };
    this.setDestination(to, this.dport);
  }

  /** nat at PREROUTING and OUTPUT. False when the packet was lost. */
  protected translateDestination(hook: 'PREROUTING' | 'OUTPUT'): boolean {
    const t = this.tracking;
    if (t.kind === 'off') return true;
    if (t.kind === 'known') {
      const { entry, isReply } = t;
      if (isReply ? entry.snat : entry.dnat) {
        const before = this.snapshot();
        if (isReply) this.setDestination(entry.original.src, entry.original.sport);
        else this.setDestination(entry.reply.src, entry.reply.sport);
        this.hop('conntrack', this.entryRow(entry), before);
      }
      return true;
    }
    const { conntrack, machine } = this.here as Netns;
    if (conntrack.full && this.live && !conntrack.makeRoom(machine.sim.now)) {
      this.drop('dropped', { table: 'conntrack', rule: 'table full, dropping packet' });
      return false;
    }
    const before = this.snapshot();
    if ((this.here as Netns).rulesIfAny?.nft != null && !this.passesNft(hook, true)) return false;
    const verdict = this.run('nat', hook);
    if (verdict === null) return true;
    const { target } = verdict;
    if (target.kind === 'dnat') {
      this.setDestination(target.address, target.port ?? this.dport);
      this.ctDnat = true;
      t.dnat = true;
      if (this.hops !== null) this.hop('nat', { table: `nat/${verdict.chain}`, rule: verdict.text ?? formatRule(verdict.chain, verdict.rule) }, before);
    }
    if (target.kind === 'drop') {
      this.drop('dropped', { table: `nat/${verdict.chain}`, rule: verdict.text ?? formatRule(verdict.chain, verdict.rule) });
      return false;
    }
    return true;
  }

  /** nat at POSTROUTING; then the connection's two faces are known. */
  protected translateSource(hook: 'POSTROUTING', out: Interface): void {
    const t = this.tracking;
    if (t.kind === 'off') return;
    if (t.kind === 'known') {
      this.restoreSource(t.entry, t.isReply);
      return;
    }
    const before = this.snapshot();
    const verdict = this.run('nat', hook);
    const target = verdict?.target;
    if (verdict !== null && (target?.kind === 'masquerade' || target?.kind === 'snat')) {
      const source = target.kind === 'snat' ? target.address : (out.primary ?? this.src);
      this.setSource(source, target.randomFully === true ? this.randomPort(source) : this.sport);
      t.snat = true;
      if (this.hops !== null) this.hop('nat', { table: `nat/${verdict.chain}`, rule: verdict.text ?? formatRule(verdict.chain, verdict.rule) }, before);
    }
    this.finishTracking();
  }

  /** What a known connection's packets come from: at POSTROUTING, and at INPUT for answers to this host. */
  protected restoreSource(entry: ConntrackEntry, isReply: boolean): void {
    if (isReply ? !entry.dnat : !entry.snat) return;
    const before = this.snapshot();
    if (isReply) this.setSource(entry.original.dst, entry.original.dport);
    else this.setSource(entry.reply.dst, entry.reply.dport);
    this.hop('conntrack', this.entryRow(entry), before);
  }

  /** A port for a masqueraded connection such that answers stay distinct. */
  protected randomPort(source: string): number {
    if (this.protocol === 'icmp') return this.sport;
    const netns = this.here as Netns;
    for (let tries = 0; tries < 32; tries++) {
      const port = 1_024 + Math.floor(this.choose() * 64_512);
      const reply: Tuple = { src: this.dst, dst: source, sport: this.dport, dport: port };
      if (!this.live || !netns.conntrack.taken(this.protocol, reply, netns.machine.sim.now)) return port;
    }
    return this.sport;
  }

  protected finishTracking(): void {
    const t = this.tracking;
    if (t.kind !== 'new' || t.done) return;
    t.done = true;
    const netns = this.here as Netns;
    let sport = this.sport;
    const now = netns.machine.sim.now;
    // Two connections whose answers would look alike: the later one gets another source port.
    while (netns.conntrack.taken(this.protocol, { src: this.dst, dst: this.src, sport: this.dport, dport: sport }, now) && sport < 65_535) sport++;
    if (sport !== this.sport) {
      this.sport = sport;
      t.snat = true;
    }
    (this.tracked ??= []).push({
      netns,
      entry: {
        protocol: this.protocol,
        original: t.original,
        reply: { src: this.dst, dst: this.src, sport: this.dport, dport: this.sport },
        dnat: t.dnat,
        snat: t.snat,
        expires: now + firstTimeout(netns.conntrack, this.protocol),
        state: this.protocol === 'tcp' ? 'SYN_SENT' : 'UNREPLIED',
        since: now,
        table: null,
      },
    });
  }

  /** The filter table. False when the packet was lost. */
  protected passes(hook: 'INPUT' | 'FORWARD' | 'OUTPUT'): boolean {
    const verdict = this.run('filter', hook);
    const row = verdict === null || this.hops === null ? NO_FACTS : { table: `filter/${verdict.chain}`, rule: verdict.chain === POLICY ? `-P ${hook} DROP` : formatRule(verdict.chain, verdict.rule) };
    if (verdict !== null) this.hop('filter', row);
    if (verdict === null || verdict.target.kind === 'accept') return (this.here as Netns).rulesIfAny?.nft == null || this.passesNft(hook, false);
    this.refuse(verdict.target, row);
    return false;
  }

  /** The filters of nftables. */
  protected passesNft(hook: string, early: boolean): boolean {
    const table = (this.here as Netns).rulesIfAny?.nft as NftTable;
    const result = table.run('filter', hook.toLowerCase(), early, this, this.nftSink('filter'));
    const row = result === null ? NO_FACTS : { table: `filter/${result.chain}`, rule: result.text };
    if (result !== null) this.hop('filter', row);
    if (result === null || result.target.kind === 'accept') return true;
    this.refuse(result.target, row);
    return false;
  }

  private nftSink(action: 'nat' | 'filter'): NftSink | null {
    return this.hops === null ? null : (chain, text) => this.hop(action, { table: `${action}/${chain}`, rule: text });
  }

  private refuse(target: Target, row: HopFacts): void {
    if (target.kind === 'reject') {
      this.drop(target.with === 'tcp-reset' ? 'reset' : target.with === 'icmp-admin-prohibited' ? 'prohibited' : target.with === 'icmp-host-prohibited' ? 'host-unreachable' : 'rejected', row);
    } else {
      this.drop('dropped', row);
    }
  }

  protected run(table: TableName, hook: string): Verdict | null {
    const rules = (this.here as Netns).rulesIfAny;
    const chain = rules?.compiled(table, hook);
    if (rules === null || chain == null) return null;
    const hops = this.hops;
    const sink =
      hops === null
        ? null
        : (t: TableName, name: string, rule: Parameters<typeof formatRule>[1]): void => {
            const { kind } = rule.target;
            if (kind !== 'jump' && kind !== 'goto' && kind !== 'mark') return;
            const choice = kind === 'mark' ? null : choiceOf(rules, t, name, rule);
            this.hop(t === 'nat' ? 'nat' : 'filter', { table: `${t}/${name}`, rule: formatRule(name, rule), ...(choice === null ? {} : { choice }) });
          };
    const verdict = evaluate(rules, table, chain, this, sink);
    if (verdict === null && table === 'nat' && rules.nft !== null) {
      const found = rules.nft.run('nat', hook.toLowerCase(), false, this, this.nftSink('nat'));
      return found === null ? null : { target: found.target, rule: { target: found.target }, chain: found.chain, text: found.text };
    }
    if (verdict === null && chain.policy === 'DROP') return { target: { kind: 'drop' }, rule: { target: { kind: 'drop' } }, chain: POLICY };
    return verdict;
  }
}

const POLICY = '(policy)';
