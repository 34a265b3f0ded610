// The node's heartbeat: a Lease in kube-node-lease that is renewed every quarter of its duration
// (component-helpers/apimachinery/lease).

import { ApiError } from '../api/status.ts';
import type { Lease, Node } from '../api/generated/types.ts';
import { isProgrammingError } from '../client/errors.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../sim/time.ts';
import type { Context } from './context.ts';

const NAMESPACE = 'kube-node-lease';
const MAX_TRIES = 5;
const MAX_WAIT: Micros = 7 * SECOND;

/** Renews for ever; `node` gives the owner once the Node is registered. */
export function* keepLease(context: Context, node: () => Node | undefined): Op<void> {
  const { client, os, config } = context;
  if (!client) return;
  const interval = (config.nodeLeaseDurationSeconds * SECOND) / 4;
  let lease: Lease | undefined;
  for (;;) {
    os.sim.cause = null;
    lease = yield* renew(context, lease, node);
    // client-go's JitterUntil with factor 0.04.
    yield* os.sleep(interval * (1 + 0.04 * context.random.float()));
  }
}

function* renew(context: Context, known: Lease | undefined, node: () => Node | undefined): Op<Lease | undefined> {
  const { client, os, nodeName } = context;
  if (!client) return undefined;
  let lease = known;
  let wait = 100 * MILLISECOND;
  for (let tries = 0; ; tries++) {
    try {
      if (lease) return yield* client.update('leases.coordination.k8s.io', filled(context, lease, node()));
      try {
        lease = yield* client.get('leases.coordination.k8s.io', NAMESPACE, nodeName);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status.reason !== 'NotFound') throw error;
        return yield* client.create('leases.coordination.k8s.io', filled(context, undefined, node()));
      }
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (known && tries >= MAX_TRIES) {
        os.logError(`"Failed to update lease" err="failed ${MAX_TRIES} attempts to update lease"`);
        return undefined;
      }
      os.logError(`"Failed to ${lease ? 'update' : 'ensure'} lease${lease ? '' : ' exists, will retry'}" err="${text}"`);
      lease = undefined;
      yield* os.sleep(wait);
      wait = Math.min(wait * 2, MAX_WAIT);
    }
  }
}

function filled({ os, nodeName, config }: Context, lease: Lease | undefined, node: Node | undefined): Lease {
  const owner = node?.metadata.uid;
  const ownerReferences = owner === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner }];
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...lease?.metadata, name: nodeName, namespace: NAMESPACE, ...(ownerReferences.length > 0 ? { ownerReferences } : {}) },
    spec: { ...lease?.spec, holderIdentity: nodeName, leaseDurationSeconds: config.nodeLeaseDurationSeconds, renewTime: os.sim.microTime() },
  };
}
