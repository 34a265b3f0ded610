// The checks of the level baseline.

import type { Container, PodSpec } from '../../../api/generated/types.ts';
import {
  type Check,
  containersOf,
  containersText,
  hasOwnUsers,
  namesWhere,
  plural,
  quoted,
  setters,
  sortedSet,
  type Verdict,
} from './check.ts';

const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const CAPABILITIES = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const SELINUX_TYPES = new Set([undefined, '', 'container_t', 'container_init_t', 'container_kvm_t']);
/** Sysctls that are safe, with the minor version since which they count as such. */
const SYSCTLS: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

export const BASELINE: readonly Check[] = [
  { id: 'appArmorProfile', since: 0, run: appArmor },
  { id: 'capabilities_baseline', since: 0, run: capabilities },
  { id: 'hostNamespaces', since: 0, run: hostNamespaces },
  { id: 'hostPathVolumes', since: 0, run: hostPathVolumes },
  { id: 'hostPorts', since: 0, run: hostPorts },
  { id: 'hostProbesAndHostLifecycle', since: 34, run: hostsOfProbes },
  { id: 'privileged', since: 0, run: privileged },
  { id: 'procMount', since: 0, run: procMount },
  { id: 'seLinuxOptions', since: 0, run: seLinuxOptions },
  { id: 'seccompProfile_baseline', since: 0, run: seccompProfile },
  { id: 'sysctls', since: 0, run: sysctls },
  { id: 'windowsHostProcess', since: 0, run: windowsHostProcess },
];

function appArmor(spec: PodSpec, { annotations }: { readonly annotations?: Readonly<Record<string, string>> }): Verdict {
  const bad: string[] = [];
  const fields: string[] = [];
  const unconfined = (profile: { readonly type: string } | undefined): boolean => profile !== undefined && profile.type === 'Unconfined';
  if (unconfined(spec.securityContext?.appArmorProfile)) fields.push('pod must not set AppArmor profile type to "Unconfined"');
  const names = namesWhere(spec, (c) => unconfined(c.securityContext?.appArmorProfile));
  if (names.length > 0) fields.push(`${containersText(names)} must not set AppArmor profile type to "Unconfined"`);
  for (const key in annotations) {
    const value = annotations[key] as string;
    if (key.startsWith(APP_ARMOR) && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'))
      bad.push(`${key}="${value}"`);
  }
  const all = [...fields, ...bad.sort()];
  return all.length === 0
    ? null
    : { reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', all.length), detail: all.join(', ') };
}

function capabilities(spec: PodSpec): Verdict {
  const forbidden = (c: Container): readonly string[] =>
    (c.securityContext?.capabilities?.add ?? []).filter((name) => !CAPABILITIES.has(name));
  const names = namesWhere(spec, (c) => forbidden(c).length > 0);
  if (names.length === 0) return null;
  const what = quoted(sortedSet(containersOf(spec).flatMap(forbidden)));
  return {
    reason: 'non-default capabilities',
    detail: `${containersText(names)} must not include ${what} in securityContext.capabilities.add`,
  };
}

function hostNamespaces(spec: PodSpec): Verdict {
  const shared = [spec.hostNetwork && 'hostNetwork=true', spec.hostPID && 'hostPID=true', spec.hostIPC && 'hostIPC=true'].filter(Boolean);
  return shared.length === 0 ? null : { reason: 'host namespaces', detail: shared.join(', ') };
}

function hostPathVolumes({ volumes = [] }: PodSpec): Verdict {
  const names = volumes.filter((v) => v.hostPath !== undefined).map((v) => v.name);
  return names.length === 0
    ? null
    : { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', names.length)} ${quoted(names)}` };
}

function hostPorts(spec: PodSpec): Verdict {
  const ports = (c: Container): readonly number[] => (c.ports ?? []).map((p) => p.hostPort ?? 0).filter((p) => p !== 0);
  const names = namesWhere(spec, (c) => ports(c).length > 0);
  if (names.length === 0) return null;
  const all = sortedSet(containersOf(spec).flatMap(ports).map(String));
  const use = plural('uses', 'use', names.length);
  return { reason: 'hostPort', detail: `${containersText(names)} ${use} ${plural('hostPort', 'hostPorts', all.length)} ${all.join(', ')}` };
}

function hostsOfProbes(spec: PodSpec): Verdict {
  const hosts = (c: Container): readonly string[] => {
    const handlers = [c.livenessProbe, c.readinessProbe, c.startupProbe, c.lifecycle?.postStart, c.lifecycle?.preStop];
    return handlers.flatMap((h) => [h?.httpGet?.host, h?.tcpSocket?.host]).filter((host) => host !== undefined && host !== '') as string[];
  };
  const names = namesWhere(spec, (c) => hosts(c).length > 0);
  if (names.length === 0) return null;
  const all = sortedSet(containersOf(spec).flatMap(hosts));
  const use = plural('uses', 'use', names.length);
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersText(names)} ${use} probe or lifecycle ${plural('host', 'hosts', all.length)} ${quoted(all)}`,
  };
}

function privileged(spec: PodSpec): Verdict {
  const names = namesWhere(spec, (c) => c.securityContext?.privileged === true);
  return names.length === 0
    ? null
    : { reason: 'privileged', detail: `${containersText(names)} must not set securityContext.privileged=true` };
}

function procMount(spec: PodSpec): Verdict {
  if (hasOwnUsers(spec)) return null;
  const odd = (c: Container): string => {
    const mount = c.securityContext?.procMount ?? 'Default';
    return mount === 'Default' ? '' : mount;
  };
  const names = namesWhere(spec, (c) => odd(c) !== '');
  if (names.length === 0) return null;
  const what = quoted(
    sortedSet(
      containersOf(spec)
        .map(odd)
        .filter((m) => m !== ''),
    ),
  );
  return { reason: 'procMount', detail: `${containersText(names)} must not set securityContext.procMount to ${what}` };
}

interface SeLinux {
  readonly type?: string;
  readonly user?: string;
  readonly role?: string;
}

function seLinuxOptions(spec: PodSpec, _: unknown, minor: number): Verdict {
  const types = new Set<string>();
  let user = false;
  let role = false;
  const isBad = (options: SeLinux | undefined): boolean => {
    if (!options) return false;
    const badType = !SELINUX_TYPES.has(options.type) && !(minor >= 31 && options.type === 'container_engine_t');
    if (badType) types.add(options.type as string);
    user ||= Boolean(options.user);
    role ||= Boolean(options.role);
    return badType || Boolean(options.user) || Boolean(options.role);
  };
  const who = setters(
    isBad(spec.securityContext?.seLinuxOptions),
    namesWhere(spec, (c) => isBad(c.securityContext?.seLinuxOptions)),
  );
  if (who === '') return null;
  const list = sortedSet(types);
  const data = [
    ...(list.length > 0 ? [`${plural('type', 'types', list.length)} ${quoted(list)}`] : []),
    ...(user ? ['user may not be set'] : []),
    ...(role ? ['role may not be set'] : []),
  ];
  return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` };
}

function seccompProfile(spec: PodSpec): Verdict {
  const isBad = (profile: { readonly type: string } | undefined): boolean =>
    profile !== undefined && profile.type !== 'RuntimeDefault' && profile.type !== 'Localhost';
  const own = spec.securityContext?.seccompProfile;
  const who = setters(
    isBad(own),
    namesWhere(spec, (c) => isBad(c.securityContext?.seccompProfile)),
  );
  if (who === '') return null;
  const all = [own, ...containersOf(spec).map((c) => c.securityContext?.seccompProfile)].filter(isBad) as { readonly type: string }[];
  return {
    reason: 'seccompProfile',
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(sortedSet(all.map((p) => p.type)))}`,
  };
}

function sysctls(spec: PodSpec, _: unknown, minor: number): Verdict {
  const bad = (spec.securityContext?.sysctls ?? [])
    .map((s) => s.name)
    .filter((name) => (SYSCTLS[name] ?? Number.POSITIVE_INFINITY) > minor);
  return bad.length === 0 ? null : { reason: 'forbidden sysctls', detail: bad.join(', ') };
}

function windowsHostProcess(spec: PodSpec): Verdict {
  const pod = spec.securityContext?.windowsOptions?.hostProcess === true;
  const who = setters(
    pod,
    namesWhere(spec, (c) => c.securityContext?.windowsOptions?.hostProcess === true),
  );
  return who === '' ? null : { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
}
