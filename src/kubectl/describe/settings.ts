// What Pods are set up with: ConfigMap, Secret, ServiceAccount, PriorityClass, PodDisruptionBudget (kubectl/pkg/describe).

import { base64ToBytes, fromBase64 } from '../../cluster/api/base64.ts';
import type { ConfigMap, PodDisruptionBudget, PriorityClass, Secret, ServiceAccount } from '../../cluster/api/generated/types.ts';
import { labelSelectorText, labelsText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { head, labelsAndAnnotations, sortedKeys } from './metadata.ts';
import type { Page } from './page.ts';

const sizeOf = (base64: string | undefined): number => base64ToBytes(base64 ?? '')?.length ?? 0;

export function* describeConfigMap(page: Page, map: ConfigMap): Op<void> {
  head(page, map.metadata);
  labelsAndAnnotations(page, map.metadata);
  page.write(0, '\nData\n====\n');
  for (const key of sortedKeys(map.data)) page.write(0, `${key}:\n----\n${map.data?.[key]}\n\n`);
  page.write(0, '\nBinaryData\n====\n');
  for (const key of sortedKeys(map.binaryData)) page.write(0, `${key}: ${sizeOf(map.binaryData?.[key])} bytes\n`);
  page.write(0, '\n');
  yield* page.events(map);
}

/** Only sizes are shown, but for the token of a ServiceAccount. */
export function* describeSecret(page: Page, { metadata, type = '', data }: Secret): Op<void> {
  head(page, metadata);
  labelsAndAnnotations(page, metadata);
  page.write(0, `\nType:\t${type}\n`);
  page.write(0, '\nData\n====\n');
  for (const key of sortedKeys(data)) {
    const token = key === 'token' && type === 'kubernetes.io/service-account-token';
    page.write(0, `${key}:\t${token ? fromBase64(data?.[key] ?? '') : `${sizeOf(data?.[key])} bytes`}\n`);
  }
}

export function* describeServiceAccount(page: Page, account: ServiceAccount): Op<void> {
  head(page, account.metadata);
  labelsAndAnnotations(page, account.metadata);
  const title = 'Image pull secrets:';
  const names = (account.imagePullSecrets ?? []).map((secret) => secret.name ?? '');
  if (names.length === 0) page.write(0, `${title}\t<none>\n`);
  for (const [i, name] of names.entries()) page.write(0, `${i === 0 ? title : ' '.repeat(title.length)}\t${name}\n`);
  yield* page.events(account);
}

export function* describePriorityClass(page: Page, priorityClass: PriorityClass): Op<void> {
  const { metadata, value = 0, globalDefault = false, preemptionPolicy = '', description = '' } = priorityClass;
  head(page, metadata, false);
  page.write(0, `Value:\t${value}\n`);
  page.write(0, `GlobalDefault:\t${globalDefault}\n`);
  page.write(0, `PreemptionPolicy:\t${preemptionPolicy}\n`);
  page.write(0, `Description:\t${description}\n`);
  page.write(0, `Annotations:\t${labelsText(metadata.annotations)}\n`);
  yield* page.events(priorityClass);
}

export function* describeDisruptionBudget(page: Page, budget: PodDisruptionBudget): Op<void> {
  const { metadata, spec } = budget;
  const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0, expectedPods = 0 } = budget.status ?? {};
  head(page, metadata);
  if (spec.minAvailable !== undefined) page.write(0, `Min available:\t${spec.minAvailable}\n`);
  else if (spec.maxUnavailable !== undefined) page.write(0, `Max unavailable:\t${spec.maxUnavailable}\n`);
  page.write(0, `Selector:\t${spec.selector ? labelSelectorText(spec.selector) : '<unset>'}\n`);
  page.write(0, 'Status:\n');
  page.write(2, `Allowed disruptions:\t${disruptionsAllowed}\n`);
  page.write(2, `Current:\t${currentHealthy}\n`);
  page.write(2, `Desired:\t${desiredHealthy}\n`);
  page.write(2, `Total:\t${expectedPods}\n`);
  yield* page.events(budget);
}
