// Ask the packet: from a Pod to a Service, hop by hop on the map and as a table; a fault, and the row that is responsible.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { open, play, runningPods, share, toLive, violations, watchPage, write } from './page.ts';

const SHOTS = join(import.meta.dirname, '..', 'test-results', 'shots');
mkdirSync(SHOTS, { recursive: true });

const MANIFEST = `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  nodeName: worker-1
  containers: [{name: a, image: nginx}]
---
apiVersion: v1
kind: Pod
metadata: {name: far, labels: {app: web}}
spec:
  nodeName: worker-2
  containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: near, labels: {app: web}}
spec:
  nodeName: worker-1
  containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
`;

async function ask(page: Page, from: string, to: string): Promise<void> {
  await page.getByTestId('packet-from').fill(from);
  await page.getByTestId('packet-to').fill(to);
  await page.getByTestId('packet-to').press('Enter');
}

const outcome = (page: Page) => page.getByTestId('packet-answer');

test('asks a packet where it goes, and why it does not arrive', async ({ page, context }) => {
  test.slow();
  const seen = watchPage(page);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page);

  await test.step('a Service and two Pods behind it', async () => {
    await write(page, MANIFEST);
    await page.getByTestId('apply').click();
    await expect(page.getByTestId('answer')).toContainText('service/web created');
    await play(page);
    await expect(runningPods(page, 'far')).toHaveCount(1, { timeout: 60_000 });
    await expect(runningPods(page, 'near')).toHaveCount(1, { timeout: 60_000 });
    await expect(runningPods(page, 'a')).not.toHaveCount(0);
    await page.getByTestId('play').click();
    await toLive(page);
  });

  await test.step('by name: the name servers first, then hop by hop', async () => {
    await page.getByTestId('tab-packet').click();
    await expect(page.getByTestId('packet-from')).toHaveValue('pod/default/a');
    await expect(page.getByTestId('packet-to')).toHaveValue('http://web.default');
    await ask(page, 'a', 'http://web');
    await expect(outcome(page)).toHaveAttribute('data-outcome', 'answered', { timeout: 60_000 });
    await expect(page.getByTestId('packet-dns-step').first()).toContainText('web.default.svc.cluster.local A');
    await expect(page.getByTestId('packet-dns-step').first()).toContainText('NOERROR');
    await expect(page.getByTestId('packet-command').first()).toHaveText('kubectl exec a -- curl -m 3 http://web');
    await page.screenshot({ path: join(SHOTS, 'packet-name.png') });
    expect(await violations(page), 'the panel').toEqual([]);
  });

  await test.step('the other backend is on another node: NAT, then an envelope', async () => {
    const clock = await page.getByTestId('clock').textContent();
    await ask(page, 'a', 'service/default/web');
    await expect(page.getByTestId('packet-dns-step')).toHaveCount(0);
    const far = await page.getByTestId('packet-backend').locator('option', { hasText: 'far' }).textContent();
    expect(far).toContain('50 %');
    await page.getByTestId('packet-backend').selectOption({ label: far ?? '' });
    const hops = page.getByTestId('packet-request').getByTestId('packet-hop');
    await expect(hops).toHaveCount(6);
    await expect(hops.nth(1)).toContainText('DNAT --to-destination 10.244.');
    await expect(hops.nth(1)).toContainText('VXLAN 1');
    await expect(hops.nth(2)).toContainText(':8472');
    await expect(page.getByTestId('packet-reply').getByTestId('packet-hop')).toHaveCount(6);
    expect(await page.getByTestId('clock').textContent(), 'no time passes').toBe(clock);
    await hops.nth(1).getByTestId('packet-expand').click();
    await expect(page.getByTestId('packet-request')).toContainText('-A KUBE-SERVICES -d 10.');
    await hops.nth(1).getByTestId('packet-expand').click();
  });

  await test.step('along the hops, by key and by button', async () => {
    await page.getByTestId('map').click({ position: { x: 5, y: 5 } });
    const caption = page.getByTestId('packet-caption');
    await expect(caption).toContainText('Pod a sends it to 10.');
    await page.keyboard.press('ArrowRight');
    await expect(caption).toContainText('the destination becomes 10.244.');
    await expect(page.getByTestId('position')).toContainText('hop 2 of 12');
    await page.waitForTimeout(900);
    await page.screenshot({ path: join(SHOTS, 'packet-nat.png') });
    await page.getByTestId('step-next').click();
    await expect(caption).toContainText('worker-1 sends the envelope to 192.168.66.22:8472');
    await page.keyboard.press('ArrowLeft');
    await expect(caption).toContainText('the destination becomes 10.244.');
    await page.getByTestId('packet-next').click();
    await page.getByTestId('packet-next').click();
    await page.waitForTimeout(900);
    await page.getByTestId('language').click();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect(caption).toContainText('信封到达 worker-2');
    await page.screenshot({ path: join(SHOTS, 'packet-chinese-dark.png') });
    expect(await violations(page), 'Chinese, dark').toEqual([]);
    await page.getByTestId('language').click();
    await page.emulateMedia({ colorScheme: 'light' });
  });

  await test.step('a firewall on the other node: the first hop that fails, and its row', async () => {
    await page.getByTestId('tab-terminal').click();
    await page.getByTestId('terminal').click();
    await page.keyboard.type('ssh worker-2 iptables -I INPUT -p udp --dport 8472 -j DROP\n');
    await expect(page.getByTestId('packet-caption')).toHaveCount(0);
    await page.keyboard.press('Escape');
    await page.getByTestId('tab-packet').click();
    await page.getByTestId('packet-again').click();
    await expect(outcome(page)).toHaveAttribute('data-outcome', 'silent');
    await expect(page.getByTestId('packet-failure')).toHaveText('A rule on worker-2 drops it; the sender hears nothing.');
    const lost = page.getByTestId('packet-hop').last();
    await expect(lost).toContainText('-A INPUT -p udp -m udp --dport 8472 -j DROP');
    await page.getByTestId('packet-to-failure').click();
    await expect(page.getByTestId('packet-caption')).toContainText('A rule on worker-2 drops it');
    await page.screenshot({ path: join(SHOTS, 'packet-lost.png') });
    expect(await violations(page), 'a loss').toEqual([]);
  });

  await test.step('a packet that really flowed', async () => {
    await page.getByTestId('tab-terminal').click();
    await page.getByTestId('terminal').click();
    await page.keyboard.type('kubectl exec near -- curl -s -o /dev/null http://web\n');
    await page.keyboard.press('Escape');
    await page.getByTestId('tab-packet').click();
    const flowed = page.getByTestId('packet-flowed');
    await expect(async () => {
      await flowed.focus();
      await expect(flowed.locator('option', { hasText: ':80' }).first()).toBeAttached({ timeout: 1_000 });
    }).toPass();
    await flowed.selectOption((await flowed.locator('option', { hasText: ':80' }).first().getAttribute('value')) ?? '');
    await expect(outcome(page)).toContainText('This packet really flowed.');
    await expect(page.getByTestId('packet-hop').first()).toContainText('Pod near');
  });

  await test.step('a link keeps the question', async () => {
    await ask(page, 'a', 'service/default/web');
    await expect(outcome(page)).toHaveAttribute('data-outcome', /answered|silent/);
    const link = await share(page);
    await page.goto('about:blank');
    await page.goto(link);
    await open(page, new URL(link).hash);
    await expect(page.getByTestId('packet-to')).toHaveValue('service/default/web', { timeout: 60_000 });
    await expect(outcome(page)).toHaveAttribute('data-outcome', /answered|silent/, { timeout: 60_000 });
    await expect(page.getByTestId('packet-caption')).toBeVisible();
  });

  await test.step('on a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByTestId('tab-packet').click();
    await expect(page.getByTestId('packet-ask')).toBeVisible();
    const wide = await page.getByTestId('packet-panel').evaluate((e) => [...e.querySelectorAll('*')].filter((x) => x.getBoundingClientRect().right > innerWidth + 1 && !x.classList.contains('visually-hidden')).length);
    expect(wide, 'nothing sticks out').toBe(0);
    await page.screenshot({ path: join(SHOTS, 'packet-phone.png') });
    expect(await violations(page), 'phone').toEqual([]);
  });

  expect(seen.foreign, 'requests to other origins').toEqual([]);
  expect(seen.errors, 'errors on the console').toEqual([]);
});
