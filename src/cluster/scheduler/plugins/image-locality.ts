// ImageLocality: rather where the images already are; the more nodes have an image, the more it counts (less herding).

import type { Container } from '../../api/generated/types.ts';
import { MAX_NODE_SCORE, type Plugin } from '../framework/types.ts';
import type { NodeInfo } from '../nodeinfo.ts';

const MB = 1024 * 1024;
const MIN_THRESHOLD = 23 * MB;
const MAX_CONTAINER_THRESHOLD = 1000 * MB;

interface State {
  readonly images: readonly string[];
  readonly totalNodes: number;
}

export const imageLocality: Plugin = {
  name: 'ImageLocality',
  preScore({ pod }, _, snapshot) {
    const images: string[] = [];
    for (const c of pod.spec.initContainers ?? []) images.push(withTag(c));
    for (const c of pod.spec.containers ?? []) images.push(withTag(c));
    const state: State = { images, totalNodes: snapshot.nodes.length };
    return { status: null, state };
  },
  score: (state: State, _, node) => imageScore(state, node),
};

export function imageScore({ images, totalNodes }: State, node: NodeInfo): number {
  if (node.images.size === 0) return 0;
  let sum = 0;
  for (const image of images) {
    const state = node.images.get(image);
    if (state) sum += Math.trunc(state.sizeBytes * (state.nodes.size / totalNodes));
  }
  const max = MAX_CONTAINER_THRESHOLD * images.length;
  const bounded = Math.min(Math.max(sum, MIN_THRESHOLD), max);
  return Math.trunc((MAX_NODE_SCORE * (bounded - MIN_THRESHOLD)) / (max - MIN_THRESHOLD));
}

/** The name as a node's status writes it, as far as the kubelet and this plugin agree upstream: with a tag. */
function withTag({ image = '' }: Container): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
