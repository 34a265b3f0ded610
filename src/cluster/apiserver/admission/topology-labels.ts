// PodTopologyLabels: a Pod that comes to a node gets the node's zone and region as its own labels (plugin/pkg/admission/podtopologylabels).

import type { Server } from '../server.ts';

const KEYS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'] as const;

type Labels = Readonly<Record<string, string>>;

/** The labels with those of the node; the same object when the node has none. */
export function withTopology(server: Server, nodeName: string, labels: Labels | undefined): Labels | undefined {
  const node = server.store.cache.ofKey('nodes').get(nodeName);
  const own = node?.metadata['labels'] as Labels | undefined;
  if (!own || (own[KEYS[0]] === undefined && own[KEYS[1]] === undefined)) return labels;
  const out: Record<string, string> = { ...labels };
  for (const key of KEYS) if (own[key] !== undefined) out[key] = own[key];
  return out;
}
