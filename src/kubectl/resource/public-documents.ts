// Manifests that kubectl reads from the internet: `-f https://…`. The host brings those that there are; any other address answers 404.

import type { Os } from '../../cluster/machine/process.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { MILLISECOND } from '../../cluster/sim/time.ts';
import { CommandError } from '../print/error.ts';

export interface PublicDocument {
  readonly url: RegExp;
  readonly text: string;
}

let documents: readonly PublicDocument[] = [];

/** To be called by the host once. */
export function providePublicDocuments(given: readonly PublicDocument[]): void {
  documents = given;
}

export const isUrl = (source: string): boolean => /^https?:\/\//.test(source);

/** Throws CommandError as kubectl does when the server has no such document. */
export function* readUrl(os: Os, url: string): Op<string> {
  const { sim, place } = os;
  const host = /^https?:\/\/([^/]+)/.exec(url)?.[1] ?? '';
  const latency = 90 * MILLISECOND;
  sim.trace.emit(sim.cause, { kind: 'http', verb: 'GET', from: place, to: `internet/${host}`, start: sim.now, end: sim.now + latency, detail: { url } });
  yield* os.sleep(2 * latency);
  const found = documents.find((document) => document.url.test(url));
  if (found === undefined) throw new CommandError(`unable to read URL ${JSON.stringify(url)}, server reported 404 Not Found, status code=404`);
  return found.text;
}
