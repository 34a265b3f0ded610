// Where the reading of a KubeSchedulerConfiguration comes from: the host brings it when it has loaded it. A cluster as
// kubeadm makes it has no such file.

import type { SchedulerConfiguration } from './configuration.ts';

export type ConfigurationReader = (text: string) => SchedulerConfiguration;

let reader: ConfigurationReader | null = null;

/** To be called by the host once, with configuration.ts's `readConfiguration`. */
export function provideSchedulerConfiguration(read: ConfigurationReader): void {
  reader = read;
}

export function providedConfiguration(): ConfigurationReader {
  if (reader === null) throw new Error('reading of KubeSchedulerConfiguration: not loaded');
  return reader;
}
