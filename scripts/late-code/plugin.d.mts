import type { Plugin } from 'vite';

export function lateCode(entry: string): Plugin;
