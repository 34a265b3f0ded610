// From a catalogue to the text of a key.

import type { en } from './en.ts';

/** The keys of a catalogue, with dots between the levels. */
type KeyOf<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${KeyOf<T[K]>}` }[keyof T & string];
type Key = KeyOf<typeof en>;
export type Level = { readonly [key: string]: string | Level };

/** The text of a key, with values put in for `{{name}}`. */
export type Translate = (key: Key, values?: Readonly<Record<string, string | number>>) => string;

/** Each key's text, for keys that may not exist. */
export function textIn(catalogue: Level, key: string): string | undefined {
  let at: string | Level | undefined = catalogue;
  for (const part of key.split('.')) at = typeof at === 'object' && Object.hasOwn(at, part) ? at[part] : undefined;
  return typeof at === 'string' ? at : undefined;
}

export function translator(catalogue: Level): Translate {
  const texts = new Map<string, string>();
  return (key, values) => {
    let text = texts.get(key);
    if (text === undefined) texts.set(key, (text = textIn(catalogue, key) ?? key));
    return values === undefined ? text : text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name] ?? ''));
  };
}
