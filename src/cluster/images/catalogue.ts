// The registries of the internet: which images exist, under which tags, and what a container of each does.

import { digestOf, type Image, type ImageRegistry, parseReference, type Reference, type RegistryAuth } from '../runtime/registry.ts';
import { pauseImage } from './entries/pause.ts';
import type { Fallback, ImageEntry, Resolved } from './entry.ts';
import { layersOf } from './layers.ts';

/** Passwords that no registry takes, for those who want to see it refuse. */
const REFUSED = /^$|wrong|invalid|expired/i;

export class ImageCatalogue implements ImageRegistry {
  readonly #entries = new Map<string, ImageEntry>();
  readonly #images = new Map<string, Image>();
  readonly #byDigest = new Map<string, Image>();
  /** Images of private registries. */
  readonly #private = new Map<string, Image>();

  /** What is answered for a name that no entry covers. */
  fallback: Fallback = () => 'not-found';

  /** Knows pause alone; bootstrap adds the control plane's images, `stockEverydayImages` those of manifests. */
  constructor() {
    this.register(pauseImage);
  }

  register(entry: ImageEntry): void {
    this.#entries.set(entry.repository, entry);
  }

  /** What a private registry gives to somebody who may have it. */
  behindLogin: (repository: string, tag: string) => Resolved = () => 'unauthorized';

  /** Looks a reference up; short names are normalised first. */
  resolve(reference: string, auth?: RegistryAuth): Resolved {
    const parsed = parseReference(reference);
    if (!parsed) return 'not-found';
    const found = this.#openly(parsed);
    return found === 'unauthorized' && auth !== undefined && !REFUSED.test(auth.password) ? this.#privately(parsed) : found;
  }

  #privately({ repository, tag, digest }: Reference): Resolved {
    const key = `${repository}:${tag ?? digest ?? 'latest'}`;
    const known = this.#private.get(key);
    if (known) return known;
    const made = this.behindLogin(repository, tag ?? 'latest');
    if (typeof made !== 'string') this.#private.set(key, made);
    return made;
  }

  #openly(parsed: Reference): Resolved {
    if (parsed.digest !== null) return this.#byContent(parsed.repository, parsed.digest, parsed.tag);
    return this.#byTag(parsed.repository, parsed.tag ?? 'latest');
  }

  #byTag(repository: string, tag: string): Resolved {
    const key = `${repository}:${tag}`;
    const known = this.#images.get(key);
    if (known) return known;
    const entry = this.#entries.get(repository);
    const own = entry ? imageOf(entry, tag) : null;
    // Of components only the versions of this cluster are entries; their other versions are images like any.
    const made = own === null || (own === 'not-found' && Array.isArray(entry?.tags)) ? this.fallback(repository, tag) : own;
    if (typeof made === 'string') return made;
    this.#images.set(key, made);
    this.#byDigest.set(`${repository}@${made.digest}`, made);
    return made;
  }

  /** A digest names content that was seen before, or, with a tag beside it, is taken on trust: the tag says what it is. */
  #byContent(repository: string, digest: string, tag: string | null): Resolved {
    const key = `${repository}@${digest}`;
    const known = this.#byDigest.get(key);
    if (known) return known;
    let found = this.#byTag(repository, tag ?? 'latest');
    if (found === 'not-found') found = this.#byTag(repository, 'latest');
    if (typeof found === 'string') return found;
    const image = { ...found, digest };
    this.#byDigest.set(key, image);
    return image;
  }
}

function imageOf(entry: ImageEntry, tag: string): Image | 'not-found' {
  const canonical = typeof entry.tags === 'function' ? entry.tags(tag) : entry.tags.includes(tag) ? tag : null;
  if (canonical === null) return 'not-found';
  const of = <T>(value: T | ((tag: string) => T)): T => (typeof value === 'function' ? (value as (tag: string) => T)(canonical) : value);
  const sizeBytes = of(entry.sizeBytes);
  const { repository } = entry;
  const files = entry.files === undefined ? undefined : of(entry.files);
  return {
    repository,
    tag,
    digest: digestOf(`${repository}:${canonical}`),
    sizeBytes,
    layers: layersOf(`${repository}:${canonical}`, sizeBytes),
    entrypoint: entry.entrypoint,
    cmd: entry.cmd,
    env: entry.env === undefined ? {} : of(entry.env),
    program: entry.programOf ? entry.programOf(canonical) : entry.program,
    ...(entry.workingDir === undefined ? {} : { workingDir: entry.workingDir }),
    ...(entry.user === undefined ? {} : { user: entry.user }),
    ...(entry.exposedPorts === undefined ? {} : { exposedPorts: entry.exposedPorts }),
    ...(entry.annotations === undefined ? {} : { annotations: entry.annotations }),
    ...(entry.stopSignal === undefined ? {} : { stopSignal: entry.stopSignal }),
    ...(files === undefined ? {} : { files }),
    ...(entry.hasExecutable === undefined ? {} : { hasExecutable: entry.hasExecutable }),
  };
}
