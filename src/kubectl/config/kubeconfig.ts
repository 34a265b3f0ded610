// Kubeconfig files as client-go's tools/clientcmd loads, merges and writes them.

import { parseYaml } from '../../cluster/api/yaml.ts';
import type { Os } from '../../cluster/machine/process.ts';
import { CommandError } from '../print/error.ts';
import { goYaml } from '../print/yaml.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface ClusterEntry extends Fields {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}

export interface UserEntry extends Fields {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
}

export interface ContextEntry extends Fields {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** One file, or several merged: entries by name, in the order of the files. */
export interface Kubeconfig {
  readonly currentContext: string;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
  readonly preferences: Fields;
}

export const EMPTY: Kubeconfig = { currentContext: '', clusters: new Map(), users: new Map(), contexts: new Map(), preferences: {} };

interface Named {
  readonly name?: string;
}

function entries<T extends Fields>(list: unknown, field: string): Map<string, T> {
  const map = new Map<string, T>();
  if (Array.isArray(list)) for (const item of list as readonly (Named & Fields)[]) map.set(item.name ?? '', (item[field] ?? {}) as T);
  return map;
}

export function parseKubeconfig(text: string, path: string): Kubeconfig {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw new CommandError(`error loading config file "${path}": ${error instanceof Error ? error.message : String(error)}`);
  }
  const raw = (value ?? {}) as Fields;
  return {
    currentContext: typeof raw['current-context'] === 'string' ? raw['current-context'] : '',
    clusters: entries<ClusterEntry>(raw['clusters'], 'cluster'),
    users: entries<UserEntry>(raw['users'], 'user'),
    contexts: entries<ContextEntry>(raw['contexts'], 'context'),
    preferences: (raw['preferences'] ?? {}) as Fields,
  };
}

const listed = (map: ReadonlyMap<string, Fields>, field: string): readonly Fields[] | null =>
  map.size === 0 ? null : [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => ({ [field]: entry, name }));

/** The file's value: `kubectl config view -o json` prints it too. */
export const rawConfig = (config: Kubeconfig): Fields => ({
  kind: 'Config',
  apiVersion: 'v1',
  ...(Object.keys(config.preferences).length > 0 ? { preferences: config.preferences } : {}),
  clusters: listed(config.clusters, 'cluster'),
  users: listed(config.users, 'user'),
  contexts: listed(config.contexts, 'context'),
  'current-context': config.currentContext,
});

export const kubeconfigText = (config: Kubeconfig): string => goYaml(rawConfig(config));

/** Which files are read, in the order of precedence; `explicit` is --kubeconfig. */
export interface Sources {
  readonly files: readonly string[];
  readonly explicit: string | undefined;
  /** Where a new entry goes when no file has it. */
  readonly target: string;
}

export function sourcesOf(os: Os, explicit: string): Sources {
  if (explicit !== '') return { files: [absolute(os, explicit)], explicit: absolute(os, explicit), target: absolute(os, explicit) };
  const fromEnv = (os.env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '');
  const files = (fromEnv.length > 0 ? fromEnv : [`${os.env['HOME'] ?? '/root'}/.kube/config`]).map((path) => absolute(os, path));
  return { files, explicit: undefined, target: files.find((path) => os.files.exists(path)) ?? (files.at(-1) as string) };
}

export const absolute = (os: Os, path: string): string => (path.startsWith('/') ? path : `${os.env['PWD'] ?? '/root'}/${path}`);

/** All files merged: the first to set a value wins. Throws CommandError for a file that does not parse, or --kubeconfig without one. */
export function loadKubeconfigs(os: Os, sources: Sources): Kubeconfig {
  if (sources.explicit !== undefined && !os.files.exists(sources.explicit)) throw new CommandError(`stat ${sources.explicit}: no such file or directory`);
  let merged = EMPTY;
  for (const path of sources.files) {
    if (!os.files.exists(path)) continue;
    const next = parseKubeconfig(os.files.read(path), path);
    merged = {
      currentContext: merged.currentContext || next.currentContext,
      clusters: new Map([...next.clusters, ...merged.clusters]),
      users: new Map([...next.users, ...merged.users]),
      contexts: new Map([...next.contexts, ...merged.contexts]),
      preferences: { ...next.preferences, ...merged.preferences },
    };
  }
  return merged;
}
