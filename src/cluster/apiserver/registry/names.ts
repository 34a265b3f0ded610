// Metadata that the server fills in: generated names, uid, creation time (registry/rest/meta.go, storage/names).

import type { ObjectMeta } from '../../api/generated/types.ts';
import type { Random } from '../../sim/random.ts';
import type { Unsaved } from '../storage/store.ts';

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX = 5;
const MAX_BASE = 63 - SUFFIX;

/** `base` and five random characters. */
export function generateName(random: Random, base: string): string {
  return (base.length > MAX_BASE ? base.slice(0, MAX_BASE) : base) + random.string(ALPHABET, SUFFIX);
}

/** The object with a name, when it only brought a generateName. */
export function nameObject(object: Unsaved, random: Random): Unsaved {
  const { metadata } = object;
  const base = metadata.generateName;
  if (metadata.name || !base) return object;
  return { ...object, metadata: { ...metadata, name: generateName(random, base) } };
}

/** The object as it begins its life: nothing of its own about deletion, a new uid, created now. */
export function beginLife(object: Unsaved, uid: string, now: string): Unsaved {
  return { ...object, metadata: { ...unborn(object.metadata), uid, creationTimestamp: now } };
}

/** The metadata without what only a living object has. */
function unborn(given: ObjectMeta & { readonly selfLink?: string }): ObjectMeta {
  if (
    given.deletionTimestamp === undefined &&
    given.deletionGracePeriodSeconds === undefined &&
    given.selfLink === undefined &&
    given.resourceVersion === undefined
  )
    return given;
  const { deletionTimestamp: _t, deletionGracePeriodSeconds: _g, selfLink: _s, resourceVersion: _r, ...metadata } = given;
  return metadata;
}
