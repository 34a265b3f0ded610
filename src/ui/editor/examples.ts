// Manifests to begin with, by subject. Each shows one idea.

import type { en } from '../i18n/en.ts';

export type ExampleKey = keyof typeof en.editor.examples;

interface Group {
  readonly key: keyof typeof en.editor.exampleGroups;
  readonly examples: readonly ExampleKey[];
}

export const GROUPS: readonly Group[] = [
  { key: 'workloads', examples: ['deployment', 'rollout', 'pod', 'statefulset', 'daemonset', 'job', 'cronjob', 'autoscaler', 'replication-controller'] },
  { key: 'life', examples: ['two-containers', 'init-container', 'sidecar', 'liveness', 'crash-loop', 'bad-image', 'out-of-memory', 'graceful-end'] },
  { key: 'configuration', examples: ['configmap', 'secret', 'volume-claim', 'dynamic-volume'] },
  { key: 'scheduling', examples: ['too-big', 'node-selector', 'toleration', 'spread', 'preemption'] },
  { key: 'limits', examples: ['quota', 'budget'] },
  { key: 'network', examples: ['node-port', 'load-balancer', 'ingress'] },
  { key: 'extending', examples: ['custom-resource'] },
];

/** The text of an example, below what it is about as a comment. The texts are loaded when the first is asked for. */
export async function exampleText(key: ExampleKey, hint: string): Promise<string> {
  const { MANIFESTS } = await import('./manifests.ts');
  const text = MANIFESTS[`./examples/${key}.yaml`] ?? '';
  return hint === '' ? text : `# ${hint}\n${text}`;
}
