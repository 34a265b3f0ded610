// What of CoreDNS a new cluster does not start with: the plug-ins that its Corefile does not name, the text of /metrics, SHA-512.

import type { Metrics } from './metrics.ts';
import type { Setup } from './plugin.ts';

export interface CoreDnsExtras {
  readonly plugins: Readonly<Record<string, Setup>>;
  readonly metricsText: (metrics: Metrics) => string;
  /** Of ASCII text, as hexadecimal digits. */
  readonly sha512: (text: string) => string;
}

let provided: CoreDnsExtras | null = null;

/** Given by the host. */
export function provideCoreDnsExtras(extras: CoreDnsExtras): void {
  provided = extras;
}

export const providedExtras = (): CoreDnsExtras | null => provided;
