// The ReplicationController controller (pkg/controller/replication): upstream's own is the ReplicaSet's, which takes a
// ReplicationController for an older version of its kind. Its selector is a map, and its status does not tell who terminates.

import { selectorOfMap } from '../api/selector.ts';
import type { ReplicaKind } from './replicaset.ts';
import { replicaSetStatus } from './replicaset-status.ts';

export const REPLICATION_CONTROLLERS: ReplicaKind<'replicationcontrollers'> = {
  controller: 'replication-controller',
  kind: 'ReplicationController',
  resource: 'replicationcontrollers',
  workers: 'replicationcontroller',
  selector: (controller) => selectorOfMap(controller.spec.selector),
  status: (...of) => {
    const { terminatingReplicas: _, ...status } = replicaSetStatus(...of);
    return status;
  },
};
