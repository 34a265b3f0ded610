// What a teacher does in the first five minutes, with a manifest that is not in the sources.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { open, play, position, runningPods, share, toLive, violations, watchPage, write } from './page.ts';

const CORPUS = join(import.meta.dirname, '..', '..', 'shared', 'corpus', 'manifests', 'kubernetes__website-2021', 'application', 'deployment.yaml');
const OWN = join(import.meta.dirname, 'manifests', 'shop.yaml');
const manifest = readFileSync(existsSync(CORPUS) ? CORPUS : OWN, 'utf8');
const name = /^ {2}name: (\S+)/m.exec(manifest)?.[1] ?? '';
const replicas = Number(/replicas: (\d+)/.exec(manifest)?.[1]);

const SHOTS = join(import.meta.dirname, '..', 'test-results', 'shots');
mkdirSync(SHOTS, { recursive: true });

test('the first five minutes of a teacher', async ({ page, context }) => {
  const seen = watchPage(page);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);

  await test.step('opens the page and sees a living cluster', async () => {
    await open(page);
    await expect(page.getByTestId('machine')).toHaveCount(5);
    await expect(runningPods(page, 'kube-apiserver')).toHaveCount(1);
    await expect(runningPods(page, 'kube-flannel-ds')).toHaveCount(4);
    await page.screenshot({ path: join(SHOTS, 'first.png') });
  });

  await test.step('pastes a Deployment and applies it', async () => {
    await write(page, manifest);
    await page.getByTestId('apply').click();
    await expect(page.getByTestId('answer')).toContainText(`deployment.apps/${name} created`);
    await expect.poll(async () => (await position(page)).total).toBeGreaterThan(10);
  });

  let last = 0;
  await test.step('walks on, step by step, until the Pods are Ready', async () => {
    const first = await position(page);
    for (let i = 0; i < 5; i++) await page.getByTestId('step-next').click();
    await expect.poll(async () => (await position(page)).index).toBe(first.index + 5);
    await expect(page.getByTestId('caption')).not.toBeEmpty();
    await page.getByTestId('level').selectOption('phase');
    for (const phase of ['Intent', 'Decide', 'Realise', 'Report']) {
      await expect(async () => {
        if (!(await page.getByTestId('position').textContent())?.includes(phase)) await page.getByTestId('step-next').click();
        await expect(page.getByTestId('position')).toContainText(phase, { timeout: 2_000 });
      }).toPass();
    }
    await page.getByTestId('level').selectOption('call');
    await play(page);
    await expect(runningPods(page, name)).toHaveCount(replicas, { timeout: 60_000 });
    await page.getByTestId('play').click();
    await page.getByTestId('step').last().click();
    last = (await position(page)).index;
    expect(last).toBeGreaterThan(10);
  });

  await test.step('goes back with one key: fewer Pods are Ready, and the clock stands earlier', async () => {
    const clock = page.getByTestId('clock');
    const late = await clock.textContent();
    await page.getByTestId('map').click({ position: { x: 5, y: 5 } });
    for (let i = 0; i < 12; i++) await page.keyboard.press('PageUp');
    await expect.poll(async () => (await position(page)).index).toBeLessThan(last - 5);
    expect((await clock.textContent()) ?? '').not.toBe(late);
    await page.keyboard.press('PageDown');
  });

  await test.step('scrubs to the start and to the end', async () => {
    const scrub = page.getByTestId('scrub');
    await scrub.focus();
    await page.keyboard.press('Home');
    await expect(runningPods(page, name)).toHaveCount(0);
    await toLive(page);
    await expect(runningPods(page, name)).toHaveCount(replicas);
  });

  await test.step('looks into a Pod', async () => {
    await runningPods(page, name).first().click();
    await expect(page.getByTestId('inspector')).toContainText('image: ');
    await expect(page.getByTestId('inspector')).toContainText('Scheduled');
    await page.getByTestId('tab-events').click();
    await expect(page.getByTestId('event').first()).toBeVisible();
  });

  await test.step('reloads: everything is as it was', async () => {
    await page.reload();
    await open(page);
    await expect(runningPods(page, name)).toHaveCount(replicas);
    await page.getByTestId('tab-editor').click();
    await expect(page.getByTestId('monaco')).toContainText(name);
  });

  await test.step('shares a link; a fresh browser shows the same', async () => {
    const link = await share(page);
    await expect(page.getByTestId('notices')).not.toBeEmpty();
    const other = await context.browser()?.newContext({ viewport: { width: 1280, height: 720 }, locale: 'en-US' });
    const guest = await other?.newPage();
    if (!other || !guest) throw new Error('no second browser');
    await guest.goto(link);
    await expect(runningPods(guest, name)).toHaveCount(replicas);
    await other.close();
  });

  await test.step('switches to Chinese and to dark; nothing is lost', async () => {
    await page.getByTestId('language').click();
    await expect(page.locator('html')).toHaveAttribute('lang', /^zh/);
    await expect(page.getByTestId('apply')).toHaveText(/[\u4e00-\u9fff]/);
    await expect(page.getByTestId('monaco')).toContainText(name);
    await page.screenshot({ path: join(SHOTS, 'chinese-light.png') });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: join(SHOTS, 'chinese-dark.png') });
    await page.getByTestId('language').click();
    await page.screenshot({ path: join(SHOTS, 'english-dark.png') });
  });

  expect(seen.foreign, 'requests to other origins').toEqual([]);
  expect(seen.errors, 'errors on the console').toEqual([]);
});

test('no accessibility violation on the main screens', async ({ page }) => {
  await open(page);
  await expect(page.getByTestId('monaco').locator('.view-lines')).toBeVisible();
  expect(await violations(page), 'the map and the editor').toEqual([]);
  await write(page, manifest);
  await page.getByTestId('apply').click();
  await expect(page.getByTestId('answer')).toContainText('created');
  for (let i = 0; i < 12; i++) await page.getByTestId('step-next').click();
  expect(await violations(page), 'a flow').toEqual([]);
  await toLive(page);
  await page.getByTestId('tree-item').filter({ hasText: name }).first().click();
  await page.getByTestId('tab-events').click();
  expect(await violations(page), 'the inspector and the events').toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.getByTestId('language').click();
  expect(await violations(page), 'dark, in Chinese').toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await violations(page), 'a phone').toEqual([]);
});
