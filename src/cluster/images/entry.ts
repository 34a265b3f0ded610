// One image of the catalogue as data.

import type { Program } from '../machine/process.ts';
import type { Image } from '../runtime/registry.ts';

export interface ImageEntry {
  /** Fully qualified: `docker.io/library/nginx`. */
  readonly repository: string;
  /**
   * The canonical tag that a tag stands for (tags with one canonical tag share a digest), or null when there is no such tag.
   * A list names the tags that exist, each standing for itself.
   */
  readonly tags: readonly string[] | ((tag: string) => string | null);
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env?: Readonly<Record<string, string>> | ((tag: string) => Readonly<Record<string, string>>);
  readonly user?: string;
  readonly workingDir?: string;
  readonly exposedPorts?: readonly number[];
  readonly stopSignal?: Image['stopSignal'];
  /** Of what a pull transfers. */
  readonly sizeBytes: number | ((tag: string) => number);
  readonly files?: Readonly<Record<string, string>> | ((tag: string) => Readonly<Record<string, string>>);
  readonly annotations?: Readonly<Record<string, string>>;
  readonly program: Program;
  /** In place of `program`, where it depends on the version. */
  readonly programOf?: (tag: string) => Program;
  readonly hasExecutable?: (name: string) => boolean;
}

/** An image, or why the registry gives none. */
export type Resolved = Image | 'not-found' | 'unauthorized' | 'unreachable';

/** Makes an image for a reference that no entry covers. */
export type Fallback = (repository: string, tag: string) => Resolved;
