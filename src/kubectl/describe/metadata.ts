// Names, labels, annotations and owners of any object (kubectl/pkg/describe: printLabelsMultiline, printAnnotationsMultiline, …).

import type { ObjectMeta } from '../../cluster/api/generated/types.ts';
import type { Writer } from './writer.ts';

export type StringMap = Readonly<Record<string, string>>;

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const LONGEST = 140;

/** Go's order of strings, near enough: by code unit. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const sortedKeys = (map: object | null | undefined): string[] => Object.keys(map ?? {}).sort(byText);

/** A title and lines below one another, the first beside the title. */
export function multiline(w: Writer, title: string, lines: readonly string[], indent = '', gap = '\t'): void {
  w.write(0, `${indent}${title}:${gap}`);
  if (lines.length === 0) return w.line('<none>');
  for (const [i, line] of lines.entries()) {
    if (i > 0) {
      w.write(0, indent);
      w.write(0, gap);
    }
    w.write(0, `${line}\n`);
  }
}

const pairs = (map: StringMap | undefined): string[] => sortedKeys(map).map((key) => `${key}=${map?.[key]}`);

export const labels = (w: Writer, title: string, map: StringMap | undefined, indent = ''): void => multiline(w, title, pairs(map), indent);

const shorten = (text: string, longest: number): string => (text.length > longest ? `${text.slice(0, longest)}...` : text);

/** Long values, and those of several lines, stand below their keys. */
export function annotations(w: Writer, title: string, map: StringMap | undefined): void {
  w.write(0, `${title}:\t`);
  const keys = sortedKeys(map).filter((key) => key !== LAST_APPLIED);
  if (keys.length === 0) return w.line('<none>');
  for (const [i, key] of keys.entries()) {
    if (i > 0) w.write(0, '\t');
    const value = (map?.[key] ?? '').replace(/\n$/, '');
    if (value.length + key.length + 2 > LONGEST || value.includes('\n')) {
      w.write(0, `${key}:\n`);
      for (const line of value.split('\n')) w.write(0, `\t  ${shorten(line, LONGEST - 2)}\n`);
    } else w.write(0, `${key}: ${value}\n`);
  }
}

/** The beginning of most pages. */
export function head(w: Writer, { name, namespace }: Pick<ObjectMeta, 'name' | 'namespace'>, namespaced = true): void {
  w.write(0, `Name:\t${name}\n`);
  if (namespaced) w.write(0, `Namespace:\t${namespace ?? ''}\n`);
}

export function labelsAndAnnotations(w: Writer, metadata: Pick<ObjectMeta, 'labels' | 'annotations'>): void {
  labels(w, 'Labels', metadata.labels);
  annotations(w, 'Annotations', metadata.annotations);
}

export const controllerOf = (metadata: ObjectMeta) => metadata.ownerReferences?.find((owner) => owner.controller);

export function controlledBy(w: Writer, metadata: ObjectMeta): void {
  const owner = controllerOf(metadata);
  if (owner) w.write(0, `Controlled By:\t${owner.kind}/${owner.name}\n`);
}

/** %v of a list of texts. */
export const listText = (items: readonly (string | number)[] | null | undefined): string => `[${(items ?? []).join(' ')}]`;

/** A row of a table: cells between tabs. */
export const row = (...cells: readonly (string | number | undefined)[]): string => `${cells.map((cell) => cell ?? '').join('\t')}\n`;
