// kubectl debug: an ephemeral container in a Pod, a changed copy of a Pod, or a Pod in a node's namespaces (kubectl/pkg/cmd/debug).

import type { ContainerStatus, Node, Pod } from '../../cluster/api/generated/types.ts';
import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { type Info, mustFind } from '../resource/builder.ts';
import { pathOf } from '../rest.ts';
import { attachTo } from '../stream/attach.ts';
import { asPodArguments, podTarget } from '../stream/pods.ts';
import { type Asked, ephemeralContainer, nodePod, podCopy, readCustom } from './make.ts';
import { checkProfile, type DraftContainer } from './profiles.ts';

export const DEBUG: Command = {
  name: 'debug',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'debug (POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]',
  short: 'Create debugging sessions for troubleshooting workloads and nodes',
  long: 'Debug Pods and nodes with containers made for it.\n\n  *  Pod: an ephemeral container is added to it, or (--copy-to) a changed copy is made.\n  *  Node: a Pod is made that runs in the namespaces of the node and has its files at /host.',
  examples: 'kubectl debug web-1 -it --image=busybox\nkubectl debug web-1 -it --image=busybox --copy-to=web-debug\nkubectl debug web-1 -it --copy-to=web-debug --container=app -- sh\nkubectl debug node/worker-1 -it --image=busybox',
  flags: [
    flag.bool('arguments-only', 'What stands behind -- becomes the arguments of the container, not its command.'),
    flag.bool('attach', 'Wait until the container runs and attach to it. Default: what -i says.'),
    flag.string('container', 'Name of the debugging container.', { short: 'c' }),
    flag.string('copy-to', 'Make a copy of the Pod with this name.'),
    flag.string('custom', 'File with a part of a container, JSON or YAML, that is merged into the debugging container.'),
    flag.slice('env', 'Environment variables of the container, name=value.'),
    flag.slice('filename', 'The object to debug, from a file.', { short: 'f' }),
    flag.string('image', 'Image of the debugging container.'),
    flag.string('image-pull-policy', 'Pull policy of the container; the server decides when there is none.'),
    flag.bool('keep-annotations', 'The copy keeps the annotations.'),
    flag.bool('keep-init-containers', 'The copy keeps the init containers.', { value: 'true' }),
    flag.bool('keep-labels', 'The copy keeps the labels.'),
    flag.bool('keep-liveness', 'The copy keeps the liveness probes.'),
    flag.bool('keep-readiness', 'The copy keeps the readiness probes.'),
    flag.bool('keep-startup', 'The copy keeps the startup probes.'),
    flag.string('profile', '"general", "baseline", "restricted", "netadmin" or "sysadmin".', { value: 'general' }),
    flag.bool('quiet', 'Nothing but what the container prints.', { short: 'q' }),
    flag.bool('replace', 'Delete the original of the copy.'),
    flag.bool('same-node', 'The copy runs on the same node.'),
    flag.slice('set-image', 'Images of the copy: container=image; * stands for all.'),
    flag.bool('share-processes', 'The containers of the copy see the processes of each other.', { value: 'true' }),
    flag.bool('stdin', 'Keep stdin of the container open.', { short: 'i' }),
    flag.string('target', 'The container whose processes an ephemeral container is to see.'),
    flag.bool('tty', 'The container gets a terminal.', { short: 't' }),
  ],
  complete: (context, _flags, toComplete) => completeNames(context, 'pods', toComplete),
  run: debug,
};

/** `name=value` parts. Throws CommandError. */
function pairsOf(flags: Flags, name: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const part of flags.list(name)) {
    const equals = part.indexOf('=');
    if (equals < 0) throw new CommandError(`invalid argument ${JSON.stringify(flags.text(name))} for "--${name}" flag: ${part} must be formatted as key=value`);
    pairs.set(part.slice(0, equals), part.slice(equals + 1));
  }
  return pairs;
}

const IMAGE = /^([\w.-]+(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:\w[\w.-]{0,127})?(@[\w+.:-]+)?$/;

function validate(context: Context, flags: Flags, names: readonly string[], { command, images }: Asked): void {
  const image = flags.text('image');
  const container = flags.text('container');
  const fail = (text: string): never => {
    throw new CommandError(text);
  };
  if (flags.given('attach') && flags.is('attach') && image === '' && container === '') fail('you must specify --container or create a new container using --image in order to attach.');
  if (flags.text('copy-to') !== '') {
    if (image === '' && images.size === 0 && command.length === 0) fail('you must specify --image, --set-image or command arguments.');
    if (command.length > 0 && container === '' && image === '') fail('you must specify an existing container or a new image when specifying args.');
  } else {
    if (flags.is('replace')) fail('--replace may only be used with --copy-to.');
    if (flags.is('same-node')) fail('--same-node may only be used with --copy-to.');
    if (images.size > 0) fail('--set-image may only be used with --copy-to.');
    if (image === '') fail('you must specify --image when not using --copy-to.');
  }
  if (image !== '' && !IMAGE.test(image)) fail(`invalid image name ${JSON.stringify(image)}: invalid reference format`);
  if (names.length === 0 && flags.list('filename').length === 0) fail('NAME or filename is required for debug');
  const policy = flags.text('image-pull-policy');
  if (!['', 'Always', 'IfNotPresent', 'Never'].includes(policy)) fail(`invalid image pull policy: ${policy}`);
  for (const [name, one] of images) if (!IMAGE.test(one)) fail(`invalid image name ${JSON.stringify(one)} for container ${JSON.stringify(name)}: invalid reference format`);
  const target = flags.text('target');
  if (target !== '') {
    if (flags.text('copy-to') !== '') fail('--target is incompatible with --copy-to. Use --share-processes instead.');
    if (!flags.is('quiet')) context.print(`Targeting container ${JSON.stringify(target)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.`);
  }
  if (flags.is('tty') && !flags.is('stdin')) fail('-i/--stdin is required for containers with -t/--tty=true');
  if (flags.text('profile') === 'legacy') context.printError('--profile=legacy is deprecated and planned to be removed in v1.39. It is recommended to specify other profile, for example "--profile=general".');
}

function* debug(context: Context, flags: Flags): Op<void> {
  const { args, dashAt } = flags;
  const split = dashAt >= 0 && args.length > dashAt;
  const names = split ? args.slice(0, dashAt) : args;
  checkProfile(flags.text('profile'));
  const asked: Asked = {
    flags,
    command: split ? args.slice(dashAt) : [],
    env: [...pairsOf(flags, 'env')].map(([name, value]) => ({ name, value })),
    images: pairsOf(flags, 'set-image'),
    custom: readCustom(context, flags.text('custom')),
  };
  validate(context, flags, names, asked);
  const infos: Info[] = [];
  for (const name of names) infos.push(...(yield* mustFind(context, { args: asPodArguments(name) })).infos);
  if (flags.list('filename').length > 0) infos.push(...(yield* mustFind(context, { filenames: flags.list('filename'), latest: true })).infos);
  for (const info of infos) {
    const { pod, container } = yield* debugOne(context, info, asked);
    if ((flags.is('attach') || (flags.is('stdin') && !flags.given('attach'))) && container !== '') yield* attach(context, flags, pod, container);
  }
}

interface Made {
  readonly pod: Pod;
  readonly container: string;
}

function* debugOne(context: Context, info: Info, asked: Asked): Op<Made> {
  const { group, version, resource, kind } = info.mapping;
  if (group === '' && resource === 'nodes') {
    const draft = nodePod(context, info.object as unknown as Node, asked);
    const target = yield* podTarget(context, context.namespace, draft.metadata.name);
    const pod = (yield* context.rest.create(target, draft)) as unknown as Pod;
    return { pod, container: pod.spec.containers[0]?.name ?? '' };
  }
  if (group !== '' || resource !== 'pods') throw new CommandError(`"${group}/${version}, Kind=${kind}" not supported by debug`);
  const source = info.object as unknown as Pod;
  if (asked.flags.text('copy-to') === '') {
    const container = ephemeralContainer(context, source, asked);
    warn(context, container, source);
    const order = [...(source.spec.ephemeralContainers ?? []), container].map(({ name }) => ({ name }));
    const patch = { spec: { ephemeralContainers: [container], '$setElementOrder/ephemeralContainers': order } };
    const pod = (yield* context.rest.patch({ ...info, subresource: 'ephemeralcontainers' }, 'strategic', patch)) as unknown as Pod;
    return { pod, container: container.name };
  }
  const { pod: draft, container } = podCopy(context, source, asked);
  warn(context, draft.spec.containers.find((c) => c.name === container), source);
  const target = yield* podTarget(context, source.metadata.namespace ?? '', draft.metadata.name);
  const pod = (yield* context.rest.create(target, draft)) as unknown as Pod;
  if (asked.flags.is('replace')) yield* context.rest.delete(info, { gracePeriodSeconds: 0 });
  return { pod, container };
}

/** Rights that a user other than root cannot use. */
function warn(context: Context, container: DraftContainer | undefined, { spec }: Pod): void {
  const security = container?.securityContext;
  if (!spec.securityContext?.runAsUser || !security || security.runAsUser === 0) return;
  if (!security.privileged && (security.capabilities?.add?.length ?? 0) === 0) return;
  context.warn('Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile may not work. Please consider using "--custom" with a custom profile that specifies "securityContext.runAsUser: 0".');
}

const statusOf = ({ status }: Pod, name: string): ContainerStatus | undefined =>
  [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])].find((s) => s.name === name);

/** Waits until the container runs or has run; tells why it waits. */
function* started(context: Context, { metadata }: Pod, container: string, quiet: boolean): Op<Pod> {
  const target = yield* podTarget(context, metadata.namespace ?? '', metadata.name);
  let pod = (yield* context.rest.get(target)) as unknown as Pod;
  const query = { fieldSelector: `metadata.name=${metadata.name}`, resourceVersion: pod.metadata.resourceVersion ?? '' };
  const stream = yield* context.rest.watch(target, query, { subjectName: metadata.name });
  try {
    for (let told = ''; ; ) {
      const state = statusOf(pod, container)?.state;
      if (state?.running || state?.terminated) return pod;
      const message = state?.waiting?.message ?? '';
      if (!quiet && message !== '' && message !== told) context.warn(`container ${container}: ${message}`);
      told = message;
      const event = (yield* stream.read()) as { type: string; object: Pod } | undefined;
      if (event === undefined) throw new CommandError('watch closed before UntilWithoutRetry timeout');
      if (event.type === 'DELETED') throw new CommandError('pods "" not found');
      if (event.type !== 'BOOKMARK') pod = event.object;
    }
  } finally {
    stream.cancel();
  }
}

function* attach(context: Context, flags: Flags, made: Pod, container: string): Op<void> {
  const quiet = flags.is('quiet');
  const pod = yield* started(context, made, container, quiet);
  if (!statusOf(pod, container)?.state?.terminated) {
    try {
      yield* attachTo(context, pod, { container, stdin: flags.is('stdin'), tty: flags.is('tty'), quiet, commandPath: 'kubectl attach' });
      return;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      context.printError(`warning: couldn't attach to pod/${pod.metadata.name}, falling back to streaming logs: ${messageOf(error)}`);
    }
  }
  const target = yield* podTarget(context, pod.metadata.namespace ?? '', pod.metadata.name);
  const { body, stream } = yield* context.rest.raw('GET', pathOf({ ...target, subresource: 'log' }), { query: { container }, accept: '*/*' });
  if (stream) for (let piece = yield* stream.read(); piece !== undefined; piece = yield* stream.read()) context.write(String(piece));
  else context.write(String(body ?? ''));
}
