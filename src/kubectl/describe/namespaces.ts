// Namespaces with their quotas and limits, and each of these alone (kubectl/pkg/describe describeNamespace, describeQuota, …).

import type { LimitRange, LimitRangeSpec, Namespace, ResourceQuota } from '../../cluster/api/generated/types.ts';
import { formatQuantity, parseQuantity } from '../../cluster/api/quantity.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { byText, head, labelsAndAnnotations, row, sortedKeys } from './metadata.ts';
import { type Page, typeOf } from './page.ts';
import { dateText, type Writer } from './writer.ts';

const QUOTAS = typeOf('v1', 'ResourceQuota', 'resourcequotas', true);
const LIMITS = typeOf('v1', 'LimitRange', 'limitranges', true);

const SCOPES: Readonly<Record<string, string>> = {
  Terminating: 'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating: 'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort: 'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort: 'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
};

/** The collection; undefined when the server does not have the type. */
function* optional<T>(page: Page, mapping: typeof QUOTAS, namespace: string): Op<T[] | undefined> {
  try {
    return yield* page.list<T>(mapping, namespace);
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

export function* describeNamespace(page: Page, namespace: Namespace): Op<void> {
  const { metadata, status } = namespace;
  const quotas = yield* optional<ResourceQuota>(page, QUOTAS, metadata.name);
  const limits = yield* optional<LimitRange>(page, LIMITS, metadata.name);
  head(page, metadata, false);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Status:\t${status?.phase ?? ''}\n`);
  const conditions = status?.conditions ?? [];
  if (conditions.length > 0) {
    page.write(0, 'Conditions:\n');
    page.write(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage\n');
    page.write(1, '----\t------\t------------------\t------\t-------\n');
    for (const c of conditions) page.write(1, row(c.type, c.status, dateText(c.lastTransitionTime), c.reason, c.message));
  }
  if (quotas) {
    page.write(0, '\n');
    allQuotas(page, quotas);
  }
  if (limits) {
    page.write(0, '\n');
    allLimits(page, limits);
  }
}

function scopeLines(w: Writer, level: number, bullet: string, scopes: readonly string[] | undefined): void {
  if (!scopes?.length) return;
  const order = [...scopes].sort(byText);
  w.write(level, `Scopes:\t${order.join(', ')}\n`);
  for (const scope of order) if (SCOPES[scope] !== undefined) w.write(level, `${bullet} ${SCOPES[scope]}\n`);
}

function allQuotas(w: Writer, quotas: readonly ResourceQuota[]): void {
  if (quotas.length === 0) return w.write(0, 'No resource quota.\n');
  w.write(0, 'Resource Quotas\n');
  for (const { metadata, spec, status } of [...quotas].sort((a, b) => byText(a.metadata.name, b.metadata.name))) {
    w.write(1, `Name:\t${metadata.name}\n`);
    scopeLines(w, 1, '*', spec.scopes);
    w.write(1, 'Resource\tUsed\tHard\n');
    w.write(1, '--------\t---\t---\n');
    for (const name of sortedKeys(status?.hard)) w.write(1, row(name, status.used?.[name] ?? '0', status.hard?.[name]));
  }
}

function allLimits(w: Writer, limits: readonly LimitRange[]): void {
  if (limits.length === 0) return w.write(0, 'No LimitRange resource.\n');
  w.write(0, 'Resource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n');
  w.write(0, ' ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n');
  for (const { spec } of limits) limitLines(w, spec, ' ');
}

/** Upstream's order of the resources is any; here it is that of their names. */
function limitLines(w: Writer, spec: LimitRangeSpec, prefix: string): void {
  for (const { type, min, max, default: limit, defaultRequest, maxLimitRequestRatio } of spec.limits ?? []) {
    const names = sortedKeys({ ...max, ...min, ...limit, ...defaultRequest, ...maxLimitRequestRatio });
    for (const name of names) {
      const cells = [min, max, defaultRequest, limit, maxLimitRequestRatio].map((amounts) => amounts?.[name] ?? '-');
      w.write(0, row(prefix + type, name, ...cells));
    }
  }
}

export function* describeLimitRange(page: Page, { metadata, spec }: LimitRange): Op<void> {
  head(page, metadata);
  page.write(0, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n');
  page.write(0, '----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n');
  limitLines(page, spec ?? { limits: [] }, '');
}

/** What is used, in units of the limit. */
function usedText(used: string, hard: string): string {
  const [amount, limit] = [parseQuantity(used), parseQuantity(hard)];
  return amount.format === limit.format ? used : formatQuantity(amount.value, limit.format);
}

export function* describeResourceQuota(page: Page, { metadata, spec, status }: ResourceQuota): Op<void> {
  head(page, metadata);
  scopeLines(page, 0, ' *', spec.scopes);
  page.write(0, 'Resource\tUsed\tHard\n');
  page.write(0, '--------\t----\t----\n');
  for (const name of sortedKeys(status?.hard)) {
    const hard = status.hard?.[name] as string;
    page.write(0, row(name, usedText(status.used?.[name] ?? '0', hard), hard));
  }
}
