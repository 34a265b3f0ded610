// How an image's bytes are spread over layers.

import { digestOf, type Layer } from '../runtime/registry.ts';

/** Large images come in several layers, as they do; the digest of each is its own. */
export function layersOf(name: string, sizeBytes: number): readonly Layer[] {
  const shares = sizeBytes < 8_000_000 ? [1] : [0.45, 0.5, 0.04, 0.01];
  return shares.map((share, i) => ({ digest: digestOf(`${name} layer ${i}`), sizeBytes: Math.round(sizeBytes * share) }));
}
