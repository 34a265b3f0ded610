// The Pods and containers that kubectl debug makes (kubectl/pkg/cmd/debug/debug.go).

import type { EnvVar, Node, Pod } from '../../cluster/api/generated/types.ts';
import { parseYaml } from '../../cluster/api/yaml.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { mergePatch } from '../kustomize/merge.ts';
import { CommandError } from '../print/error.ts';
import { applyProfile, type Draft, type DraftContainer } from './profiles.ts';

/** As apimachinery's rand.String. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

export interface Asked {
  readonly flags: Flags;
  /** Behind `--`. */
  readonly command: readonly string[];
  readonly env: readonly EnvVar[];
  readonly images: ReadonlyMap<string, string>;
  /** A partial container from --custom. */
  readonly custom: Readonly<Record<string, unknown>> | null;
}

export const suffix = (context: Context, what: string): string => context.os.sim.random(`kubectl-debug ${what} ${context.os.process.pid} ${context.os.sim.now}`).string(LETTERS, 5);

/** The container of --custom. Throws CommandError. */
export function readCustom(context: Context, path: string): Asked['custom'] {
  if (path === '') return null;
  const { files } = context.os;
  if (!files.exists(context.path(path))) throw new CommandError(`must pass a container spec json file for custom profile: open ${path}: no such file or directory`);
  let custom: Readonly<Record<string, unknown>>;
  try {
    custom = parseYaml(files.read(context.path(path))) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new CommandError(`${path} does not contain a valid container spec: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (['name', 'command', 'image', 'lifecycle', 'volumeDevices'].some((field) => custom[field] !== undefined)) {
    throw new CommandError('name, command, image, lifecycle and volume devices are not modifiable via custom profile');
  }
  return custom;
}

function customized(container: DraftContainer, { custom }: Asked): DraftContainer {
  return custom === null ? container : ((mergePatch(container as never, custom as never, 'Container') ?? container) as unknown as DraftContainer);
}

function base(name: string, { flags, command, env }: Asked): DraftContainer {
  const policy = flags.text('image-pull-policy');
  return {
    name,
    ...(env.length > 0 ? { env } : {}),
    image: flags.text('image'),
    ...(policy === '' ? {} : { imagePullPolicy: policy }),
    ...(flags.is('stdin') ? { stdin: true } : {}),
    terminationMessagePolicy: 'File',
    ...(flags.is('tty') ? { tty: true } : {}),
    ...(command.length > 0 ? { [flags.is('arguments-only') ? 'args' : 'command']: command } : {}),
  };
}

const namesIn = ({ spec }: Pick<Pod, 'spec'>): readonly string[] => [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].map((c) => c.name);

/** --container, or a name that is not taken, which is then told. */
function containerName(context: Context, pod: Pick<Pod, 'spec'>, flags: Flags): string {
  if (flags.text('container') !== '') return flags.text('container');
  let name = '';
  for (let i = 0; name === '' || namesIn(pod).includes(name); i++) name = `debugger-${suffix(context, `container ${i}`)}`;
  if (!flags.is('quiet')) context.print(`Defaulting debug container name to ${name}.`);
  return name;
}

/** An ephemeral container for a Pod that runs. */
export function ephemeralContainer(context: Context, pod: Pod, asked: Asked): DraftContainer & { targetContainerName?: string } {
  const { flags } = asked;
  const container = base(containerName(context, pod, flags), asked);
  applyProfile(null, container, flags, 'ephemeral');
  const target = flags.text('target');
  return { ...customized(container, asked), ...(target === '' ? {} : { targetContainerName: target }) };
}

/** A Pod on the node, in its namespaces and with its files. */
export function nodePod(context: Context, node: Node, asked: Asked): Draft {
  const { flags } = asked;
  const container = base(flags.text('container') || 'debugger', asked);
  const name = `node-debugger-${node.metadata.name}-${suffix(context, 'pod')}`;
  if (!flags.is('quiet')) context.print(`Creating debugging pod ${name} with container ${container.name} on node ${node.metadata.name}.`);
  const pod: Draft = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: context.namespace, labels: { 'app.kubernetes.io/managed-by': 'kubectl-debug' } },
    spec: { containers: [container], nodeName: node.metadata.name, restartPolicy: 'Never', tolerations: [{ operator: 'Exists' }] },
  };
  applyProfile(pod, container, flags, 'node');
  pod.spec.containers = [customized(container, asked)];
  return pod;
}

/** A copy of a Pod with a container added or changed. `container` is '' when there is none to attach to. */
export function podCopy(context: Context, source: Pod, asked: Asked): { readonly pod: Draft; readonly container: string } {
  const { flags, command, env, images } = asked;
  const { metadata } = source;
  const { ephemeralContainers: _running, ...spec } = JSON.parse(JSON.stringify(source.spec)) as Draft['spec'];
  const pod: Draft = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: flags.text('copy-to'),
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
      ...(metadata.labels ? { labels: metadata.labels } : {}),
    },
    spec,
  };
  if (flags.given('share-processes')) pod.spec.shareProcessNamespace = flags.is('share-processes');
  if (!flags.is('same-node')) delete pod.spec.nodeName;
  for (const container of pod.spec.containers) {
    const image = images.get(container.name) ?? images.get('*');
    if (image) container.image = image;
  }
  let container = pod.spec.containers.find((c) => c.name === flags.text('container'));
  if (!container) {
    if (flags.text('image') === '') {
      if (images.size > 0) return { pod, container: '' };
      throw new CommandError('you must specify image when creating new container');
    }
    container = { name: containerName(context, pod as unknown as Pod, flags), terminationMessagePolicy: 'File' };
    pod.spec.containers.push(container);
  }
  if (command.length > 0) {
    if (flags.is('arguments-only')) container.args = command;
    else {
      container.command = command;
      delete container.args;
    }
  }
  if (env.length > 0) container.env = env;
  if (flags.text('image') !== '') container.image = flags.text('image');
  if (flags.text('image-pull-policy') !== '') container.imagePullPolicy = flags.text('image-pull-policy');
  container.stdin = flags.is('stdin');
  container.tty = flags.is('tty');
  applyProfile(pod, container, flags, 'copy');
  const { name } = container;
  pod.spec.containers = pod.spec.containers.map((c) => (c.name === name ? customized(c, asked) : c));
  return { pod, container: name };
}
