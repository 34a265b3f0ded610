// The order of a merged list (strategicpatch.normalizeElementOrder): what the patch names stands in the patch's order,
// what only the server has stands in the server's, and a new element comes before the server's own.

import { isJsonObject } from './merge.ts';

const FEW = 16;

export type Key = string | number | boolean;

/** What identifies an element: the value of its merge key, or the scalar itself. */
export function keyOfElement(element: unknown, key: string | null): Key | undefined {
  const value = key === null ? element : isJsonObject(element) ? element[key] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** `merged` put in order; `patchOrder` are the elements (or their keys) that the patch names, `serverOrder` the live list. */
export function enforceOrder(
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  key: string | null,
): readonly unknown[] {
  if (isInOrder(merged, patchOrder, key)) return merged;
  const wanted = ranks(patchOrder, key);
  const live = ranks(serverOrder, key);
  const id = (element: unknown): Key | undefined => keyOfElement(element, key);
  const rank = (order: Map<Key | undefined, number>, element: unknown): number => order.get(id(element)) ?? Number.MAX_SAFE_INTEGER;
  const named = merged.filter((e) => wanted.has(id(e))).sort((a, b) => rank(wanted, a) - rank(wanted, b));
  const own = merged.filter((e) => !wanted.has(id(e))).sort((a, b) => rank(live, a) - rank(live, b));
  const out: unknown[] = [];
  let i = 0;
  for (const element of named) {
    const place = live.get(id(element));
    while (i < own.length && place !== undefined && rank(live, own[i]) < place) out.push(own[i++]);
    out.push(element);
  }
  while (i < own.length) out.push(own[i++]);
  return out;
}

/** Whether the list consists of exactly what the patch names, as it names it: nothing to be done. Short lists only. */
function isInOrder(merged: readonly unknown[], patchOrder: readonly unknown[], key: string | null): boolean {
  if (merged.length !== patchOrder.length || merged.length > FEW) return false;
  for (let i = 0; i < merged.length; i++) {
    const id = keyOfElement(merged[i], key);
    if (id === undefined || id !== keyOfElement(patchOrder[i], key)) return false;
    for (let j = 0; j < i; j++) if (keyOfElement(merged[j], key) === id) return false;
  }
  return true;
}

function ranks(list: readonly unknown[], key: string | null): Map<Key | undefined, number> {
  const out = new Map<Key | undefined, number>();
  for (const element of list) {
    const id = keyOfElement(element, key);
    if (id !== undefined && !out.has(id)) out.set(id, out.size);
  }
  return out;
}
