// The same session gives the same trace, in Node and in the browser.

import { expect, test } from '@playwright/test';
import { loadOpenApi } from '../src/bridge/openapi.ts';
import { Session } from '../src/session/session.ts';
import { tools } from '../src/session/tools.ts';
import { open } from './page.ts';
import type { SessionLog } from '../src/session/protocol.ts';

const LOG: SessionLog = {
  version: 1,
  seed: 7,
  topology: { controlPlanes: 1, workers: 2 },
  inputs: [
    {
      at: 60_000_000,
      action: {
        type: 'apply',
        text: 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - {name: web, image: nginx}\n',
      },
    },
    { at: 75_000_000, action: { type: 'kubectl', argv: ['scale', 'deployment', 'web', '--replicas=1'] } },
  ],
  until: 90_000_000,
};

test('the trace hash of a session is the same twice in Node, and in Chromium', async ({ page }) => {
  // The page's kubectl reads how to patch from the API server's OpenAPI documents.
  loadOpenApi();
  const here = new Session(LOG, tools).traceHash();
  expect(new Session(LOG, tools).traceHash()).toBe(here);
  expect(new Session({ ...LOG, seed: 8 }, tools).traceHash()).not.toBe(here);

  await open(page);
  // A second worker from the page's own script, spoken to as Comlink does.
  const there = await page.evaluate(async (log) => {
    const url = performance
      .getEntriesByType('resource')
      .map((entry) => entry.name)
      .find((name) => /\/worker-[^/]*\.js$/.test(name));
    if (!url) throw new Error('the worker script was not loaded');
    const worker = new Worker(url, { type: 'module' });
    const call = (path: string[], values: unknown[], transfer: Transferable[] = []): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const id = crypto.randomUUID();
        worker.addEventListener('message', (message: MessageEvent<{ id: string; type: string; value: unknown }>) => {
          if (message.data.id !== id) return;
          if (message.data.type === 'RAW') resolve(message.data.value);
          else reject(new Error(JSON.stringify(message.data.value)));
        });
        worker.postMessage({ id, type: 'APPLY', path, argumentList: values.map((value) => ({ type: 'RAW', value })) }, transfer);
      });
    const { port2 } = new MessageChannel();
    await call(['open'], [log, port2], [port2]);
    const hash = await call(['traceHash'], []);
    worker.terminate();
    return hash;
  }, LOG);
  expect(there).toBe(here);
});
