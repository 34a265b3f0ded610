// Benchmarks of the built page (`npm run build` first): what the first load weighs, and when it answers to a person.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const DIST = join(import.meta.dirname, '..', '..', 'dist');

/**
 * What the page does without until it shows a running cluster: Monaco; kubectl and the images of manifests (tools), which the worker loads
 * after that; dialogs and panels that are opened by hand; links and saved sessions (share); the language that was not chosen.
 */
const LATER = /monaco|editor\.worker|yaml\.worker|codicon|\.ttf$|schema\/|openapi|\/(About|NewCluster|manifests|yaml|tools|bridge-link|TerminalPanel|Payload|Inspector|EventsPanel|share|zh|zh-CN)-/i;

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

/** The page in one language and the worker with the cluster, each file gzipped, in kilobytes of 1,024 bytes. */
export function firstLoad(): number {
  const sizes = files(DIST)
    .filter((path) => !LATER.test(path) && !path.endsWith('.map'))
    .map((path) => gzipSync(readFileSync(path), { level: 9 }).length);
  return sizes.reduce((sum, size) => sum + size, 0) / 1024;
}

/** From navigation to a map with a Ready cluster, on a CPU slowed down four times, in milliseconds. */
export async function interactive(times: number): Promise<number[]> {
  const server = await preview({ root: join(DIST, '..'), logLevel: 'silent', preview: { host: '127.0.0.1', port: 4198 } });
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-quic'],
  });
  try {
    const values: number[] = [];
    for (let i = 0; i < times; i++) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
      const page = await context.newPage();
      const cdp = await context.newCDPSession(page);
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
      const begun = performance.now();
      await page.goto(server.resolvedUrls?.local[0] ?? '', { waitUntil: 'commit' });
      await page.locator('[data-testid="cluster-state"][data-state="running"]').waitFor({ timeout: 60_000 });
      await page.locator('[data-testid="pod"][data-state="ok"]').first().waitFor({ timeout: 60_000 });
      values.push(performance.now() - begun);
      await context.close();
    }
    return values;
  } finally {
    await browser.close();
    await server.close();
  }
}
