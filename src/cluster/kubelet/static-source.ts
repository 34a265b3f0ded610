// The file source of Pods (kubelet/config/file_linux.go): reads the manifest directory, watches it with inotify and says which
// static Pods came and went.

import type { Pod } from '../api/generated/types.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { podUid } from './context.ts';
import { ManifestError, parseStaticPod, type PodDecoder } from './static-pods.ts';

export interface StaticPodHandler {
  add(pod: Pod): void;
  remove(pod: Pod): void;
}

export class StaticSource {
  readonly #os: Os;
  readonly #directory: string;
  readonly #nodeName: string;
  readonly #decode: PodDecoder;
  readonly #handler: StaticPodHandler;
  /** By file name: its text and its Pod. */
  readonly #known = new Map<string, { readonly text: string; readonly pod: Pod | undefined }>();

  constructor(os: Os, directory: string, nodeName: string, decode: PodDecoder, handler: StaticPodHandler) {
    this.#os = os;
    this.#directory = directory;
    this.#nodeName = nodeName;
    this.#decode = decode;
    this.#handler = handler;
  }

  *run(): Op<void> {
    const { files } = this.#os.machine;
    if (!files.exists(this.#directory)) files.mkdir(this.#directory);
    const changes = files.watch(this.#directory);
    this.#scan();
    while ((yield* changes.receive()) !== undefined) this.#scan();
  }

  #scan(): void {
    const { files } = this.#os.machine;
    const names = files.list(this.#directory).filter((n) => !n.startsWith('.') && !files.isDirectory(`${this.#directory}/${n}`));
    for (const [name, { pod }] of this.#known) {
      if (names.includes(name)) continue;
      this.#known.delete(name);
      if (pod) this.#handler.remove(pod);
    }
    for (const name of names) {
      const text = files.read(`${this.#directory}/${name}`);
      const before = this.#known.get(name);
      if (before?.text === text) continue;
      const pod = this.#parse(name, text);
      this.#known.set(name, { text, pod });
      if (before?.pod && (!pod || podUid(before.pod) !== podUid(pod))) this.#handler.remove(before.pod);
      if (pod) this.#handler.add(pod);
    }
  }

  #parse(name: string, text: string): Pod | undefined {
    const path = `${this.#directory}/${name}`;
    try {
      return parseStaticPod(path, text, this.#nodeName, this.#os.sim.microTime(), this.#decode);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      this.#os.logError(`"Could not process manifest file" path="${path}" err="${error.message}"`);
      return undefined;
    }
  }
}
