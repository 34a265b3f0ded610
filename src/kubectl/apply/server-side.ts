// Server-side apply of one object, and the step from client-side apply to it (kubectl/pkg/cmd/apply/apply.go, csaupgrade).

import { ApiError, isConflict } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { writeQuery } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import type { Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import type { Applied, Settings } from './client-side.ts';
import { configurationOf, LAST_APPLIED, lastAppliedText } from './last-applied.ts';

const CLIENT_SIDE_MANAGER = 'kubectl-client-side-apply';

const WAYS_OUT = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;

export function* applyServerSide(context: Context, info: Info, settings: Settings): Op<Applied> {
  const { manager, validation, dry, force } = settings;
  const query = { ...writeQuery(manager, validation, dry), force: String(force) };
  const send = function* (): Op<LiveObject> {
    try {
      return yield* context.rest.patch(info, 'apply', info.object, query);
    } catch (error) {
      if (error instanceof ApiError && error.code === 415) throw new CommandError(`Server-side apply not available on the server: (${error.message})`);
      if (isConflict(error)) throw new CommandError(`${error.message}\n${WAYS_OUT}`);
      throw error;
    }
  };
  let object = yield* send();
  if (object.metadata?.deletionTimestamp) context.warn(`Detected changes to resource ${info.name} which is currently being deleted.`);
  if (dry === 'none' && lastAppliedText(object) !== undefined) object = yield* migrate(context, info, object, send);
  return { verb: 'serverside-applied', object };
}

/** The annotation keeps up, and fields that client-side apply owned become this manager's. */
function* migrate(context: Context, info: Info, live: LiveObject, send: () => Op<LiveObject>): Op<LiveObject> {
  const { mapping, name, namespace } = info;
  const annotation = { apiVersion: mapping.apiVersion, kind: mapping.kind, metadata: { name, ...(namespace === '' ? {} : { namespace }), annotations: { [LAST_APPLIED]: configurationOf(info.object) } } };
  const updated = yield* context.rest.patch(info, 'apply', annotation, { fieldManager: 'kubectl-last-applied', force: 'true' });
  const owned = (updated.metadata?.managedFields ?? live.metadata?.managedFields ?? []).filter((m) => m.manager === CLIENT_SIDE_MANAGER && m.operation === 'Update');
  if (owned.length === 0) return updated;
  const managedFields = (updated.metadata?.managedFields ?? []).filter((m) => !owned.includes(m));
  const patch = [
    { op: 'replace', path: '/metadata/managedFields', value: managedFields },
    { op: 'replace', path: '/metadata/resourceVersion', value: updated.metadata?.resourceVersion },
  ];
  yield* context.rest.patch(info, 'json', patch);
  return yield* send();
}
