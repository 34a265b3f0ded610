// A lesson on scheduling: a cluster made to measure, an example from the list, the scheduler's decision, and a machine that is lost.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { open, play, runningPods, toLive, violations, watchPage } from './page.ts';

const SHOTS = join(import.meta.dirname, '..', 'test-results', 'shots');
mkdirSync(SHOTS, { recursive: true });

test('a cluster made to measure, and why a Pod went where it went', async ({ page }) => {
  const seen = watchPage(page);
  await open(page);

  await test.step('two workers with 4 CPUs, on Docker', async () => {
    await page.getByTestId('reset').click();
    expect(await violations(page), 'the dialog').toEqual([]);
    await page.getByTestId('new-cluster-workers').selectOption('2');
    await page.getByTestId('new-cluster-cpus').selectOption('4');
    await page.getByTestId('new-cluster-runtime').selectOption('docker');
    await page.screenshot({ path: join(SHOTS, 'new-cluster.png') });
    await page.getByTestId('new-cluster-create').click();
    await expect(page.getByTestId('machine')).toHaveCount(4, { timeout: 60_000 });
    await expect(page.getByTestId('cluster-state')).toHaveAttribute('data-state', 'running', { timeout: 60_000 });
    await expect(runningPods(page, 'coredns')).toHaveCount(2, { timeout: 60_000 });
    await expect(page.getByTestId('service').filter({ hasText: 'cri-dockerd' })).toHaveCount(3);
  });

  await test.step('one Pod for each machine: the others stay Pending', async () => {
    await page.getByTestId('starters').selectOption('spread');
    await expect(page.getByTestId('monaco')).toContainText('podAntiAffinity');
    await page.getByTestId('apply').click();
    await expect(page.getByTestId('answer')).toContainText('deployment.apps/apart created');
    await play(page);
    await expect(runningPods(page, 'apart')).toHaveCount(2, { timeout: 60_000 });
    await page.getByTestId('play').click();
  });

  await test.step('the scheduler says how it chose', async () => {
    await toLive(page);
    const decision = page.getByTestId('step').filter({ hasText: 'looks for a machine' }).first();
    await page.getByTestId('steps').evaluate((element) => element.scrollTo(0, 0));
    await expect(async () => {
      if (!(await decision.isVisible())) await page.getByTestId('steps').evaluate((element) => element.scrollBy(0, 90));
      await expect(decision).toBeVisible({ timeout: 300 });
    }).toPass();
    await decision.locator('..').getByRole('button', { name: 'Payload' }).click();
    const funnel = page.getByTestId('funnel');
    await expect(funnel).toContainText('3 nodes → 2 left by the filters → worker-');
    await expect(funnel).toContainText('node(s) had untolerated taint(s)');
    await expect(funnel).toContainText('NodeResourcesFit');
    expect(await violations(page), 'the funnel').toEqual([]);
    await page.screenshot({ path: join(SHOTS, 'funnel.png') });
    await page.getByTestId('language').click();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect(funnel).toContainText('3 个节点');
    await page.screenshot({ path: join(SHOTS, 'funnel-chinese-dark.png') });
    await page.getByTestId('language').click();
  });

  await test.step('a reload keeps the cluster as it was made', async () => {
    await page.reload();
    await open(page);
    await expect(page.getByTestId('machine')).toHaveCount(4);
    await page.getByTestId('reset').click();
    await expect(page.getByTestId('new-cluster-workers')).toHaveValue('2');
    await expect(page.getByTestId('new-cluster-runtime')).toHaveValue('docker');
    await page.getByTestId('new-cluster-cancel').click();
    await expect(page.getByTestId('new-cluster')).toHaveCount(0);
  });

  expect(seen.foreign, 'requests to other origins').toEqual([]);
  expect(seen.errors, 'errors on the console').toEqual([]);
});
