// The registries of the internet: which images exist, under which tags, and what a container of each does.

import { digestOf, type Image, type ImageRegistry, parseReference } from '../runtime/registry.ts';
import { pauseImage } from './entries/pause.ts';
import type { Fallback, ImageEntry } from './entry.ts';
import { layersOf } from './layers.ts';

export class ImageCatalogue implements ImageRegistry {
  readonly #entries = new Map<string, ImageEntry>();
  readonly #images = new Map<string, Image>();
  readonly #byDigest = new Map<string, Image>();

  /** What is answered for a name that no entry covers. */
  fallback: Fallback = () => 'not-found';

  /** Knows pause alone; bootstrap adds the control plane's images, `stockEverydayImages` those of manifests. */
  constructor() {
    this.register(pauseImage);
  }

  register(entry: ImageEntry): void {
    this.#entries.set(entry.repository, entry);
  }

  /** Looks a reference up; short names are normalised first. */
  resolve(reference: string): Image | 'not-found' | 'unauthorized' {
    const parsed = parseReference(reference);
    if (!parsed) return 'not-found';
    if (parsed.digest !== null) return this.#byContent(parsed.repository, parsed.digest, parsed.tag);
    return this.#byTag(parsed.repository, parsed.tag ?? 'latest');
  }

  #byTag(repository: string, tag: string): Image | 'not-found' | 'unauthorized' {
    const key = `${repository}:${tag}`;
    const known = this.#images.get(key);
    if (known) return known;
    const entry = this.#entries.get(repository);
    const made = entry ? imageOf(entry, tag) : this.fallback(repository, tag);
    if (typeof made === 'string') return made;
    this.#images.set(key, made);
    this.#byDigest.set(`${repository}@${made.digest}`, made);
    return made;
  }

  /** A digest names content that was seen before, or, with a tag beside it, is taken on trust: the tag says what it is. */
  #byContent(repository: string, digest: string, tag: string | null): Image | 'not-found' | 'unauthorized' {
    const key = `${repository}@${digest}`;
    const known = this.#byDigest.get(key);
    if (known) return known;
    const found = this.#byTag(repository, tag ?? 'latest');
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
    ...(entry.stopSignal === undefined ? {} : { stopSignal: entry.stopSignal }),
    ...(files === undefined ? {} : { files }),
    ...(entry.hasExecutable === undefined ? {} : { hasExecutable: entry.hasExecutable }),
  };
}
