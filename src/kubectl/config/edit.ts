// Changing kubeconfig files: each entry in the file that has it, a new one in the first that exists (clientcmd.ModifyConfig).

import type { Context } from '../context.ts';
import { EMPTY, type Kubeconfig, kubeconfigText, loadKubeconfigs, parseKubeconfig, type Sources, sourcesOf } from './kubeconfig.ts';

export type Section = 'clusters' | 'users' | 'contexts';

export class ConfigFiles {
  readonly #context: Context;
  readonly sources: Sources;

  constructor(context: Context) {
    this.#context = context;
    this.sources = sourcesOf(context.os, context.flags.text('kubeconfig'));
  }

  /** All files merged; a --kubeconfig that is not there yet is empty. */
  merged(): Kubeconfig {
    const { os } = this.#context;
    if (this.sources.explicit !== undefined && !os.files.exists(this.sources.explicit)) return EMPTY;
    return loadKubeconfigs(os, this.sources);
  }

  /** Where messages say that the configuration is. */
  get name(): string {
    return this.sources.target;
  }

  setCurrentContext(name: string): void {
    const path = this.sources.files.find((file) => this.#read(file).currentContext !== '') ?? this.sources.target;
    this.#write(path, { ...this.#read(path), currentContext: name });
  }

  setPreferences(preferences: Kubeconfig['preferences']): void {
    this.#write(this.sources.target, { ...this.#read(this.sources.target), preferences });
  }

  /** Sets an entry, or (undefined) removes it. */
  set(section: Section, name: string, entry: Readonly<Record<string, unknown>> | undefined): void {
    const path = this.sources.files.find((file) => this.#read(file)[section].has(name)) ?? this.sources.target;
    const config = this.#read(path);
    const map = new Map<string, Readonly<Record<string, unknown>>>(config[section]);
    if (entry === undefined) map.delete(name);
    else map.set(name, entry);
    this.#write(path, { ...config, [section]: map } as Kubeconfig);
  }

  #read(path: string): Kubeconfig {
    const { files } = this.#context.os;
    return files.exists(path) ? parseKubeconfig(files.read(path), path) : EMPTY;
  }

  #write(path: string, config: Kubeconfig): void {
    this.#context.os.files.write(path, kubeconfigText(config), 0o600);
  }
}
