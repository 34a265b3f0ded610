// What a container runtime needs of the registries out there: a reference resolves to an image or it does not.
// The image catalogue implements this; bootstrap hands it to every machine with `connectRegistry`.

import type { Machine } from '../machine/machine.ts';
import type { Program, Signal } from '../machine/process.ts';
import { hash32 } from '../sim/random.ts';

export interface Layer {
  readonly digest: string;
  /** Compressed size: what a pull transfers. */
  readonly sizeBytes: number;
}

/** An image as its manifest and configuration describe it. */
export interface Image {
  /** Fully qualified, without tag: `docker.io/library/nginx`. */
  readonly repository: string;
  readonly tag: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** Layers that images share are pulled once. Absent: one layer of `sizeBytes`. */
  readonly layers?: readonly Layer[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  /** `USER` of the image: '' is root; a name or a number. */
  readonly user?: string;
  readonly exposedPorts?: readonly number[];
  /** `STOPSIGNAL` of the image; SIGTERM when absent. */
  readonly stopSignal?: Signal;
  /** Files of the image, by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  /** `org.opencontainers…` and the like, as ImageStatus gives them to the kubelet. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Runs any command line of this image (`os.argv` says which): the entrypoint as well as an `exec`. */
  readonly program: Program;
  /** Whether `argv[0]` can be found in this image; absent: everything can. */
  readonly hasExecutable?: (name: string) => boolean;
}

/** Who asks a registry. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
}

export interface ImageRegistry {
  /** Looks a normalised reference up (`docker.io/library/nginx:1.29`, or `…@sha256:…`), as nobody in particular without `auth`. */
  resolve(reference: string, auth?: RegistryAuth): Image | 'not-found' | 'unauthorized' | 'unreachable';
}

const registries = new WeakMap<Machine, ImageRegistry>();

/** Gives a machine its way to the registries. */
export function connectRegistry(machine: Machine, registry: ImageRegistry): void {
  registries.set(machine, registry);
}

/** The registry that a machine reaches; undefined when it is cut off from all of them. */
export const registryOf = (machine: Machine): ImageRegistry | undefined => registries.get(machine);

/** A reference taken apart as `distribution/reference` does: default domain docker.io, `library/`, tag `latest`. */
export interface Reference {
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: string | null;
  /** The whole normalised reference. */
  readonly text: string;
}

const REFERENCE =
  /^((?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::(\w[\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,}))?$/;

const parsed = new Map<string, Reference | undefined>();

/** Parses and normalises an image reference; undefined when it is not one ("invalid reference format"). */
export function parseReference(text: string): Reference | undefined {
  if (parsed.has(text)) return parsed.get(text);
  if (parsed.size > 10_000) parsed.clear();
  const reference = parse(text);
  parsed.set(text, reference);
  return reference;
}

function parse(text: string): Reference | undefined {
  const m = REFERENCE.exec(text);
  if (!m) return undefined;
  const name = m[1] as string;
  const digest = m[3] ?? null;
  const tag = m[2] ?? (digest ? null : 'latest');
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasDomain = first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase();
  const repository = hasDomain ? name : slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
  const suffix = `${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
  return { repository, tag, digest, text: repository + suffix };
}

/** A stand-in for sha256: 64 hexadecimal digits that depend on every character of `text`. */
export function digestOf(text: string): string {
  return `sha256:${hexOf(text)}`;
}

/** 64 hexadecimal digits that depend on every character of `text`. */
export function hexOf(text: string): string {
  let out = '';
  let h = hash32(text);
  for (let i = 0; i < 8; i++) {
    h = hash32(text, h ^ Math.imul(i + 1, 0x9e3779b9));
    out += h.toString(16).padStart(8, '0');
  }
  return out;
}
