// What stands before the creation of a custom resource (customresource_handler.go serveResource): not while its definition
// terminates, and not in the first two seconds, when other API servers may not know of it.

import type { ResourceKind } from '../../api/kinds.ts';
import { ApiError } from '../../api/status.ts';
import type { Op } from '../../sim/simulation.ts';
import { parseTime, SECOND } from '../../sim/time.ts';
import type { Server } from '../server.ts';
import { findCondition, isTerminating } from './conditions.ts';

const YOUNG = 2 * SECOND;

/** @throws ApiError 405 */
export function* beforeCreate(server: Server, kind: ResourceKind): Op<void> {
  const crd = kind.custom?.definition;
  if (!crd) return;
  const since = parseTime(findCondition(crd, 'Established')?.lastTransitionTime ?? '');
  const { sim } = server;
  if (since !== undefined && sim.epoch + sim.now - since < YOUNG) yield* sim.sleep(YOUNG);
  if (!isTerminating(crd)) return;
  throw new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'create not allowed while custom resource definition is terminating',
    reason: 'MethodNotAllowed',
    details: { group: kind.group, kind: kind.plural },
    code: 405,
  });
}
