// Raft against its transcripts. `UPDATE=1 npx vitest run src/cluster/etcd` writes them anew; review the difference.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry, Message } from './messages.ts';
import { Raft } from './raft.ts';
import { Transcript } from './transcript.ts';

const folder = fileURLToPath(new URL('./testdata/', import.meta.url));

test.each(readdirSync(folder).sort())('%s', (file) => {
  const text = readFileSync(folder + file, 'utf8');
  const played = play(text);
  if (process.env['UPDATE']) writeFileSync(folder + file, played);
  expect(played).toBe(process.env['UPDATE'] ? played : text);
});

/** Blocks of: comments, command, `----`, output; divided by empty lines. */
function play(text: string): string {
  const transcript = new Transcript();
  const blocks = text.trimEnd().split(/\n\n+/);
  const out = blocks.map((block) => {
    const lines = block.split('\n');
    const comments = lines.filter((line) => line.startsWith('#'));
    const command = lines.find((line) => !line.startsWith('#'));
    if (command === undefined) return block;
    return [...comments, command, '----', transcript.run(command)].join('\n');
  });
  return `${out.join('\n\n')}\n`;
}

/** Any schedule of ticks, proposals, deliveries, losses and restarts: what is applied is the same everywhere. */
test('members never apply different entries, whatever is lost or late', () => {
  const act = fc.tuple(fc.constantFrom('tick', 'propose', 'deliver', 'lose', 'restart', 'process'), fc.nat(2), fc.nat(40));
  fc.assert(
    fc.property(fc.array(act, { minLength: 50, maxLength: 400 }), (acts) => {
      const members = [1, 2, 3];
      const applied = new Map<number, Entry[]>(members.map((id) => [id, []]));
      const rafts = new Map(members.map((id) => [id, new Raft({ id, members, random: (bound) => (id * 7) % bound })]));
      const disk = new Map<number, { hardState: { term: number; vote: number; commit: number }; entries: Entry[] }>(
        members.map((id) => [id, { hardState: { term: 0, vote: 0, commit: 0 }, entries: [] }]),
      );
      const wire: Message[] = [];
      const process = (id: number): void => {
        const raft = rafts.get(id) as Raft;
        if (!raft.hasReady()) return;
        const ready = raft.ready();
        const d = disk.get(id) as { hardState: { term: number; vote: number; commit: number }; entries: Entry[] };
        if (ready.hardState) d.hardState = ready.hardState;
        const first = ready.entries[0];
        if (first) d.entries = [...d.entries.slice(0, first.index - 1), ...ready.entries];
        wire.push(...ready.messages);
        applied.get(id)?.push(...ready.committed);
        raft.advance(ready);
      };
      let n = 0;
      for (const [what, who, which] of acts) {
        const id = who + 1;
        if (what === 'tick') for (let i = 0; i < 3; i++) (rafts.get(id) as Raft).tick();
        else if (what === 'propose') (rafts.get(id) as Raft).propose(`p${n++}`);
        else if (what === 'process') process(id);
        else if (what === 'restart') {
          const d = disk.get(id) as { hardState: { term: number; vote: number; commit: number }; entries: Entry[] };
          const log = { snapshot: { index: 0, term: 0, data: null }, entries: d.entries };
          const done = applied.get(id)?.length ?? 0;
          rafts.set(id, new Raft({ id, members, random: (bound) => (id * 7) % bound, hardState: d.hardState, log, applied: done }));
        } else {
          for (const m of members) process(m);
          const index = which % Math.max(1, wire.length);
          const taken = wire.splice(0, index + 1);
          if (what === 'deliver') for (const m of taken) (rafts.get(m.to) as Raft).step(m);
        }
      }
      const logs = [...applied.values()];
      const longest = logs.reduce((a, b) => (b.length > a.length ? b : a));
      for (const log of logs) {
        for (const [i, entry] of log.entries())
          expect([entry.index, entry.term, entry.data]).toEqual([i + 1, longest[i]?.term, longest[i]?.data]);
      }
    }),
    { numRuns: 60, seed: 36 },
  );
});
