// Encryption at rest (--encryption-provider-config, apiserver/pkg/server/options/encryptionconfig): the first provider of a resource
// writes, all of them read; a value that another one has written is stale and is written anew at the next update.

import { base64ToBytes } from '../../api/base64.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { internalError } from '../../api/status.ts';
import { parseYaml } from '../../api/yaml.ts';
import type { StoredValue } from '../../etcd/messages.ts';
import { SealedValue, type SealKey, type SealProvider } from '../../etcd/sealed.ts';

/** Null is the provider `identity`. */
type Provider = readonly SealKey[] | null;

interface Entry {
  readonly resources: readonly string[];
  readonly providers: readonly Provider[];
}

const AES_LENGTHS = [16, 24, 32];
const LENGTHS: Readonly<Record<SealProvider, readonly number[]>> = { aescbc: AES_LENGTHS, aesgcm: AES_LENGTHS, secretbox: [32] };

interface Given {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly resources?: readonly {
    readonly resources?: readonly string[];
    readonly providers?: readonly Readonly<Record<string, { readonly keys?: readonly { readonly name?: string; readonly secret?: string }[] }>>[];
  }[];
}

/** The configuration in the text. @throws Error for one that cannot be used */
export function readEncryption(text: string): Encryption {
  const given = parseYaml(text) as Given | null;
  if (given?.kind !== 'EncryptionConfiguration' || given.apiVersion !== 'apiserver.config.k8s.io/v1')
    throw new Error(`no kind "${given?.kind ?? ''}" is registered for version "${given?.apiVersion ?? ''}"`);
  const entries = (given.resources ?? []).map(({ resources, providers }, i): Entry => {
    if (!resources?.length) throw new Error(`resources[${i}].resources: Required value: resources[${i}].resources is a required field`);
    if (!providers?.length) throw new Error(`resources[${i}].providers: Required value: resources[${i}].providers is a required field`);
    return { resources, providers: providers.map((one, j) => readProvider(one, `resources[${i}].providers[${j}]`)) };
  });
  if (entries.length === 0) throw new Error('resources: Required value: resources is a required field');
  return new Encryption(entries);
}

function readProvider(given: Readonly<Record<string, { readonly keys?: readonly { readonly name?: string; readonly secret?: string }[] }>>, path: string): Provider {
  if ('identity' in given) return null;
  const provider = Object.keys(given)[0] as SealProvider;
  if (!(provider in LENGTHS)) throw new Error(`${path}: Invalid value: "${provider}": provider is not known here`);
  const keys = given[provider]?.keys ?? [];
  if (keys.length === 0) throw new Error(`${path}.${provider}.keys: Required value: ${path}.${provider}.keys is a required field`);
  return keys.map(({ name = '', secret = '' }, i) => {
    const where = `${path}.${provider}.keys[${i}]`;
    const length = base64ToBytes(secret)?.length;
    if (name === '') throw new Error(`${where}.name: Required value: ${where}.name is a required field`);
    if (length === undefined) throw new Error(`${where}.secret: Invalid value: "REDACTED": secret must be base64 encoded`);
    const allowed = LENGTHS[provider];
    if (!allowed.includes(length))
      throw new Error(`${where}.secret: Invalid value: "REDACTED": secret is not of the expected length, got ${length}, expected one of [${allowed.join(' ')}]`);
    return Object.freeze({ provider, name, secret });
  });
}

export class Encryption {
  readonly #entries: readonly Entry[];
  readonly #byResource = new Map<string, readonly Provider[] | null>();

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  /** Whether objects of the kind are encrypted, or may be. */
  covers(kind: ResourceKind): boolean {
    return this.#providers(kind) !== null;
  }

  /** What is stored for `value`. */
  seal(kind: ResourceKind, value: StoredValue): StoredValue {
    const key = this.#writeKey(kind);
    return key ? new SealedValue(key, value) : value;
  }

  /** Whether the value would be stored otherwise now. */
  isStale(kind: ResourceKind, value: StoredValue | null): boolean {
    const key = this.#writeKey(kind);
    return value instanceof SealedValue ? !key || !sameKey(key, value.key) : key !== undefined;
  }

  /** @throws ApiError 500 when no provider can read the value */
  mustOpen(kind: ResourceKind, etcdKey: string, { key }: SealedValue): void {
    const providers = this.#providers(kind) ?? [];
    const ofKind = providers.filter((keys) => keys?.some((one) => one.provider === key.provider));
    if (ofKind.some((keys) => keys?.some((one) => sameKey(one, key)))) return;
    throw cannotOpen(etcdKey, ofKind.length === 0 ? 'no matching prefix found' : 'no matching key was found for the provided AES transformer');
  }

  #writeKey(kind: ResourceKind): SealKey | undefined {
    return this.#providers(kind)?.[0]?.[0];
  }

  #providers(kind: ResourceKind): readonly Provider[] | null {
    let providers = this.#byResource.get(kind.key);
    if (providers === undefined) {
      const names = [kind.key, kind.group === '' ? '*.' : `*.${kind.group}`, '*.*'];
      providers = this.#entries.find(({ resources }) => resources.some((name) => names.includes(name)))?.providers ?? null;
      this.#byResource.set(kind.key, providers);
    }
    return providers;
  }
}

const sameKey = (a: SealKey, b: SealKey): boolean => a.provider === b.provider && a.name === b.name && a.secret === b.secret;

export const cannotOpen = (etcdKey: string, why: string): Error => internalError(`unable to transform key ${JSON.stringify(etcdKey)}: ${why}`);
