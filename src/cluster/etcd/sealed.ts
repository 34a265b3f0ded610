// A stored value that is encrypted at rest. It holds what it hides; the bytes that etcd would hold are made when somebody looks at them
// (seal-text.ts), because nobody does so while the cluster runs.

import type { StoredValue } from './messages.ts';

export type SealProvider = 'aescbc' | 'aesgcm' | 'secretbox';

export interface SealKey {
  readonly provider: SealProvider;
  readonly name: string;
  /** Base64, as in the configuration. */
  readonly secret: string;
}

export class SealedValue {
  readonly key: SealKey;
  readonly plain: StoredValue;

  constructor(key: SealKey, plain: StoredValue) {
    this.key = key;
    this.plain = plain;
  }
}

/** What the value says, whether it is sealed or not. */
export const plainOf = (value: StoredValue | null): StoredValue | null => (value instanceof SealedValue ? value.plain : value);
