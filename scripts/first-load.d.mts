import type { Plugin } from 'vite';

export function firstLoad(modules: readonly string[], kilobytes: number): Plugin;

export interface CodeGroup {
  readonly name: string;
  readonly test: (id: string) => boolean;
}

export function onePage(start: string, main: string): { readonly group: CodeGroup; readonly plugin: Plugin };
