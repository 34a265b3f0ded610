// Credentials for registries out of a Pod's imagePullSecrets (pkg/credentialprovider DockerKeyring): the most exact entry for an
// image's repository first.

import { fromBase64 } from '../api/base64.ts';
import type { Secret } from '../api/generated/types.ts';
import type { RegistryAuth } from '../runtime/registry.ts';
import { decodeData } from './api-volumes.ts';

interface Entry {
  readonly host: string;
  readonly path: string;
  readonly auth: RegistryAuth;
}

type Auths = Readonly<Record<string, { readonly username?: string; readonly password?: string; readonly auth?: string }>>;

/** The credentials that fit `repository` (`docker.io/library/nginx`), best first. */
export function credentialsFor(repository: string, secrets: readonly Secret[]): readonly RegistryAuth[] {
  const slash = repository.indexOf('/');
  const host = repository.slice(0, slash);
  const path = repository.slice(slash);
  const fitting: Entry[] = [];
  for (const secret of secrets) {
    for (const entry of entriesOf(secret)) if (fits(entry.host, host) && path.startsWith(entry.path)) fitting.push(entry);
  }
  return fitting.sort((a, b) => b.path.length - a.path.length).map((entry) => entry.auth);
}

/** A star stands for any text within one part of a host's name. */
function fits(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  if (!pattern.includes('*')) return false;
  const escaped = pattern.split('*').map((piece) => piece.replace(/[.:]/g, '\\$&'));
  return new RegExp(`^${escaped.join('[^.:]*')}$`).test(host);
}

function entriesOf(secret: Secret): readonly Entry[] {
  const data = decodeData(secret);
  const modern = data['.dockerconfigjson'];
  const text = secret.type === 'kubernetes.io/dockerconfigjson' ? modern : secret.type === 'kubernetes.io/dockercfg' ? data['.dockercfg'] : undefined;
  if (text === undefined) return [];
  let auths: Auths;
  try {
    const parsed = JSON.parse(text) as { readonly auths?: Auths } & Auths;
    auths = (secret.type === 'kubernetes.io/dockercfg' ? parsed : parsed.auths) ?? {};
  } catch {
    return [];
  }
  return Object.entries(auths).map(([server, { username, password, auth }]) => {
    const pair = (auth === undefined ? undefined : fromBase64(auth)) ?? `${username ?? ''}:${password ?? ''}`;
    const colon = pair.indexOf(':');
    return { ...placeOf(server), auth: { username: username ?? pair.slice(0, colon), password: password ?? pair.slice(colon + 1) } };
  });
}

/** `https://index.docker.io/v1/` is Docker Hub, and a version at the end means nothing. */
function placeOf(server: string): { readonly host: string; readonly path: string } {
  const bare = server.replace(/^https?:\/\//, '').replace(/\/v[12]\/?$/, '').replace(/\/$/, '');
  const slash = bare.indexOf('/');
  const host = slash < 0 ? bare : bare.slice(0, slash);
  return { host: host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host, path: slash < 0 ? '/' : bare.slice(slash) };
}
