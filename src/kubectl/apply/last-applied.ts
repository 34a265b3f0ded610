// The annotation in which client-side apply keeps what was applied (kubectl/pkg/util/apply.go).

import { goJson } from '../print/json.ts';
import type { LiveObject } from '../rest.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What the annotation is to say of an object: compact JSON and a line break, as kubectl's encoder writes it. */
export const configurationOf = (object: LiveObject): string => `${goJson(withoutLastApplied(object))}\n`;

/** The object without the annotation. */
export function withoutLastApplied(object: LiveObject): LiveObject {
  const { [LAST_APPLIED]: _old, ...annotations } = object.metadata?.annotations ?? {};
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The object with itself written into its annotation. */
export function withLastApplied(object: LiveObject): LiveObject {
  const annotations = { ...object.metadata?.annotations, [LAST_APPLIED]: configurationOf(object) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

export const lastAppliedText = (live: LiveObject): string | undefined => live.metadata?.annotations?.[LAST_APPLIED];

/** The annotation's value, or null when there is none that parses. */
export function lastAppliedOf(live: LiveObject): Record<string, unknown> | null {
  const text = lastAppliedText(live);
  if (text === undefined) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
