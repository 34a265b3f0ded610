// NodeRestriction, in its main lines: a kubelet writes its own Node, its own Lease and the Pods bound to it, nothing else.

import type { Pod } from '../../api/generated/types.ts';
import { forbidden } from '../../api/status.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';

const PREFIX = 'system:node:';
const MIRROR = 'kubernetes.io/config.mirror';

const nodeOf = ({ user }: AdmissionRequest): string =>
  user.name.startsWith(PREFIX) && user.groups.includes('system:nodes') ? user.name.slice(PREFIX.length) : '';

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',

  handles: (request) => nodeOf(request) !== '',

  prepare(request): null {
    const me = nodeOf(request);
    const { kind, name, operation, namespace } = request;
    switch (kind.key) {
      case 'nodes': {
        if (name !== me) throw forbidden(kind, name, `node "${me}" is not allowed to modify node "${name}"`);
        return null;
      }
      case 'leases.coordination.k8s.io': {
        if (namespace !== 'kube-node-lease')
          throw forbidden(kind, name, `can only access leases in the "kube-node-lease" system namespace`);
        if (name !== me) throw forbidden(kind, name, 'can only access node lease with the same name as the requesting node');
        return null;
      }
      case 'pods':
        if (operation === 'CREATE' && request.subresource === '') checkMirror(request, me);
        else checkBound(request, me);
        return null;
      default:
        return null;
    }
  },
};

function checkMirror({ kind, name, object }: AdmissionRequest, me: string): void {
  const pod = object as unknown as Pod;
  if (pod.metadata.annotations?.[MIRROR] === undefined) {
    throw forbidden(kind, name, `pod does not have "${MIRROR}" annotation, node "${me}" can only create mirror pods`);
  }
  if (pod.spec?.nodeName !== me) throw forbidden(kind, name, `node "${me}" can only create pods with spec.nodeName set to itself`);
}

function checkBound({ kind, name, operation, old, subresource }: AdmissionRequest, me: string): void {
  if (subresource === 'eviction') return;
  const pod = old as unknown as Pod | null;
  if (!pod || pod.spec?.nodeName === me) return;
  const what =
    operation === 'DELETE'
      ? 'can only delete pods with spec.nodeName set to itself'
      : 'can only update pod status for pods with spec.nodeName set to itself';
  throw forbidden(kind, name, `node "${me}" ${what}`);
}
