// configMapGenerator and secretGenerator of a kustomization.

import { toBase64 } from '../../cluster/api/base64.ts';
import { CommandError } from '../print/error.ts';
import type { LiveObject } from '../rest.ts';
import type { Item } from './resource.ts';

export interface Options {
  readonly disableNameSuffixHash?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

export interface Generator {
  readonly name?: string;
  readonly namespace?: string;
  readonly behavior?: 'create' | 'merge' | 'replace';
  readonly literals?: readonly string[];
  readonly files?: readonly string[];
  readonly envs?: readonly string[];
  readonly env?: string;
  readonly type?: string;
  readonly options?: Options;
}

const trimQuotes = (text: string): string => (/^(".*"|'.*')$/s.test(text) && text.length > 1 ? text.slice(1, -1) : text);

function dataOf(generator: Generator, read: (path: string) => string): Record<string, string> {
  const data: Record<string, string> = {};
  for (const path of [...(generator.envs ?? []), ...(generator.env ? [generator.env] : [])]) {
    for (const line of read(path).split('\n')) {
      const text = line.trimStart();
      if (text === '' || text.startsWith('#')) continue;
      const equals = text.indexOf('=');
      if (equals >= 0) data[text.slice(0, equals)] = text.slice(equals + 1);
    }
  }
  for (const entry of generator.files ?? []) {
    const equals = entry.indexOf('=');
    const path = entry.slice(equals + 1);
    data[equals < 0 ? (path.split('/').at(-1) as string) : entry.slice(0, equals)] = read(path);
  }
  for (const literal of generator.literals ?? []) {
    const equals = literal.indexOf('=');
    if (equals <= 0) throw new CommandError(`invalid literal source ${literal}, expected key=value`);
    data[literal.slice(0, equals)] = trimQuotes(literal.slice(equals + 1));
  }
  return data;
}

export function generate(kind: 'ConfigMap' | 'Secret', generator: Generator, general: Options, read: (path: string) => string): Item {
  const { name = '', namespace, type, options } = generator;
  const all: Options = { ...general, ...options, labels: { ...general.labels, ...options?.labels }, annotations: { ...general.annotations, ...options?.annotations } };
  const plain = dataOf(generator, read);
  const data = kind === 'Secret' ? Object.fromEntries(Object.entries(plain).map(([k, v]) => [k, toBase64(v)])) : plain;
  const labels = Object.keys(all.labels ?? {}).length > 0 ? { labels: all.labels ?? {} } : {};
  const annotations = Object.keys(all.annotations ?? {}).length > 0 ? { annotations: all.annotations ?? {} } : {};
  const object = {
    apiVersion: 'v1',
    kind,
    metadata: { name, ...(namespace ? { namespace } : {}), ...labels, ...annotations },
    ...(Object.keys(data).length > 0 ? { data } : {}),
    ...(kind === 'Secret' ? { type: type ?? 'Opaque' } : {}),
    ...(all.immutable ? { immutable: true } : {}),
  };
  return { object: object as LiveObject, original: { name, kind }, hash: all.disableNameSuffixHash !== true };
}
