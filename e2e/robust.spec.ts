// Bad input and bad luck: a clear error where the person looks, nothing lost, nothing executed, nothing frozen.

import { expect, test } from '@playwright/test';
import { open, runningPods, toLive, watchPage, write } from './page.ts';

const GOOD = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\ndata:\n  a: "1"\n';

test('every kind of wrong manifest gets its words at its line', async ({ page }) => {
  const seen = watchPage(page);
  await open(page);
  const cases: readonly (readonly [text: string, message: RegExp, line: number])[] = [
    ['apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n spec: {}\n', /did not find expected key/, 5],
    ['apiVersion: apps/v2\nkind: Deployment\nmetadata:\n  name: a\n', /no matches for kind "Deployment" in version "apps\/v2"/, 2],
    ['apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    imagee: nginx\n', /unknown field "spec.containers\[0\].imagee"/, 8],
    ['apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  replicas: "two"\n', /cannot unmarshal string .* of type int32/, 6],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Not_A_Name\n', /lowercase RFC 1123 subdomain/, 4],
  ];
  for (const [text, message, line] of cases) {
    await write(page, text);
    await page.getByTestId('apply').click();
    const problem = page.getByTestId('problem').filter({ hasText: message }).first();
    await expect(problem).toBeVisible();
    await expect(problem).toContainText(String(line));
  }
  expect(seen.errors).toEqual([]);
});

test('hostile manifests are data', async ({ page }) => {
  const seen = watchPage(page);
  await open(page);
  const text =
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hostile\n  annotations:\n    note: "<img src=x onerror=window.hacked=1>"\n' +
    'data:\n  __proto__: "polluted"\n  html: "<script>window.hacked=1</script>"\n';
  await write(page, text);
  await page.getByTestId('apply').click();
  await expect(page.getByTestId('answer')).toContainText('configmap/hostile created');
  await toLive(page);
  await page.getByTestId('tree-item').filter({ hasText: 'hostile' }).first().click();
  await expect(page.getByTestId('inspector')).toContainText('onerror');
  expect(await page.evaluate(() => ({ hacked: 'hacked' in window, polluted: 'polluted' in {} }))).toEqual({ hacked: false, polluted: false });

  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', ...'bcdefghij'.split('').map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(', ')}]`)].join('\n');
  await write(page, bomb);
  await page.getByTestId('apply').click();
  await expect(page.getByTestId('problem').filter({ hasText: 'excessive aliasing' }).first()).toBeVisible();
  expect(seen.errors).toEqual([]);
});

test('ten megabytes of YAML are refused without freezing the page', async ({ page }) => {
  await open(page);
  await write(page, GOOD);
  // The longest time that a timer of the page was kept waiting while the text came in.
  const longest = await page.evaluate(async () => {
    const gaps: number[] = [];
    let last = performance.now();
    const timer = setInterval(() => {
      gaps.push(performance.now() - last);
      last = performance.now();
    }, 5);
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(10 * 1024 * 1024).fill(97)], 'big.yaml', { type: 'application/yaml' }));
    document.querySelector('[data-testid="editor"]')?.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    clearInterval(timer);
    return Math.max(...gaps);
  });
  test.info().annotations.push({ type: 'longest pause', description: `${longest.toFixed(0)} ms` });
  await expect(page.getByTestId('editor').getByRole('alert')).toBeVisible();
  await expect(page.getByTestId('monaco')).toContainText('kept');
});

test('a crash of the worker loses nothing', async ({ page }) => {
  await open(page);
  await write(page, GOOD.replace('kept', 'survivor'));
  await page.getByTestId('apply').click();
  await expect(page.getByTestId('answer')).toContainText('configmap/survivor created');
  const cluster = page.workers().find((w) => /worker/.test(w.url()) && !/editor|yaml/.test(w.url()));
  await cluster?.evaluate(() => void setTimeout(() => {
    throw new Error('a bug in the model');
  }));
  await expect(page.getByTestId('crash')).toBeVisible();
  await page.getByTestId('recover').click();
  await expect(page.getByTestId('crash')).toBeHidden();
  await open(page);
  await toLive(page);
  await expect(page.getByTestId('tree-item').filter({ hasText: 'survivor' }).first()).toBeVisible();
  await expect(page.getByTestId('monaco')).toContainText('survivor');
});

test('a broken link opens a new cluster and says so', async ({ page }) => {
  await open(page, '#s=not-a-session');
  await expect(page.getByTestId('notices')).not.toBeEmpty();
  await expect(runningPods(page, 'etcd')).toHaveCount(1);
});
