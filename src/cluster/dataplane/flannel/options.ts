// The command line of flanneld (main.go): flags as `--name=value`, `--name value`, or in the environment as FLANNELD_NAME.

import type { Os } from '../../machine/process.ts';

export interface FlannelOptions {
  readonly kubeSubnetManager: boolean;
  readonly etcdEndpoints: readonly string[];
  readonly etcdPrefix: string;
  readonly etcdKeyFile: string;
  readonly etcdCertFile: string;
  readonly etcdCaFile: string;
  readonly ipMasq: boolean;
  readonly randomFully: boolean;
  readonly interfaces: readonly string[];
  readonly publicIp: string;
  readonly subnetFile: string;
  /** Minutes before its end at which a lease is renewed. */
  readonly renewMargin: number;
  readonly healthzPort: number;
  /** Seconds. */
  readonly resync: number;
  readonly forwardRules: boolean;
  readonly netConfPath: string;
  readonly setNetworkUnavailable: boolean;
  /** All of them, as the first line of the log shows them. */
  readonly shown: string;
}

/** Name, what the log calls it, what it is without being given. */
const FLAGS: readonly (readonly [name: string, field: string, standard: string])[] = [
  ['etcd-endpoints', 'etcdEndpoints', 'http://127.0.0.1:4001,http://127.0.0.1:2379'], ['etcd-prefix', 'etcdPrefix', '/coreos.com/network'], ['etcd-keyfile', 'etcdKeyfile', ''], ['etcd-certfile', 'etcdCertfile', ''],
  ['etcd-cafile', 'etcdCAFile', ''], ['etcd-username', 'etcdUsername', ''], ['etcd-password', 'etcdPassword', ''], ['version', 'version', 'false'], ['kube-subnet-mgr', 'kubeSubnetMgr', 'false'], ['kube-api-url', 'kubeApiUrl', ''],
  ['kube-annotation-prefix', 'kubeAnnotationPrefix', 'flannel.alpha.coreos.com'], ['kubeconfig-file', 'kubeConfigFile', ''], ['iface', 'iface', '[]'], ['iface-regex', 'ifaceRegex', '[]'], ['ip-masq', 'ipMasq', 'false'],
  ['ip-masq-fully-random-disable', 'ipMasqRandomFullyDisable', 'false'], ['iface-can-reach', 'ifaceCanReach', ''], ['subnet-file', 'subnetFile', '/run/flannel/subnet.env'], ['public-ip', 'publicIP', ''], ['public-ipv6', 'publicIPv6', ''],
  ['subnet-lease-renew-margin', 'subnetLeaseRenewMargin', '60'], ['healthz-ip', 'healthzIP', '0.0.0.0'], ['healthz-port', 'healthzPort', '0'], ['iptables-resync', 'iptablesResyncSeconds', '5'], ['iptables-forward-rules', 'iptablesForwardRules', 'true'],
  ['ip-blackhole-route', 'blackholeRoute', 'false'], ['net-config-path', 'netConfPath', '/etc/kube-flannel/net-conf.json'], ['set-node-network-unavailable', 'setNodeNetworkUnavailable', 'true'],
];
const SWITCHES = new Set(FLAGS.filter(([, , standard]) => standard === 'true' || standard === 'false').map(([name]) => name));

export function flannelOptions({ argv, env }: Pick<Os, 'argv' | 'env'>): FlannelOptions {
  const given = new Map<string, string>();
  const put = (name: string, value: string): void => void given.set(name, name === 'iface' || name === 'iface-regex' ? `[${[...(given.get(name)?.slice(1, -1).split(' ') ?? []), value].join(' ')}]` : value);
  for (let i = 1; i < argv.length; i++) {
    const [, name, value] = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(argv[i] as string) ?? [];
    if (name === undefined) continue;
    if (value !== undefined) put(name, value);
    else if (SWITCHES.has(name)) put(name, 'true');
    else put(name, argv[++i] ?? '');
  }
  const values = new Map(FLAGS.map(([name, , standard]) => [name, given.get(name) ?? env[`FLANNELD_${name.toUpperCase().replaceAll('-', '_')}`] ?? standard]));
  const text = (name: string): string => values.get(name) as string;
  return {
    kubeSubnetManager: text('kube-subnet-mgr') === 'true',
    etcdEndpoints: text('etcd-endpoints').split(','),
    etcdPrefix: text('etcd-prefix'),
    etcdKeyFile: text('etcd-keyfile'),
    etcdCertFile: text('etcd-certfile'),
    etcdCaFile: text('etcd-cafile'),
    ipMasq: text('ip-masq') === 'true',
    randomFully: text('ip-masq-fully-random-disable') !== 'true',
    interfaces: text('iface').slice(1, -1).split(' ').filter((name) => name !== ''),
    publicIp: text('public-ip'),
    subnetFile: text('subnet-file'),
    renewMargin: Number(text('subnet-lease-renew-margin')),
    healthzPort: Number(text('healthz-port')),
    resync: Number(text('iptables-resync')),
    forwardRules: text('iptables-forward-rules') === 'true',
    netConfPath: text('net-config-path'),
    setNetworkUnavailable: text('set-node-network-unavailable') === 'true',
    shown: `{${FLAGS.map(([name, field]) => `${field}:${text(name)}`).join(' ')}}`,
  };
}
