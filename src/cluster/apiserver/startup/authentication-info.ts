// What a server tells others of how it knows its callers: ConfigMap kube-system/extension-apiserver-authentication, from which
// aggregated API servers take the authorities they trust (pkg/controlplane/controller/clusterauthenticationtrust).

import type { ConfigMap } from '../../api/generated/types.ts';
import { type ApiObject, jsonEqual } from '../../api/meta.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Server } from '../server.ts';
import { ensure } from './ensure.ts';
import { mustResource } from '../../api/kinds.ts';

const NAME = 'extension-apiserver-authentication';
const NAMESPACE = 'kube-system';

/** Writes the map, or adds to it what this server knows otherwise. */
export function* publishAuthentication(server: Server): Op<void> {
  const data = authentication(server);
  if (Object.keys(data).length === 0) return;
  const at = { kind: mustResource('configmaps'), namespace: NAMESPACE, name: NAME };
  const wanted = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: NAMESPACE }, data } as unknown as ApiObject;
  const current = server.store.cached(at) as ConfigMap | undefined;
  if (!current) return yield* ensure(server, wanted);
  const next = { ...current.data, ...data };
  if (jsonEqual(next, current.data ?? {})) return;
  yield* server.store.update(at, function* (newest) {
    return { ...newest, data: next } as ApiObject;
  });
}

function authentication({ flags, os }: Server): Readonly<Record<string, string>> {
  const { requestHeader } = flags;
  const read = (path: string): string => (path !== '' && os.files.exists(path) ? os.files.read(path) : '');
  const clientCa = read(flags.clientCaFile);
  const proxyCa = read(requestHeader.clientCaFile);
  return {
    ...(clientCa === '' ? {} : { 'client-ca-file': clientCa }),
    ...(proxyCa === ''
      ? {}
      : {
          'requestheader-allowed-names': JSON.stringify(requestHeader.allowedNames),
          'requestheader-client-ca-file': proxyCa,
          'requestheader-extra-headers-prefix': JSON.stringify(requestHeader.extraHeadersPrefix),
          'requestheader-group-headers': JSON.stringify(requestHeader.groupHeaders),
          'requestheader-username-headers': JSON.stringify(requestHeader.usernameHeaders),
        }),
  };
}
