// Names of kube-proxy's chains (pkg/proxy/iptables): a prefix and 16 characters of the base32 of a SHA-256.

import { base32, sha256 } from '../sha256.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** `namespace/name:port`, without `:port` when the port has no name (types.ServicePortName). */
export const servicePortName = (namespace: string, name: string, port: string): string =>
  port === '' ? `${namespace}/${name}` : `${namespace}/${name}:${port}`;

/** The 16 characters that a Service port's chains KUBE-SVC-, KUBE-SVL-, KUBE-EXT- and KUBE-FW- share. */
export const serviceHash = (portName: string, protocol: Protocol): string => base32(sha256(portName + protocol), 16);

/** The 16 characters of KUBE-SEP-; `endpoint` is `ip:port`. */
export const endpointHash = (portName: string, protocol: Protocol, endpoint: string): string =>
  base32(sha256(portName + protocol + endpoint), 16);
