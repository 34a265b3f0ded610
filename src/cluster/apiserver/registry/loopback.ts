// The API server as its own client: the controllers inside it write as manager `kube-apiserver`.

import { rootOf } from '../../api/managed-fields/root.ts';
import { trackCreate, trackUpdate } from '../../api/managed-fields/update.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import type { Server } from '../server.ts';

const MANAGER = 'kube-apiserver';

/** An object that the server itself makes, with its managedFields. */
export const trackOwnNew = (server: Server, kind: ResourceKind, object: ApiObject): ApiObject =>
  trackCreate(rootOf(kind, ''), object, writer(server, kind, ''));

/** What the server itself makes of an object's status, with its managedFields. */
export const trackOwnStatus = (server: Server, kind: ResourceKind, current: ApiObject, wanted: ApiObject): ApiObject =>
  wanted === current ? current : trackUpdate(rootOf(kind, 'status'), current, wanted, writer(server, kind, 'status'), () => null);

const writer = (server: Server, { apiVersion }: ResourceKind, subresource: string) => ({
  manager: MANAGER,
  apiVersion,
  subresource,
  time: () => server.sim.time(),
});
