// The command line of kube-apiserver, as far as this one knows it. The names are upstream's.

import type { EtcdEndpoint } from './storage/etcd.ts';

export interface Flags {
  readonly advertiseAddress: string;
  readonly securePort: number;
  readonly etcdServers: readonly string[];
  readonly etcdCertFile: string;
  readonly clientCaFile: string;
  /** --requestheader-…: how a front proxy says for whom it asks. */
  readonly requestHeader: {
    readonly clientCaFile: string;
    readonly allowedNames: readonly string[];
    readonly extraHeadersPrefix: readonly string[];
    readonly groupHeaders: readonly string[];
    readonly usernameHeaders: readonly string[];
  };
  readonly tlsCertFile: string;
  readonly serviceAccountKeyFile: string;
  readonly serviceAccountSigningKeyFile: string;
  readonly serviceAccountIssuer: string;
  readonly serviceAccountJwksUri: string;
  /** --api-audiences; default: the issuer. */
  readonly apiAudiences: readonly string[];
  /** --service-account-extend-token-expiration. */
  readonly extendTokens: boolean;
  readonly bootstrapTokenAuth: boolean;
  /** In order: Node, RBAC, AlwaysAllow, AlwaysDeny. */
  readonly authorizationMode: readonly string[];
  readonly auditPolicyFile: string;
  /** `-` is standard output. */
  readonly auditLogPath: string;
  readonly encryptionProviderConfig: string;
  readonly maxRequestsInflight: number;
  readonly maxMutatingRequestsInflight: number;
  readonly kubeletClientCertificate: string;
  /** Shown to aggregated API servers. */
  readonly proxyClientCertFile: string;
  /** CIDR; the first address becomes the Service default/kubernetes. */
  readonly serviceClusterIpRange: string;
  /** Inclusive. */
  readonly serviceNodePortRange: { readonly from: number; readonly to: number };
  readonly anonymousAuth: boolean;
  /** Seconds that events are kept. */
  readonly eventTtl: number;
  /** Seconds a watch lives at least when the client says nothing. */
  readonly minRequestTimeout: number;
  readonly enableAdmission: readonly string[];
  readonly disableAdmission: readonly string[];
}

const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** Reads `--name=value` and `--name value`; unknown flags are left alone. */
export function readFlags(argv: readonly string[]): Flags {
  const given = new Map<string, string>();
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i] as string;
    if (!arg.startsWith('--')) continue;
    const equals = arg.indexOf('=');
    if (equals > 0) given.set(arg.slice(2, equals), arg.slice(equals + 1));
    else given.set(arg.slice(2), argv[i + 1]?.startsWith('--') === false ? (argv[++i] as string) : 'true');
  }
  const text = (name: string, fallback: string): string => given.get(name) ?? fallback;
  const list = (name: string, fallback: string): readonly string[] =>
    text(name, fallback)
      .split(',')
      .filter((part) => part !== '');
  const [from, to] = text('service-node-port-range', '30000-32767').split('-').map(Number) as [number, number];
  return {
    advertiseAddress: text('advertise-address', ''),
    securePort: Number(text('secure-port', '6443')),
    etcdServers: list('etcd-servers', 'https://127.0.0.1:2379'),
    etcdCertFile: text('etcd-certfile', ''),
    clientCaFile: text('client-ca-file', ''),
    requestHeader: {
      clientCaFile: text('requestheader-client-ca-file', ''),
      allowedNames: list('requestheader-allowed-names', ''),
      extraHeadersPrefix: list('requestheader-extra-headers-prefix', ''),
      groupHeaders: list('requestheader-group-headers', ''),
      usernameHeaders: list('requestheader-username-headers', ''),
    },
    tlsCertFile: text('tls-cert-file', ''),
    serviceAccountKeyFile: text('service-account-key-file', ''),
    serviceAccountSigningKeyFile: text('service-account-signing-key-file', ''),
    serviceAccountIssuer: text('service-account-issuer', DEFAULT_ISSUER),
    serviceAccountJwksUri: text('service-account-jwks-uri', ''),
    apiAudiences: list('api-audiences', text('service-account-issuer', DEFAULT_ISSUER)),
    extendTokens: text('service-account-extend-token-expiration', 'true') !== 'false',
    bootstrapTokenAuth: text('enable-bootstrap-token-auth', 'false') === 'true',
    authorizationMode: list('authorization-mode', 'AlwaysAllow'),
    auditPolicyFile: text('audit-policy-file', ''),
    auditLogPath: text('audit-log-path', ''),
    encryptionProviderConfig: text('encryption-provider-config', ''),
    maxRequestsInflight: Number(text('max-requests-inflight', '400')),
    maxMutatingRequestsInflight: Number(text('max-mutating-requests-inflight', '200')),
    proxyClientCertFile: text('proxy-client-cert-file', ''),
    kubeletClientCertificate: text('kubelet-client-certificate', ''),
    serviceClusterIpRange: text('service-cluster-ip-range', '10.0.0.0/24'),
    serviceNodePortRange: { from, to },
    anonymousAuth: text('anonymous-auth', 'true') !== 'false',
    eventTtl: secondsOf(text('event-ttl', '1h0m0s')),
    minRequestTimeout: Number(text('min-request-timeout', '1800')),
    enableAdmission: list('enable-admission-plugins', ''),
    disableAdmission: list('disable-admission-plugins', ''),
  };
}

/** A Go duration in whole seconds. */
function secondsOf(duration: string): number {
  let seconds = 0;
  for (const [, n, unit] of duration.matchAll(/(\d+)(h|m|s)/g)) seconds += Number(n) * (unit === 'h' ? 3_600 : unit === 'm' ? 60 : 1);
  return seconds;
}

/** Host and port of an etcd URL. */
export function etcdEndpoint(url: string, certificate: string): EtcdEndpoint {
  const match = /^(https?):\/\/([^:/]+):(\d+)/.exec(url);
  if (!match) throw new Error(`invalid --etcd-servers value ${JSON.stringify(url)}`);
  const host = match[2] === 'localhost' ? '127.0.0.1' : (match[2] as string);
  return { host, port: Number(match[3]), tls: match[1] === 'https', ...(certificate === '' ? {} : { certificate }) };
}
