// Objects to be created, as a manifest file lists them: kubeadm's add-ons and the Pod network are lists of these.

import type { ResourceTypes } from '../api/generated/types.ts';
import { kindOf } from '../api/kinds.ts';
import type { ApiObject } from '../api/meta.ts';
import { isAlreadyExists } from '../api/status.ts';
import type { Client, Resource } from '../client/client.ts';
import type { Op } from '../sim/simulation.ts';

/** One document of a manifest. What it holds besides is the API server's to judge. */
export type Manifest = ApiObject;

/** Creates one object through the API; one that exists is replaced, as kubeadm's apiclient.CreateOrUpdate does. */
export function* createOrUpdate(client: Client, manifest: Manifest): Op<void> {
  const kind = kindOf(manifest.apiVersion, manifest.kind);
  if (!kind) throw new Error(`no matches for kind "${manifest.kind}" in version "${manifest.apiVersion}"`);
  const resource = kind.key as Resource;
  const object = manifest as unknown as ResourceTypes[Resource];
  try {
    yield* client.create(resource, object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    yield* client.update(resource, object);
  }
}
