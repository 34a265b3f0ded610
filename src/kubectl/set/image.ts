// kubectl set image (kubectl/pkg/cmd/set/set_image.go).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { selectorFlag } from '../global-flags.ts';
import { parsePairs, splitPairs } from '../mutate/pairs.ts';
import { recorded, recordFlag } from '../mutate/record.ts';
import { dryRunOf } from '../mutation.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { changesOf, hasFiles, objectsOf, sendChanges, setFlags } from './changes.ts';
import { withContainers, withPodSpec } from './pod-spec.ts';

export const SET_IMAGE: Command = {
  name: 'image',
  use: 'image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N',
  short: 'Update the image of a pod template',
  long: 'Update the images of containers.\n\n For pods (po), replication controllers (rc), deployments (deploy), daemon sets (ds), stateful sets (sts), cron jobs (cj) and replica sets (rs).',
  examples: '# One container of a deployment\nkubectl set image deployment/web nginx=nginx:1.27\n\n# All containers of all deployments and rc\'s with that name\nkubectl set image deployments,rc nginx=nginx:1.27 --all\n\n# The same image for all containers of a daemon set\nkubectl set image daemonset agent *=agent:2\n\n# In a file only\nkubectl set image -f web.yaml nginx=nginx:1.27 --local -o yaml',
  flags: [...setFlags('images'), selectorFlag, recordFlag],
  complete: completeResources,
  run: setImage,
};

function check(context: Context, flags: Flags, resources: readonly string[], images: ReadonlyMap<string, string>): void {
  const errors: CommandError[] = [];
  if (flags.is('all') && flags.text('selector') !== '') errors.push(new CommandError('cannot set --all and --selector at the same time'));
  if (resources.length === 0 && !hasFiles(flags)) errors.push(new CommandError('one or more resources must be specified as <resource> <name> or <resource>/<name>'));
  if (images.size === 0) errors.push(new CommandError('at least one image update is required'));
  else if (images.size > 1 && images.has('*')) errors.push(new CommandError('all containers are already specified by *, but saw more than one container_name=container_image pairs'));
  if (flags.is('local') && dryRunOf(context, flags) === 'server') errors.push(new CommandError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?'));
  throwAll(errors);
}

function* setImage(context: Context, flags: Flags): Op<void> {
  dryRunOf(context, flags);
  const { resources, pairs } = splitPairs(flags.args, 'image');
  const images = parsePairs(pairs, 'image', false).set;
  const infos = yield* objectsOf(context, flags, resources);
  check(context, flags, resources, images);
  const errors: CommandError[] = [];
  const changes = changesOf(infos, (object) =>
    recorded(
      context,
      flags,
      withPodSpec(object, (spec) => {
        let now = spec;
        for (const [name, image] of images) {
          const changed = withContainers(now, (container) => name === '*' || container === name, (container) => ({ ...container, image }));
          if (changed.chosen === 0) errors.push(new CommandError(`error: unable to find container named ${JSON.stringify(name)}`));
          now = changed.spec;
        }
        return now;
      }),
    ),
  );
  yield* sendChanges(context, flags, changes, { operation: 'image updated', failed: 'failed to patch image update to pod template: ', errors });
}
