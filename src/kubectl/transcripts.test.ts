// Command lines and what they print, checked in as text: testdata/*.txt. `UPDATE=1 npx vitest run src/kubectl/transcripts.test.ts`
// writes them anew; read the difference before you keep it.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ADDRESS, Testbed } from '../cluster/apiserver/testbed.ts';
import { replay, Terminal } from './testing/terminal.ts';

const FOLDER = fileURLToPath(new URL('./testdata/', import.meta.url));

describe('transcripts', () => {
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
    it(`replays ${name}`, () => {
      const kept = readFileSync(FOLDER + name, 'utf8');
      const bed = new Testbed().boot();
      bed.request('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
      const now = replay(new Terminal(bed.machine, ADDRESS, bed.admin), kept);
      if (process.env['UPDATE']) writeFileSync(FOLDER + name, now);
      else expect(now).toBe(kept);
    });
  }
});
