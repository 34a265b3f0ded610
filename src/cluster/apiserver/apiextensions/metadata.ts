// The metadata of a custom resource, decoded as every object's (schema/objectmeta): wrong types are refused, unknown
// fields told.

import { walkBody, DecodeStop } from '../../api/decode-walk.ts';
import type { ObjectMeta } from '../../api/generated/types.ts';

export interface ReadMetadata {
  readonly metadata: ObjectMeta;
  /** What cannot be read; null when all can. */
  readonly wrong: string | null;
}

const NO_NAME: ObjectMeta = Object.freeze({ name: '' });

/** A kind that has nothing but metadata serves to decode it. */
export function readMetadata(given: unknown, unknown: string[]): ReadMetadata {
  if (given === undefined || given === null) return { metadata: NO_NAME, wrong: null };
  try {
    const { value, walk } = walkBody('ConfigMap', { metadata: given });
    if (walk.wrong !== null) return { metadata: NO_NAME, wrong: inWords(walk.wrong) };
    unknown.push(...walk.unknown);
    const { metadata } = value as { readonly metadata: ObjectMeta };
    return { metadata: metadata.name === undefined ? { ...metadata, name: '' } : metadata, wrong: null };
  } catch (error) {
    if (!(error instanceof DecodeStop)) throw error;
    return { metadata: NO_NAME, wrong: inWords(error.message) };
  }
}

const inWords = (message: string): string => message.replace('ConfigMap.metadata', 'ObjectMeta.metadata');
