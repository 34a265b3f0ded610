// Plays a transcript of Raft commands (testdata/*.txt) on a few members with perfect memory and says what they did.
// The format is that of etcd-io/raft's interaction tests: a command, `----`, what was printed.

import type { Message } from './messages.ts';
import type { Ready } from './options.ts';
import { Raft } from './raft.ts';

/** Runs one command per line; returns what is printed below each. */
export class Transcript {
  readonly #members = new Map<number, Raft>();
  /** Messages on their way. */
  #wire: Message[] = [];
  /** Members that hear and are heard by nobody. */
  readonly #cut = new Set<number>();
  readonly #applied = new Map<number, unknown[]>();
  #out: string[] = [];

  run(command: string): string {
    this.#out = [];
    const [verb, ...args] = command.split(' ') as [string, ...string[]];
    const id = Number(args[0]);
    switch (verb) {
      case 'members':
        this.#create(Number(args[0]));
        break;
      case 'tick':
        for (let i = 0; i < Number(args[1] ?? 1); i++) this.#member(id).tick();
        break;
      case 'campaign':
        this.#member(id).campaign();
        break;
      case 'propose':
        if (!this.#member(id).propose(args[1])) this.#print('dropped: no leader');
        break;
      case 'read':
        if (!this.#member(id).readIndex(Number(args[1]))) this.#print('dropped: no leader');
        break;
      case 'transfer':
        this.#member(id).transferLeadership(Number(args[1]));
        break;
      case 'cut':
        this.#cut.add(id);
        break;
      case 'heal':
        this.#cut.delete(id);
        break;
      case 'restart':
        this.#restart(id);
        break;
      case 'compact':
        this.#member(id).log.compact(Number(args[1]));
        break;
      case 'process':
        this.#process(id);
        break;
      case 'stabilize':
        this.#stabilize();
        break;
      case 'status':
        for (const [other, raft] of this.#members) this.#print(describe(other, raft));
        return this.#out.join('\n');
      default:
        throw new Error(`unknown command ${verb}`);
    }
    return this.#out.length === 0 ? 'ok' : this.#out.join('\n');
  }

  #create(count: number): void {
    const members = Array.from({ length: count }, (_, i) => i + 1);
    for (const id of members) this.#start(id, members);
  }

  #start(id: number, members: readonly number[], from?: Raft): void {
    const snapshot = (raft: Raft) => () => ({
      index: raft.log.applied,
      term: raft.log.term(raft.log.applied) ?? 0,
      data: [...(this.#applied.get(id) ?? [])],
    });
    const raft: Raft = new Raft({
      id,
      members,
      // Nobody's election timeout is stretched but by its id, so that transcripts read simply.
      random: () => id - 1,
      snapshot: () => snapshot(raft)(),
      ...(from
        ? {
            hardState: { term: from.term, vote: from.vote, commit: from.log.committed },
            log: {
              snapshot: { index: from.log.firstIndex - 1, term: from.log.term(from.log.firstIndex - 1) ?? 0, data: null },
              entries: from.log.slice(from.log.firstIndex, from.log.stable),
            },
            applied: from.log.applied,
          }
        : {}),
    });
    this.#members.set(id, raft);
    if (!this.#applied.has(id)) this.#applied.set(id, []);
  }

  #restart(id: number): void {
    const before = this.#member(id);
    this.#wire = this.#wire.filter((m) => m.to !== id);
    this.#start(id, before.members, before);
  }

  #member(id: number): Raft {
    const raft = this.#members.get(id);
    if (!raft) throw new Error(`no member ${id}`);
    return raft;
  }

  #stabilize(): void {
    for (let rounds = 0; rounds < 100; rounds++) {
      let busy = false;
      for (const id of this.#members.keys()) busy = this.#process(id) || busy;
      const mail = this.#wire;
      this.#wire = [];
      for (const m of mail) {
        if (this.#cut.has(m.from) || this.#cut.has(m.to)) {
          this.#print(`lost ${letter(m)}`);
          continue;
        }
        this.#print(letter(m));
        this.#member(m.to).step(m);
        busy = true;
      }
      if (!busy) return;
    }
    throw new Error('does not settle');
  }

  #process(id: number): boolean {
    const raft = this.#member(id);
    if (!raft.hasReady()) return false;
    const ready = raft.ready();
    this.#report(id, raft, ready);
    if (ready.snapshot) this.#applied.set(id, [...(ready.snapshot.data as unknown[])]);
    for (const entry of ready.committed) if (entry.data !== null) this.#applied.get(id)?.push(entry.data);
    this.#wire.push(...ready.messages);
    raft.advance(ready);
    return true;
  }

  #report(id: number, raft: Raft, ready: Ready): void {
    const parts = [`${raft.role}`];
    if (ready.hardState) parts.push(`term ${ready.hardState.term} vote ${ready.hardState.vote} commit ${ready.hardState.commit}`);
    if (ready.snapshot) parts.push(`install snapshot ${ready.snapshot.index}/${ready.snapshot.term}`);
    if (ready.entries.length > 0) parts.push(`write ${ready.entries.map((e) => `${e.index}/${e.term} ${e.data ?? '""'}`).join(', ')}`);
    if (ready.committed.length > 0) parts.push(`apply ${ready.committed.map((e) => `${e.index}/${e.term} ${e.data ?? '""'}`).join(', ')}`);
    for (const read of ready.reads) parts.push(`read ${read.context} at ${read.index}`);
    this.#print(`${id}: ${parts.join('; ')}`);
  }

  #print(line: string): void {
    this.#out.push(line);
  }
}

function describe(id: number, raft: Raft): string {
  return `${id}: ${raft.role} term ${raft.term} leader ${raft.leader} last ${raft.log.lastIndex} commit ${raft.log.committed} applied ${raft.log.applied}`;
}

function letter(m: Message): string {
  const head = `${m.from}->${m.to}`;
  switch (m.type) {
    case 'vote':
      return `${head} ${m.pre ? 'pre-vote' : 'vote'}? term ${m.term} log ${m.lastIndex}/${m.lastTerm}`;
    case 'voteResponse':
      return `${head} ${m.pre ? 'pre-vote' : 'vote'} ${m.granted ? 'yes' : 'no'} term ${m.term}`;
    case 'append':
      return `${head} append after ${m.index}/${m.logTerm} [${m.entries.map((e) => `${e.index}/${e.term}`).join(' ')}] commit ${m.commit}`;
    case 'appendResponse':
      return `${head} ${m.rejected ? `rejects ${m.index}, hint ${m.hint}/${m.hintTerm}` : `has ${m.index}`}`;
    case 'heartbeat':
      return `${head} heartbeat commit ${m.commit}${m.read > 0 ? ` read ${m.read}` : ''}`;
    case 'heartbeatResponse':
      return `${head} alive${m.read > 0 ? ` read ${m.read}` : ''}`;
    case 'snapshot':
      return `${head} snapshot ${m.snapshot.index}/${m.snapshot.term}`;
    case 'propose':
      return `${head} propose ${m.data.join(' ')}`;
    case 'readIndex':
      return `${head} read? ${m.context}`;
    case 'readIndexResponse':
      return `${head} read ${m.context} at ${m.index}`;
    case 'timeoutNow':
      return `${head} campaign now`;
  }
}
