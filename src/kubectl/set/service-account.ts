// kubectl set serviceaccount (kubectl/pkg/cmd/set/set_serviceaccount.go).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { recorded, recordFlag } from '../mutate/record.ts';
import { CommandError } from '../print/error.ts';
import { changesOf, forbidLocalOnServer, objectsOf, sendChanges, setFlags } from './changes.ts';
import { withPodSpec } from './pod-spec.ts';

export const SET_SERVICE_ACCOUNT: Command = {
  name: 'serviceaccount',
  aliases: ['sa'],
  use: 'serviceaccount (-f FILENAME | TYPE NAME) SERVICE_ACCOUNT',
  short: 'Update the service account of a resource',
  long: 'Update the service account of pod templates.',
  examples: '# The service account of a deployment\nkubectl set serviceaccount deployment web web-account\n\n# What that would be, in a file\nkubectl set sa -f web.yaml web-account --local --dry-run=client -o yaml',
  flags: [...setFlags('service account'), recordFlag],
  complete: completeResources,
  run: setServiceAccount,
};

function* setServiceAccount(context: Context, flags: Flags): Op<void> {
  forbidLocalOnServer(context, flags);
  const serviceAccountName = flags.args.at(-1);
  if (serviceAccountName === undefined) throw new CommandError('serviceaccount is required');
  const args = flags.is('local') ? [] : flags.args.slice(0, -1);
  const changes = changesOf(yield* objectsOf(context, flags, args), (object) => recorded(context, flags, withPodSpec(object, (spec) => ({ ...spec, serviceAccountName }))));
  yield* sendChanges(context, flags, changes, { operation: 'serviceaccount updated', failed: 'failed to patch ServiceAccountName ', tellsUnchanged: true });
}
