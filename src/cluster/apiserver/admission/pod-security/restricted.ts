// The checks that the level restricted adds.

import type { Container, PodSpec, Volume } from '../../../api/generated/types.ts';
import {
  type Check,
  containersOf,
  containersText,
  hasOwnUsers,
  isWindows,
  namesWhere,
  plural,
  quoted,
  setters,
  sortedSet,
  type Verdict,
} from './check.ts';

const VOLUMES = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret']);

export const RESTRICTED: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', since: 8, run: allowPrivilegeEscalation },
  { id: 'capabilities_restricted', since: 22, overrides: ['capabilities_baseline'], run: capabilities },
  { id: 'restrictedVolumes', since: 0, overrides: ['hostPathVolumes'], run: volumes },
  { id: 'runAsNonRoot', since: 0, run: runAsNonRoot },
  { id: 'runAsUser', since: 23, run: runAsUser },
  { id: 'seccompProfile_restricted', since: 19, overrides: ['seccompProfile_baseline'], run: seccompProfile },
];

function allowPrivilegeEscalation(spec: PodSpec, _: unknown, minor: number): Verdict {
  if (minor >= 25 && isWindows(spec)) return null;
  const names = namesWhere(spec, (c) => c.securityContext?.allowPrivilegeEscalation !== false);
  if (names.length === 0) return null;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containersText(names)} must set securityContext.allowPrivilegeEscalation=false`,
  };
}

function capabilities(spec: PodSpec, _: unknown, minor: number): Verdict {
  if (minor >= 25 && isWindows(spec)) return null;
  const keeping = namesWhere(spec, (c) => !c.securityContext?.capabilities?.drop?.includes('ALL'));
  const forbidden = (c: Container): readonly string[] =>
    (c.securityContext?.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
  const adding = namesWhere(spec, (c) => forbidden(c).length > 0);
  const details: string[] = [];
  if (keeping.length > 0) details.push(`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const what = quoted(sortedSet(containersOf(spec).flatMap(forbidden)));
    details.push(`${containersText(adding)} must not include ${what} in securityContext.capabilities.add`);
  }
  return details.length === 0 ? null : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function volumes({ volumes: all = [] }: PodSpec): Verdict {
  const typeOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
  const bad = all.filter((volume) => !VOLUMES.has(typeOf(volume)));
  if (bad.length === 0) return null;
  const types = sortedSet(bad.map(typeOf));
  const who = `${plural('volume', 'volumes', bad.length)} ${quoted(bad.map((v) => v.name))} ${plural('uses', 'use', bad.length)}`;
  return {
    reason: 'restricted volume types',
    detail: `${who} restricted volume ${plural('type', 'types', types.length)} ${quoted(types)}`,
  };
}

function runAsNonRoot(spec: PodSpec, _: unknown, minor: number): Verdict {
  if (minor >= 35 && hasOwnUsers(spec)) return null;
  const pod = spec.securityContext?.runAsNonRoot;
  const bad = setters(
    pod === false,
    namesWhere(spec, (c) => c.securityContext?.runAsNonRoot === false),
  );
  if (bad !== '') return { reason: 'runAsNonRoot != true', detail: `${bad} must not set securityContext.runAsNonRoot=false` };
  const silent = pod ? [] : namesWhere(spec, (c) => c.securityContext?.runAsNonRoot === undefined);
  return silent.length === 0
    ? null
    : { reason: 'runAsNonRoot != true', detail: `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true` };
}

function runAsUser(spec: PodSpec, _: unknown, minor: number): Verdict {
  if (minor >= 35 && hasOwnUsers(spec)) return null;
  const who = setters(
    spec.securityContext?.runAsUser === 0,
    namesWhere(spec, (c) => c.securityContext?.runAsUser === 0),
  );
  return who === '' ? null : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
}

interface Profile {
  readonly type: string;
}

function seccompProfile(spec: PodSpec, _: unknown, minor: number): Verdict {
  if (minor >= 25 && isWindows(spec)) return null;
  const isGood = (profile: Profile): boolean => profile.type === 'RuntimeDefault' || profile.type === 'Localhost';
  const isBad = (profile: Profile | undefined): boolean => profile !== undefined && !isGood(profile);
  const own = spec.securityContext?.seccompProfile;
  const bad = setters(
    isBad(own),
    namesWhere(spec, (c) => isBad(c.securityContext?.seccompProfile)),
  );
  if (bad !== '') {
    const all = [own, ...containersOf(spec).map((c) => c.securityContext?.seccompProfile)].filter(isBad) as Profile[];
    const types = quoted(sortedSet(all.map((p) => p.type)));
    return { reason: 'seccompProfile', detail: `${bad} must not set securityContext.seccompProfile.type to ${types}` };
  }
  const silent = own ? [] : namesWhere(spec, (c) => c.securityContext?.seccompProfile === undefined);
  if (silent.length === 0) return null;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${containersText(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}
