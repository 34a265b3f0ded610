// crictl ps, pods, images: tables, ids alone, or the answer itself as JSON or YAML.

import { formatYaml } from '../../api/yaml.ts';
import type { Op } from '../../sim/simulation.ts';
import type { ContainerStatus, ImageStatus, SandboxStatus } from '../cri.ts';
import { type Crictl, CrictlError } from './crictl.ts';
import { humanDuration, humanSize, table } from './text.ts';

const ID_LENGTH = 13;
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, ID_LENGTH);

export const printTable = (rows: readonly (readonly string[])[]): string => table(rows, 20, 3);

/** As protojson writes an instant: nanoseconds since 1970, a string. */
export const nanos = (c: Crictl, at: number): string => `${c.os.sim.epoch + at}000`;

const age = (c: Crictl, at: number): string => `${humanDuration(c.os.sim.now - at)} ago`;

export function write(c: Crictl, text: string): void {
  if (text !== '') c.os.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** True when -o json or yaml was asked for and has been printed. */
export function printed(c: Crictl, answer: () => object): boolean {
  const format = c.args.text('output');
  if (format === 'json') write(c, JSON.stringify(answer(), null, 2));
  else if (format === 'yaml') write(c, `${formatYaml(answer())}\n`);
  else if (format === '' || format === 'table') return false;
  else throw new CrictlError(`unsupported output format "${format}"`);
  return true;
}

function pattern(c: Crictl, flag: string): RegExp | null {
  const text = c.args.text(flag);
  if (text === '') return null;
  try {
    return new RegExp(text);
  } catch {
    throw new CrictlError(`invalid regular expression "${text}"`);
  }
}

/** Those whose labels are as `--label key=value` says. */
export function labelled<T extends { readonly labels: Readonly<Record<string, string>> }>(c: Crictl, items: readonly T[]): readonly T[] {
  const wanted = c.args.all('label').map((pair) => {
    const parts = pair.split('=');
    if (parts.length !== 2) throw new CrictlError(`incorrectly specified label: ${pair}`);
    return parts as [string, string];
  });
  return items.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
}

/** The newest first, cut by --latest and --last. */
function newest<T extends { readonly createdAt: number }>(c: Crictl, items: readonly T[]): readonly T[] {
  const sorted = [...items].sort((a, b) => b.createdAt - a.createdAt);
  const last = Number(c.args.text('last') || 0);
  return last > 0 ? sorted.slice(0, last) : c.args.is('latest') ? sorted.slice(0, 1) : sorted;
}

const STATES: Readonly<Record<ContainerStatus['state'], string>> = { CREATED: 'Created', RUNNING: 'Running', EXITED: 'Exited', UNKNOWN: 'Unknown' };

export function* selectedContainers(c: Crictl, all: boolean): Op<readonly ContainerStatus[]> {
  const { args } = c;
  const state = args.text('state').toUpperCase();
  if (state !== '' && !(state in STATES)) throw new CrictlError('listing containers: list containers: --state should be one of created, running, exited or unknown');
  const anyState = args.is('latest') || Number(args.text('last') || 0) > 0 || (all && state === '');
  const name = pattern(c, 'name');
  const namespace = pattern(c, 'namespace');
  const image = args.text('image');
  const imageId = image === '' ? '' : ((yield* c.runtime.imageStatus(image))?.id ?? 'none');
  const list = (yield* c.runtime.listContainers()).filter(
    (s) =>
      (anyState || s.state === (state === '' ? 'RUNNING' : state)) &&
      s.id.startsWith(args.text('id')) &&
      s.sandboxId.startsWith(args.text('pod')) &&
      (imageId === '' || s.imageId === imageId) &&
      (name === null || name.test(s.name)) &&
      (namespace === null || namespace.test(s.labels['io.kubernetes.pod.namespace'] ?? 'unknown')),
  );
  return newest(c, labelled(c, list));
}

export function* ps(c: Crictl): Op<void> {
  const { args } = c;
  const list = yield* selectedContainers(c, args.is('all'));
  if (printed(c, () => ({ containers: list.map((s) => containerJson(c, s)) }))) return;
  if (args.is('quiet')) return write(c, list.map((s) => `${s.id}\n`).join(''));
  const whole = args.is('no-trunc');
  const rows = [['CONTAINER', 'IMAGE', 'CREATED', 'STATE', 'NAME', 'ATTEMPT', 'POD ID', 'POD', 'NAMESPACE']];
  for (const s of list) {
    const id = (text: string): string => (whole ? text : shortId(text));
    const image = args.is('resolve-image-path') ? ((yield* c.runtime.imageStatus(s.imageId))?.repoTags[0] ?? s.imageId) : id(s.imageId);
    const label = (key: string): string => s.labels[`io.kubernetes.pod.${key}`] ?? 'unknown';
    rows.push([id(s.id), image, age(c, s.createdAt), STATES[s.state], s.name, String(s.attempt), id(s.sandboxId), label('name'), label('namespace')]);
  }
  write(c, printTable(rows));
}

const imageSpec = (image: string): object => ({ image, annotations: {}, userSpecifiedImage: '', runtimeHandler: '' });

const containerJson = (c: Crictl, s: ContainerStatus): object => ({
  id: s.id, podSandboxId: s.sandboxId, metadata: { name: s.name, attempt: s.attempt }, image: { ...imageSpec(s.imageId), userSpecifiedImage: s.image }, imageRef: s.imageId,
  state: `CONTAINER_${s.state}`, createdAt: nanos(c, s.createdAt), labels: s.labels, annotations: s.annotations, imageId: s.imageId,
});

export function* selectedPods(c: Crictl): Op<readonly SandboxStatus[]> {
  const { args } = c;
  const state = args.text('state').toUpperCase();
  if (state !== '' && state !== 'READY' && state !== 'NOTREADY') throw new CrictlError('listing pod sandboxes: list pod sandboxes: --state should be ready or notready');
  const name = pattern(c, 'name');
  const namespace = pattern(c, 'namespace');
  const list = (yield* c.runtime.listPodSandbox()).filter(
    (s) => (state === '' || s.state === state) && s.id.startsWith(args.text('id')) && (name === null || name.test(s.name)) && (namespace === null || namespace.test(s.namespace)),
  );
  return newest(c, labelled(c, list));
}

export function* pods(c: Crictl): Op<void> {
  const { args } = c;
  const list = yield* selectedPods(c);
  if (printed(c, () => ({ items: list.map((s) => podJson(c, s)) }))) return;
  if (args.is('quiet')) return write(c, list.map((s) => `${s.id}\n`).join(''));
  const rows = list.map((s) => [
    args.is('no-trunc') ? s.id : shortId(s.id), age(c, s.createdAt), s.state === 'READY' ? 'Ready' : 'NotReady', s.name, s.namespace, String(s.attempt), '(default)',
  ]);
  write(c, printTable([['POD ID', 'CREATED', 'STATE', 'NAME', 'NAMESPACE', 'ATTEMPT', 'RUNTIME'], ...rows]));
}

const podJson = (c: Crictl, s: SandboxStatus): object => ({
  id: s.id, metadata: { name: s.name, uid: s.uid, namespace: s.namespace, attempt: s.attempt }, state: `SANDBOX_${s.state}`, createdAt: nanos(c, s.createdAt),
  labels: s.labels, annotations: {}, runtimeHandler: '',
});

export const imageJson = (i: ImageStatus): object => ({
  id: i.id, repoTags: i.repoTags, repoDigests: i.repoDigests, size: String(i.sizeBytes), uid: i.uid === null || i.uid === 0 ? null : { value: String(i.uid) }, username: i.username,
  spec: null, pinned: isPinned(i),
});

/** Runtimes keep their sandbox image from being collected. */
const isPinned = (i: ImageStatus): boolean => i.repoTags.some((tag) => tag.startsWith('registry.k8s.io/pause:'));

export function* images(c: Crictl): Op<void> {
  const { args } = c;
  const [wanted] = args.rest;
  const only = wanted === undefined ? undefined : ((yield* c.runtime.imageStatus(wanted))?.id ?? 'none');
  const reference = args.all('filter').find((f) => f.startsWith('reference='))?.slice('reference='.length);
  const list = [...(yield* c.runtime.listImages())]
    .filter((i) => (only === undefined || i.id === only) && (reference === undefined || i.repoTags.some((tag) => new RegExp(reference).test(tag))))
    .sort((a, b) => ((a.repoTags[0] ?? '') < (b.repoTags[0] ?? '') ? -1 : 1));
  if (printed(c, () => ({ images: list.map(imageJson) }))) return;
  if (args.is('quiet')) return write(c, list.map((i) => `${i.id}\n`).join(''));
  const digests = args.is('digests');
  const pinned = args.is('pinned');
  const rows = list.flatMap((i) => {
    const [repository = '<none>', digest = '<none>'] = (i.repoDigests[0] ?? '').split('@');
    const tags = i.repoTags.length > 0 ? i.repoTags : [`${repository}:<none>`];
    const id = (text: string): string => (args.is('no-trunc') ? text : shortId(text));
    return tags.map((tag) => {
      const colon = tag.lastIndexOf(':');
      return [
        tag.slice(0, colon), tag.slice(colon + 1), ...(digests ? [id(digest)] : []), id(i.id), humanSize(i.sizeBytes, 3), ...(pinned ? [String(isPinned(i))] : []),
      ];
    });
  });
  write(c, printTable([['IMAGE', 'TAG', ...(digests ? ['DIGEST'] : []), 'IMAGE ID', 'SIZE', ...(pinned ? ['PINNED'] : [])], ...rows]));
}
