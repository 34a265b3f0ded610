// The keys that end an attached session: what is typed is held back while it may become them (kubectl/pkg/util/term's
// detachable reader, moby/term).

import { Channel } from '../../cluster/sim/channel.ts';
import type { Op, Simulation } from '../../cluster/sim/simulation.ts';
import { CommandError } from '../print/error.ts';

/** The person has left the session. */
export class DetachError extends Error {}

/** `ctrl-p,ctrl-q` → the two characters. Throws CommandError. */
function keysOf(text: string): string {
  return text
    .split(',')
    .map((key) => {
      if (key.length === 1) return key;
      const letter = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
      if (letter === undefined) throw new CommandError(`could not bind detach keys: Unknown character: '${key}'`);
      return String.fromCharCode(letter.toUpperCase().charCodeAt(0) - 64);
    })
    .join('');
}

export interface Detachable {
  readonly read: () => Op<string | undefined>;
  /** Hears of it. */
  readonly detached: Channel<DetachError>;
}

export function detachable(sim: Simulation, input: () => Op<string | undefined>, keys: string): Detachable {
  const sequence = keysOf(keys);
  const detached = new Channel<DetachError>(sim);
  let matched = 0;
  const read = function* (): Op<string | undefined> {
    for (;;) {
      const text = yield* input();
      if (text === undefined) return undefined;
      let out = '';
      for (const key of text) {
        if (key === sequence[matched]) matched++;
        else {
          out += sequence.slice(0, matched) + key;
          matched = 0;
        }
        if (matched < sequence.length) continue;
        detached.send(new DetachError('read escape sequence'));
        return undefined;
      }
      if (out !== '') return out;
    }
  };
  return { read, detached };
}
