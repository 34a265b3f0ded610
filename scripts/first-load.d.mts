import type { Plugin } from 'vite';

export function firstLoad(modules: readonly string[], kilobytes: number): Plugin;
