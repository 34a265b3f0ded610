// How kube-proxy tells traffic of the node's own Pods from other traffic (detectLocalMode, pkg/proxy/util/localdetector.go).

import type { ProxyConfiguration } from './configuration.ts';
import type { LocalDetector } from './port-rules.ts';

/** Null: it cannot tell; then nothing depends on it. */
export function localDetector(config: ProxyConfiguration, podCidr: string | undefined): LocalDetector | null {
  const cidr = (text: string): LocalDetector | null => (text === '' ? null : { kind: 'cidr', cidr: text });
  switch (config.detectLocalMode) {
    case 'NodeCIDR':
      return cidr(podCidr ?? '');
    case 'BridgeInterface':
      return config.bridgeInterface === '' ? null : { kind: 'interface', name: config.bridgeInterface };
    case 'InterfaceNamePrefix':
      return config.interfaceNamePrefix === '' ? null : { kind: 'interface', name: `${config.interfaceNamePrefix}+` };
    default:
      return cidr(config.clusterCidr);
  }
}
