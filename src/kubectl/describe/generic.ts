// Objects of kinds that describe has no page for: their fields as they stand, with readable names
// (kubectl/pkg/describe genericDescriber, github.com/fatih/camelcase).

import type { Op } from '../../cluster/sim/simulation.ts';
import { goPrint } from '../print/json.ts';
import type { LiveObject } from '../rest.ts';
import { head, labelsAndAnnotations, sortedKeys } from './metadata.ts';
import type { Page } from './page.ts';
import type { Writer } from './writer.ts';

const SKIPPED = new Set(['.metadata.managedFields', '.metadata.name', '.metadata.namespace', '.metadata.labels', '.metadata.annotations']);
const ACRONYMS = new Set(['API', 'URL', 'UID', 'GUID']);

export function* describeAny(page: Page, object: LiveObject): Op<void> {
  const { name = '', namespace = '', labels, annotations } = object.metadata ?? {};
  head(page, { name, namespace });
  labelsAndAnnotations(page, { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) });
  fields(page, 0, object as Readonly<Record<string, unknown>>, '');
  yield* page.events(object, object.kind ? { kind: object.kind } : {});
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function fields(w: Writer, level: number, content: Readonly<Record<string, unknown>>, prefix: string): void {
  for (const field of sortedKeys(content)) {
    const path = `${prefix}.${field}`;
    if (SKIPPED.has(path)) continue;
    const value = content[field];
    if (isMap(value)) {
      w.write(level, `${fieldLabel(field)}:\n`);
      fields(w, level + 1, value, path);
    } else if (Array.isArray(value)) {
      w.write(level, `${fieldLabel(field)}:\n`);
      for (const child of value) {
        if (isMap(child)) fields(w, level + 1, child, path);
        else w.write(level + 1, `${goPrint(child)}\n`);
      }
    } else w.write(level, `${fieldLabel(field)}:\t${goPrint(value)}\n`);
  }
}

/** `podCIDRs` → `pod`, `CID`, `Rs`: runs of one sort of letter, the last capital of a run going with what follows. */
function words(field: string): string[] {
  return field.match(/\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|[^\p{Lu}\p{Ll}]+/gu) ?? [];
}

/** `lastTransitionTime` → `Last Transition Time`. Names with anything but letters and dashes stay. */
export function fieldLabel(field: string): string {
  if (!/^[\p{L}-]*$/u.test(field)) return field;
  const parts = words(field);
  const merged: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    const next = parts[i + 1];
    if (next !== undefined && part.length >= 2 && !/[^\P{L}\p{Lu}]/u.test(part) && /^\p{Lu}/u.test(next)) {
      merged.push(part + next);
      i++;
    } else merged.push(part);
  }
  return merged
    .map((part) => {
      if (ACRONYMS.has(part.toUpperCase())) return part.toUpperCase();
      return part === part.toLowerCase() ? part.charAt(0).toUpperCase() + part.slice(1) : part;
    })
    .join(' ');
}
