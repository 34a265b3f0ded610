// What the browser tests do over and over, in a person's terms.

import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** Requests to other origins and errors on the console: there must be none. */
export function watchPage(page: Page): { readonly foreign: string[]; readonly errors: string[] } {
  const seen = { foreign: [] as string[], errors: [] as string[] };
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.hostname !== '127.0.0.1' && !['data:', 'blob:'].includes(url.protocol)) seen.foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') seen.errors.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  return seen;
}

/** Opens the page and waits until it shows a cluster that runs. */
export async function open(page: Page, path = ''): Promise<void> {
  await page.goto(`./${path}`);
  await expect(page.getByTestId('cluster-state')).toHaveAttribute('data-state', /running|paused|past/, { timeout: 60_000 });
}

/** Presses Share and gives the link that is then on the clipboard. */
export async function share(page: Page): Promise<string> {
  const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  await page.getByTestId('share').click();
  await expect.poll(copied).toContain('#s=');
  return copied();
}

/** Replaces the editor's text, as by select all and paste. */
export async function write(page: Page, text: string): Promise<void> {
  await page.getByTestId('tab-editor').click();
  const editor = page.getByTestId('monaco');
  await editor.locator('.view-lines').first().click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.evaluate(async (value) => {
    const data = new DataTransfer();
    data.setData('text/plain', value);
    document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
}

/** A Pod card or its list entry whose name starts with `prefix`, once it says Running. */
export const runningPods = (page: Page, prefix: string) => page.locator(`[data-testid="pod"][data-pod^="${prefix}"][data-state="ok"]`);

/** The number in `step k of n`. */
export async function position(page: Page): Promise<{ index: number; total: number }> {
  const text = (await page.getByTestId('position').textContent()) ?? '';
  const [index = 0, total = 0] = [...text.matchAll(/\d+/g)].map((m) => Number(m[0]));
  return { index, total };
}

/** Lets the cluster's clock run, as fast as a person may choose. */
export async function play(page: Page): Promise<void> {
  await page.getByTestId('play-mode').selectOption('clock');
  await page.getByTestId('speed').selectOption({ label: '10×' });
  await page.getByTestId('play').click();
}

/** Goes to the newest moment; the button is off while the page shows it already. */
export async function toLive(page: Page): Promise<void> {
  const live = page.getByTestId('live');
  if (await live.isEnabled()) await live.click();
}

/** What axe finds against WCAG 2.2 AA on the page as it is now. */
export async function violations(page: Page): Promise<string[]> {
  const results = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  return results.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary ?? ''}`));
}
