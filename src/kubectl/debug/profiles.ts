// The profiles of kubectl debug: which rights the container gets, and what a copy of a Pod keeps (kubectl/pkg/cmd/debug/profiles.go).

import type { Container, PodSpec, SecurityContext } from '../../cluster/api/generated/types.ts';
import type { Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';

export type Style = 'ephemeral' | 'copy' | 'node';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type DraftContainer = Mutable<Container>;

/** A Pod that is being made. */
export interface Draft {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>> };
  spec: Mutable<Omit<PodSpec, 'containers'>> & { containers: DraftContainer[] };
}

const PROFILES = ['legacy', 'general', 'baseline', 'restricted', 'netadmin', 'sysadmin'];

/** Throws CommandError for a profile that is not known. */
export function checkProfile(profile: string): void {
  if (!PROFILES.includes(profile)) throw new CommandError(`unknown profile: ${profile}`);
}

const secured = (container: DraftContainer, change: Partial<SecurityContext>): void => {
  container.securityContext = { ...container.securityContext, ...change };
};

function addCapabilities(container: DraftContainer, ...names: readonly string[]): void {
  const capabilities = container.securityContext?.capabilities;
  const had = capabilities?.add ?? [];
  secured(container, { capabilities: { ...capabilities, add: [...had, ...names.filter((name) => !had.includes(name))] } });
}

/** What the profile does to the debugging container. */
function grant(container: DraftContainer, profile: string, style: Style): void {
  switch (profile) {
    case 'general':
      if (style === 'node') delete container.securityContext;
      else addCapabilities(container, 'SYS_PTRACE');
      return;
    case 'baseline':
      delete container.securityContext;
      return;
    case 'restricted':
      container.securityContext = { runAsNonRoot: true, capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false, seccompProfile: { type: 'RuntimeDefault' } };
      return;
    case 'netadmin':
      addCapabilities(container, 'NET_ADMIN', 'NET_RAW');
      return;
    case 'sysadmin':
      secured(container, { privileged: true });
  }
}

function enterNode(pod: Draft, container: DraftContainer, profile: string): void {
  if (profile === 'baseline' || profile === 'restricted') return;
  const { spec } = pod;
  spec.hostNetwork = true;
  spec.hostPID = true;
  spec.hostIPC = true;
  if (profile === 'netadmin') return;
  spec.volumes = [...(spec.volumes ?? []), { name: 'host-root', hostPath: { path: '/' } }];
  container.volumeMounts = [...(container.volumeMounts ?? []), { mountPath: '/host', name: 'host-root' }];
}

function trimCopy(pod: Draft, flags: Flags, profile: string): void {
  const { metadata, spec } = pod;
  if (profile === 'legacy' || !flags.is('keep-labels')) delete metadata.labels;
  if (profile === 'legacy') return;
  if (!flags.is('keep-annotations')) delete metadata.annotations;
  for (const container of spec.containers) {
    if (!flags.is('keep-liveness')) delete container.livenessProbe;
    if (!flags.is('keep-readiness')) delete container.readinessProbe;
    if (!flags.is('keep-startup')) delete container.startupProbe;
  }
  if (!flags.is('keep-init-containers')) delete spec.initContainers;
  spec.shareProcessNamespace ??= true;
}

/** Changes the Pod and its debugging container as --profile says. */
export function applyProfile(pod: Draft | null, container: DraftContainer, flags: Flags, style: Style): void {
  const profile = flags.text('profile');
  if (pod !== null && style === 'node') enterNode(pod, container, profile);
  if (pod !== null && style === 'copy') trimCopy(pod, flags, profile);
  grant(container, profile, style);
}
