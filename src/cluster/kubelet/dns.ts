// Names inside a Pod: resolv.conf by dnsPolicy (kubelet/network/dns), hostname, and the managed /etc/hosts.

import type { Pod } from '../api/generated/types.ts';
import type { Files } from '../machine/files.ts';
import type { DnsConfig } from '../runtime/cri.ts';

export interface ClusterDns {
  readonly servers: readonly string[];
  readonly domain: string;
  /** The machine's own resolv.conf (resolvConf). */
  readonly hostFile: string;
}

const EMPTY: DnsConfig = { servers: [], searches: [], options: [] };

/** The Pod's resolver configuration. */
export function podDns(pod: Pod, dns: ClusterDns, files: Files): DnsConfig {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const hostNetwork = pod.spec?.hostNetwork === true;
  let base: DnsConfig;
  if (policy === 'None') base = EMPTY;
  else if (dns.servers.length > 0 && (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !hostNetwork))) {
    const namespace = pod.metadata?.namespace ?? 'default';
    const own = [`${namespace}.svc.${dns.domain}`, `svc.${dns.domain}`, dns.domain];
    base = { servers: dns.servers, searches: [...own, ...hostResolver(dns.hostFile, files).searches], options: ['ndots:5'] };
  } else base = hostResolver(dns.hostFile, files);
  const custom = pod.spec?.dnsConfig;
  if (!custom) return base;
  return {
    servers: unique([...base.servers, ...(custom.nameservers ?? [])]),
    searches: unique([...base.searches, ...(custom.searches ?? [])]),
    options: mergeOptions(base.options, (custom.options ?? []).map((o) => (o.value === undefined ? (o.name ?? '') : `${o.name ?? ''}:${o.value}`))),
  };
}

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)];

function mergeOptions(base: readonly string[], custom: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const option of [...base, ...custom]) byName.set(option.split(':')[0] as string, option);
  return [...byName.values()];
}

const parsed = new Map<string, DnsConfig>();

function hostResolver(path: string, files: Files): DnsConfig {
  if (path === '' || !files.exists(path)) return EMPTY;
  const text = files.read(path);
  let config = parsed.get(text);
  if (!config) {
    const servers: string[] = [];
    let searches: string[] = [];
    let options: string[] = [];
    for (const line of text.split('\n')) {
      const [word, ...rest] = line.trim().split(/\s+/);
      if (word === 'nameserver' && rest[0]) servers.push(rest[0]);
      else if (word === 'search') searches = rest;
      else if (word === 'options') options = rest;
    }
    config = { servers, searches, options };
    parsed.set(text, config);
  }
  return config;
}

/** The text of /etc/resolv.conf. */
export function resolvConf(dns: DnsConfig): string {
  let out = '';
  if (dns.searches.length > 0) out += `search ${dns.searches.join(' ')}\n`;
  for (const server of dns.servers) out += `nameserver ${server}\n`;
  if (dns.options.length > 0) out += `options ${dns.options.join(' ')}\n`;
  return out;
}

/** The Pod's host name: spec.hostname, else its name cut to 63 characters; the node's for host network. */
export function podHostname(pod: Pod, nodeName: string): string {
  if (pod.spec?.hostnameOverride) return pod.spec.hostnameOverride;
  if (pod.spec?.hostNetwork === true) return nodeName;
  return (pod.spec?.hostname || (pod.metadata?.name ?? '')).slice(0, 63).replace(/[-.]+$/, '');
}

/** What the kernel calls the machine in there: with setHostnameAsFQDN the whole name, as far as there is a subdomain. */
export function kernelHostname(pod: Pod, nodeName: string, domain: string): string {
  const name = podHostname(pod, nodeName);
  if (pod.spec?.setHostnameAsFQDN !== true || !pod.spec.subdomain || pod.spec.hostNetwork === true) return name;
  return `${name}.${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${domain}`;
}

/** The text of the managed /etc/hosts. */
export function podHosts(pod: Pod, podIp: string, hostname: string, domain: string): string {
  let out = '# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';
  out += 'fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n';
  const subdomain = pod.spec?.subdomain;
  const full = subdomain ? `${hostname}.${subdomain}.${pod.metadata?.namespace}.svc.${domain}` : '';
  if (podIp !== '') out += full === '' ? `${podIp}\t${hostname}\n` : `${podIp}\t${full}\t${hostname}\n`;
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length > 0) out += '\n# Entries added by HostAliases.\n';
  for (const alias of aliases) out += `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}\n`;
  return out;
}
