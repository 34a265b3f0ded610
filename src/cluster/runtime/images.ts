// The image store: pulls over virtual time, layer by layer, and what lies on the machine's disk.
// It outlives the runtime's process and a power cut.

import type { Disk } from '../machine/disk.ts';
import type { Os } from '../machine/process.ts';
import type { Random } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../sim/time.ts';
import type { Subject } from '../sim/trace.ts';
import type { ImageStatus } from './cri.ts';
import type { Flavour, RuntimeWords } from './flavour.ts';
import { hexOf, type Image, parseReference, type RegistryAuth, registryOf } from './registry.ts';

/** Network and unpacking together. */
const BYTES_PER_SECOND = 40_000_000;
/** DNS, TLS, token, manifest; less when the layers are here already and only the tag is asked for. */
const RESOLVE: Micros = 250 * MILLISECOND;
const RESOLVE_AGAIN: Micros = 100 * MILLISECOND;
const RESOLVE_JITTER: Micros = 80 * MILLISECOND;

export interface StoredImage {
  readonly image: Image;
  /** sha256 of the configuration: what `crictl images` shows. */
  readonly id: string;
  /** Full names. */
  readonly tags: readonly string[];
  /** As the runtime shows it. */
  readonly status: ImageStatus;
}

/** How a runtime shows images. */
type Spelling = Pick<Flavour, 'imageName' | 'imageId'>;

/** What may be meant by the beginning of an id. */
const SHORT_ID = /^[0-9a-f]{3,63}$/;

export class ImageStore {
  /** Set by the runtime that owns it. */
  spelling: Spelling = { imageName: (full) => full, imageId: (id) => id };
  /** By normalised reference (tag or digest) and by id. */
  readonly #byName = new Map<string, StoredImage>();
  readonly #layers = new Set<string>();
  /** Of the machine that keeps them. */
  disk: Disk | null = null;

  find(reference: string): StoredImage | undefined {
    const found = this.#byName.get(reference) ?? this.#byName.get(parseReference(reference)?.text ?? '');
    return found !== undefined || !SHORT_ID.test(reference) ? found : this.list().find((stored) => stored.id.startsWith(`sha256:${reference}`));
  }

  list(): readonly StoredImage[] {
    return [...new Set(this.#byName.values())];
  }

  /** Puts an image on the disk, as a pull or `ctr image import` does. */
  add(image: Image): StoredImage {
    const tag = `${image.repository}:${image.tag}`;
    const byDigest = `${image.repository}@${image.digest}`;
    const known = this.#byName.get(byDigest);
    const tags = known ? [...new Set([...known.tags, tag])] : [tag];
    const { imageName, imageId } = this.spelling;
    const id = `sha256:${hexOf(`config ${image.digest}`)}`;
    const user = image.user ?? '';
    const numeric = /^\d+/.exec(user);
    const status: ImageStatus = {
      id: imageId(id),
      repoTags: tags.map(imageName),
      repoDigests: [imageName(byDigest)],
      sizeBytes: image.sizeBytes,
      uid: user === '' ? 0 : numeric ? Number(numeric[0]) : null,
      username: numeric ? '' : user,
      ...(image.annotations === undefined ? {} : { annotations: image.annotations }),
    };
    const stored: StoredImage = { image, id, tags, status };
    for (const name of [...tags, byDigest, id, status.id]) this.#byName.set(name, stored);
    for (const layer of layersOf(image)) {
      if (!this.#layers.has(layer.digest)) this.disk?.charge(layer.sizeBytes);
      this.#layers.add(layer.digest);
    }
    return stored;
  }

  remove(reference: string): StoredImage | undefined {
    const stored = this.find(reference);
    if (!stored) return undefined;
    for (const [name, other] of this.#byName) if (other === stored) this.#byName.delete(name);
    const kept = new Set(this.list().flatMap((i) => layersOf(i.image).map((l) => l.digest)));
    for (const layer of layersOf(stored.image)) {
      if (!kept.has(layer.digest) && this.#layers.delete(layer.digest)) this.disk?.charge(-layer.sizeBytes);
    }
    return stored;
  }

  /** Bytes of `image` that are not on the disk yet. */
  missingBytes(image: Image): number {
    return layersOf(image).reduce((sum, layer) => sum + (this.#layers.has(layer.digest) ? 0 : layer.sizeBytes), 0);
  }
}

const layersOf = (image: Image): readonly { readonly digest: string; readonly sizeBytes: number }[] =>
  image.layers ?? [{ digest: image.digest, sizeBytes: image.sizeBytes }];

/**
 * Pulls `reference` into `store` and takes the time that takes. Throws CriError in the runtime's words.
 */
export function* pullImage(os: Os, random: Random, store: ImageStore, reference: string, subject: Subject | null, words: RuntimeWords, auth?: RegistryAuth): Op<StoredImage> {
  const { sim, place, machine } = os;
  const parsed = parseReference(reference);
  if (!parsed) throw words.badReference(reference);
  const name = parsed.text;
  const host = name.slice(0, name.indexOf('/'));
  const registry = registryOf(machine);
  const found = registry?.resolve(name, auth);
  const image = typeof found === 'object' ? found : undefined;
  const missing = image ? store.missingBytes(image) : 0;
  const resolve = (image && missing === 0 ? RESOLVE_AGAIN : RESOLVE) + random.int(RESOLVE_JITTER);
  const transfer = Math.round((missing / BYTES_PER_SECOND) * SECOND);
  const end = sim.now + resolve + (image ? transfer : 0);
  const record = sim.trace.emit(sim.cause, {
    kind: 'image', verb: image ? 'pull' : 'resolve', start: sim.now, end, from: `internet/${host}`, to: place, subject,
    detail: image ? { reference: name, digest: image.digest, bytes: missing, sizeBytes: image.sizeBytes } : { reference: name, error: found ?? 'unreachable' },
  });
  yield* os.sleep(resolve);
  if (found === undefined || typeof found === 'string') throw words.pull(found ?? 'unreachable', parsed);
  yield* os.sleep(transfer);
  const before = store.find(name);
  if (before?.image.digest === found.digest) return before;
  const stored = store.add(found);
  const after = Object.freeze({ reference: name, digest: found.digest, id: stored.id, sizeBytes: found.sizeBytes });
  sim.trace.emit(record, {
    kind: 'image', verb: 'unpack', start: sim.now, from: place, subject,
    detail: after, change: { key: `image/${machine.name}/${name}`, before: null, after },
  });
  return stored;
}
