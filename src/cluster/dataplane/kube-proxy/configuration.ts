// What kube-proxy reads of its configuration file (kubeproxy.config.k8s.io/v1alpha1), with upstream's defaults
// (pkg/proxy/apis/config/v1alpha1/defaults.go).

import { parseYaml } from '../../api/yaml.ts';
import { HOUR, MILLISECOND, MINUTE, type Micros, SECOND } from '../../sim/time.ts';

interface ModeSettings {
  readonly masqueradeAll?: boolean;
  readonly masqueradeBit?: number | null;
  readonly minSyncPeriod?: string;
  readonly syncPeriod?: string;
}

interface File {
  readonly clientConnection?: { readonly kubeconfig?: string };
  readonly clusterCIDR?: string;
  readonly conntrack?: { readonly tcpBeLiberal?: boolean };
  readonly detectLocal?: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string };
  readonly detectLocalMode?: string;
  readonly healthzBindAddress?: string;
  readonly iptables?: ModeSettings & { readonly localhostNodePorts?: boolean | null };
  readonly ipvs?: ModeSettings & { readonly scheduler?: string; readonly strictARP?: boolean };
  readonly metricsBindAddress?: string;
  readonly mode?: string;
  readonly nftables?: ModeSettings;
  readonly nodePortAddresses?: readonly string[] | null;
}

export type ModeName = 'iptables' | 'ipvs' | 'nftables';

export interface ProxyConfiguration {
  readonly mode: ModeName;
  readonly kubeconfig: string;
  readonly clusterCidr: string;
  readonly detectLocalMode: string;
  readonly bridgeInterface: string;
  readonly interfaceNamePrefix: string;
  readonly masqueradeAll: boolean;
  readonly masqueradeMark: number;
  readonly localhostNodePorts: boolean;
  readonly tcpLiberal: boolean;
  /** null: every address of the node. */
  readonly nodePortAddresses: readonly string[] | null;
  readonly minSyncPeriod: Micros;
  readonly syncPeriod: Micros;
  readonly scheduler: string;
  readonly metrics: { readonly address: string; readonly port: number };
}

/** Reads the file; throws an Error in kube-proxy's words when it is not valid. */
export function readConfiguration(text: string): ProxyConfiguration {
  const file = (parseYaml(text) ?? {}) as File;
  const mode = file.mode === undefined || file.mode === '' ? 'iptables' : file.mode;
  if (mode !== 'iptables' && mode !== 'ipvs' && mode !== 'nftables') {
    throw new Error(
      `KubeProxyConfiguration.ProxyMode.Mode: Invalid value: "${mode}": must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently iptables])`,
    );
  }
  const own: ModeSettings = file[mode] ?? {};
  const [address, port] = splitHostPort(file.metricsBindAddress ?? '', '127.0.0.1', 10_249);
  return {
    mode,
    kubeconfig: file.clientConnection?.kubeconfig ?? '/var/lib/kube-proxy/kubeconfig.conf',
    clusterCidr: (file.clusterCIDR ?? '').split(',')[0] ?? '',
    detectLocalMode: file.detectLocalMode || 'ClusterCIDR',
    bridgeInterface: file.detectLocal?.bridgeInterface ?? '',
    interfaceNamePrefix: file.detectLocal?.interfaceNamePrefix ?? '',
    masqueradeAll: own.masqueradeAll ?? false,
    masqueradeMark: 2 ** (own.masqueradeBit ?? file.iptables?.masqueradeBit ?? 14),
    localhostNodePorts: file.iptables?.localhostNodePorts ?? true,
    tcpLiberal: file.conntrack?.tcpBeLiberal ?? false,
    nodePortAddresses: file.nodePortAddresses == null || file.nodePortAddresses.length === 0 ? (mode === 'nftables' ? ['primary'] : null) : file.nodePortAddresses,
    minSyncPeriod: duration(own.minSyncPeriod) || (mode === 'ipvs' ? 0 : SECOND),
    syncPeriod: duration(own.syncPeriod) || 30 * SECOND,
    scheduler: file.ipvs?.scheduler || 'rr',
    metrics: { address, port },
  };
}

function splitHostPort(text: string, host: string, port: number): [string, number] {
  if (text === '') return [host, port];
  const colon = text.lastIndexOf(':');
  return colon < 0 ? [text, port] : [text.slice(0, colon) || '0.0.0.0', Number(text.slice(colon + 1))];
}

const UNITS: Readonly<Record<string, Micros>> = { ms: MILLISECOND, s: SECOND, m: MINUTE, h: HOUR };

/** A Go duration such as 1m30s. */
function duration(text: string | undefined): Micros {
  let total = 0;
  for (const [, number = '', unit = ''] of (text ?? '').matchAll(/([\d.]+)(ms|s|m|h)/g)) total += Number(number) * (UNITS[unit] ?? 0);
  return total;
}
