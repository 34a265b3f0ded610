// kubectl set resources (kubectl/pkg/cmd/set/set_resources.go).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { resourceListOf } from '../create/quantities.ts';
import { flag, type Flags } from '../flag-set.ts';
import { selectorFlag } from '../global-flags.ts';
import { recorded, recordFlag } from '../mutate/record.ts';
import { dryRunOf } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import { changesOf, containersFlag, forbidLocalOnServer, objectsOf, sendChanges, setFlags } from './changes.ts';
import { type Container, fits, withContainers, withPodSpec } from './pod-spec.ts';

export const SET_RESOURCES: Command = {
  name: 'resources',
  use: 'resources (-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]',
  short: 'Update resource requests/limits on objects with pod templates',
  long: 'Set the requests and limits of containers.\n\n For each resource: a limit without a request makes the request as large as the limit.',
  examples: '# CPU and memory of one container\nkubectl set resources deployment web -c=nginx --limits=cpu=200m,memory=512Mi\n\n# Of all containers\nkubectl set resources deployment web --limits=cpu=200m,memory=512Mi --requests=cpu=100m,memory=256Mi',
  flags: [
    ...setFlags('resources'),
    selectorFlag,
    recordFlag,
    containersFlag,
    flag.string('limits', 'The limits, such as cpu=100m,memory=256Mi.'),
    flag.string('requests', 'The requests, such as cpu=100m,memory=256Mi.'),
  ],
  complete: completeResources,
  run: setResources,
};

function* setResources(context: Context, flags: Flags): Op<void> {
  dryRunOf(context, flags);
  const infos = yield* objectsOf(context, flags, flags.args);
  forbidLocalOnServer(context, flags);
  if (flags.is('all') && flags.text('selector') !== '') throw new CommandError('cannot set --all and --selector at the same time');
  if (flags.text('limits') === '' && flags.text('requests') === '') throw new CommandError('you must specify an update to requests or limits (in the form of --requests/--limits)');
  const [limits, requests] = [resourceListOf(flags.text('limits')), resourceListOf(flags.text('requests'))];
  const errors: CommandError[] = [];
  const wanted = flags.text('containers');
  const change = (container: Container): Container => ({
    ...container,
    resources: {
      ...container.resources,
      ...(limits ? { limits: { ...container.resources?.limits, ...limits } } : {}),
      ...(requests ? { requests: { ...container.resources?.requests, ...requests } } : {}),
    },
  });
  const changes = changesOf(infos, (object) => {
    let found = true;
    const after = withPodSpec(object, (spec) => {
      const changed = withContainers(spec, (name) => fits(name, wanted), change);
      found = changed.chosen > 0;
      return changed.spec;
    });
    if (!found) errors.push(new CommandError(`error: unable to find container named ${wanted}`));
    return found ? recorded(context, flags, after) : null;
  });
  yield* sendChanges(context, flags, changes, { operation: 'resource requirements updated', failed: 'failed to patch resources update to pod template ', errors });
}
