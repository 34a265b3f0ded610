// The texts of all examples.

export const MANIFESTS: Readonly<Record<string, string>> = import.meta.glob<string>('./examples/*.yaml', { eager: true, query: '?raw', import: 'default' });
