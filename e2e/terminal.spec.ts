// The terminal as a person uses it: types, completes, recalls, watches, interrupts, reloads.

import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { open, runningPods, watchPage } from './page.ts';

/** What stands on the screen: a row a line, as assistive technology reads it. */
const screen = (page: Page): Promise<string> => page.locator('.xterm-rows').innerText();

async function enter(page: Page, line: string): Promise<void> {
  await page.keyboard.type(line);
  await page.keyboard.press('Enter');
}

test('kubectl in the terminal', async ({ page }) => {
  const seen = watchPage(page);
  await open(page);
  await expect(runningPods(page, 'kube-apiserver')).toHaveCount(1);
  await page.getByTestId('tab-terminal').click();
  await expect.poll(() => screen(page)).toContain('root@operator:~#');

  await test.step('a command answers, and what it did is on the map and in the flow', async () => {
    await enter(page, 'kubectl create deployment shop --image=nginx --replicas=2');
    await expect.poll(() => screen(page)).toContain('deployment.apps/shop created');
    await expect(runningPods(page, 'shop-')).toHaveCount(2, { timeout: 60_000 });
  });

  await test.step('Tab completes, the arrow recalls', async () => {
    await page.keyboard.type('kubectl get deploym');
    await page.keyboard.press('Tab');
    await expect.poll(() => screen(page)).toContain('kubectl get deployments');
    await page.keyboard.press('Enter');
    await expect.poll(() => screen(page)).toMatch(/shop\s+2\/2/);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Control+U');
  });

  await test.step('a watch goes on until ^C', async () => {
    await enter(page, 'clear; kubectl get pods -w');
    await expect.poll(() => screen(page)).toContain('shop-');
    await page.keyboard.press('Control+C');
    await expect.poll(() => screen(page)).toMatch(/\^C\s+root@operator:~#\s*$/);
    await enter(page, 'echo it is $((6 * 7))');
    await expect.poll(() => screen(page)).toContain('it is 42');
  });

  await test.step('everything is there after a reload', async () => {
    await page.reload();
    await page.getByTestId('tab-terminal').click();
    await expect.poll(() => screen(page), { timeout: 30_000 }).toContain('it is 42');
  });

  const { violations } = await new AxeBuilder({ page }).include('[data-testid="terminal"]').analyze();
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
  expect(seen.foreign).toEqual([]);
  expect(seen.errors).toEqual([]);
});
