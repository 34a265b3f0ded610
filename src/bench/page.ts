// Benchmarks of the built page (`npm run build` first): what the first load weighs, and when it answers to a person.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { preview } from 'vite';

const DIST = join(import.meta.dirname, '..', '..', 'dist');

/** The code editor, which a plain one stands in for until it has come. */
const MONACO = /MonacoEditor|editor\.worker|yaml\.worker|codicon/;

/** What a person waits for: a running cluster, and its Pods on the map. */
const RUNNING = '[data-testid="cluster-state"][data-state="running"]';
const POD = '[data-testid="pod"][data-state="ok"]';

async function withPage<T>(measure: (browser: Browser, address: string) => Promise<T>): Promise<T> {
  const server = await preview({ root: join(DIST, '..'), logLevel: 'silent', preview: { host: '127.0.0.1', port: 4198 } });
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-quic'],
  });
  try {
    return await measure(browser, server.resolvedUrls?.local[0] ?? '');
  } finally {
    await browser.close();
    await server.close();
  }
}

const THERE = 'orrery bench: interactive';

/**
 * Opens the page and waits until it is interactive. The page itself says so, and when (milliseconds since 1970): a driver that asks
 * again and again would slow it down, and hear of it too late.
 */
async function untilInteractive(page: Page, address: string): Promise<number> {
  await page.addInitScript(
    ([running, pod, there]) => {
      const observer = new MutationObserver(() => {
        if (!document.querySelector(running as string) || !document.querySelector(pod as string)) return;
        observer.disconnect();
        console.debug(there, Date.now());
      });
      observer.observe(document, { subtree: true, childList: true, attributes: true });
    },
    [RUNNING, POD, THERE],
  );
  const [message] = await Promise.all([
    page.waitForEvent('console', { predicate: (said) => said.text().startsWith(THERE), timeout: 60_000 }),
    page.goto(address, { waitUntil: 'commit' }),
  ]);
  return Number(message.text().slice(THERE.length));
}

/** Everything but Monaco that the page and its worker ask for until it is interactive, each file gzipped, in kilobytes of 1,024 bytes. */
export async function firstLoad(): Promise<number> {
  return withPage(async (browser, address) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    const page = await context.newPage();
    const asked: { readonly path: string; readonly at: () => number }[] = [];
    context.on('request', (request) => asked.push({ path: new URL(request.url()).pathname, at: () => request.timing().startTime }));
    const there = await untilInteractive(page, address);
    const paths = new Set(asked.filter(({ path, at }) => at() <= there && !MONACO.test(path)).map(({ path }) => path));
    const weights = [...paths].map((path) => {
      const file = join(DIST, path === '/' ? 'index.html' : path);
      return existsSync(file) ? gzipSync(readFileSync(file), { level: 9 }).length : 0;
    });
    return weights.reduce((sum, weight) => sum + weight, 0) / 1024;
  });
}

/** From navigation to a map with a Ready cluster, on a CPU slowed down four times, in milliseconds. */
export async function interactive(times: number): Promise<number[]> {
  return withPage(async (browser, address) => {
    const values: number[] = [];
    for (let i = 0; i < times; i++) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
      const page = await context.newPage();
      const cdp = await context.newCDPSession(page);
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
      const begun = Date.now();
      values.push((await untilInteractive(page, address)) - begun);
      await context.close();
    }
    return values;
  });
}
