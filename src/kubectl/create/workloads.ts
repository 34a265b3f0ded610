// kubectl create deployment, job and cronjob (kubectl/pkg/cmd/create/create_{deployment,job,cronjob}.go).

import { SAFE_LETTERS } from '../../cluster/api/hash.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { mustFind } from '../resource/builder.ts';
import { generatorCommand, type Json, type Made } from './generator.ts';

/** The words behind the name: the container's command. */
const commandOf = (flags: Flags): { readonly command?: readonly string[] } => (flags.args.length > 1 ? { command: flags.args.slice(1) } : {});

/** A container's name from its image: no registry, tag or digest; letters that names cannot have give a random end. */
function containerName(context: Context, image: string): string {
  const base = (image.split('/').at(-1) as string).split(':')[0]?.split('@')[0] ?? '';
  if (!/[_.]/.test(base)) return base;
  const random = context.os.sim.random('kubectl');
  const letters = Array.from({ length: 5 }, () => SAFE_LETTERS[random.int(SAFE_LETTERS.length)]);
  return `${base.replaceAll(/[_.]/g, '-')}-${letters.join('')}`;
}

export const CREATE_DEPLOYMENT = generatorCommand({
  name: 'deployment',
  aliases: ['deploy'],
  use: 'deployment NAME --image=image -- [COMMAND] [args...]',
  short: 'Create a deployment with the specified name',
  examples: '# A deployment with one container\nkubectl create deployment web --image=nginx\n\n# Three replicas with a port\nkubectl create deployment web --image=nginx --replicas=3 --port=80\n\n# With a command\nkubectl create deployment idle --image=busybox -- sleep infinity',
  flags: [
    flag.slice('image', 'The images to run. Several make a pod with several containers.', { required: true }),
    flag.int32('port', 'The port that the container serves.', { value: '-1' }),
    flag.int32('replicas', 'The number of replicas.', { short: 'r', value: '1' }),
  ],
  failed: 'failed to create deployment: ',
  make(context, flags, name) {
    const images = flags.list('image');
    if (images.length > 1 && flags.args.length > 1) throw new CommandError('cannot specify multiple --image options and command');
    const port = flags.integer('port');
    const containers = images.map((image, i) => ({
      name: containerName(context, image),
      image,
      ...commandOf(flags),
      ...(i === 0 && port >= 0 ? { ports: [{ containerPort: port }] } : {}),
    }));
    const labels = { app: name };
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: { replicas: flags.integer('replicas'), selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    };
  },
});

const podTemplate = (flags: Flags, name: string, restartPolicy: string): Json => ({
  spec: { containers: [{ name, image: flags.text('image'), ...commandOf(flags) }], restartPolicy },
});

export const CREATE_JOB = generatorCommand({
  name: 'job',
  use: 'job NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]',
  short: 'Create a job with the specified name',
  examples: '# A job\nkubectl create job hello --image=busybox -- date\n\n# A job from a cron job, now\nkubectl create job now --from=cronjob/nightly',
  flags: [flag.string('from', 'The cron job to take the job from.'), flag.string('image', 'The image to run.')],
  failed: 'failed to create job: ',
  *make(context, flags, name) {
    const [image, from] = [flags.text('image'), flags.text('from')];
    if ((image === '') === (from === '')) throw new CommandError('either --image or --from must be specified');
    if (flags.args.length > 1 && from !== '') throw new CommandError('cannot specify --from and command');
    if (from !== '') return yield* jobFrom(context, from, name);
    return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template: podTemplate(flags, name, 'Never') } };
  },
});

interface CronJob {
  readonly spec?: { readonly jobTemplate?: { readonly metadata?: { readonly labels?: Json; readonly annotations?: Json }; readonly spec?: Json } };
}

function* jobFrom(context: Context, from: string, name: string): Op<Made> {
  const { infos } = yield* mustFind(context, { args: [from] });
  const [info] = infos;
  if (infos.length !== 1 || !info) throw new CommandError('from must be an existing cronjob');
  const { kind, metadata, spec } = info.object as typeof info.object & CronJob;
  if (kind !== 'CronJob') throw new CommandError(`unknown object type *v1.${kind ?? ''}`);
  const template = spec?.jobTemplate;
  const labels = template?.metadata?.labels;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      ...(labels ? { labels } : {}),
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', ...template?.metadata?.annotations },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: metadata?.name ?? '', uid: metadata?.uid ?? '', controller: true }],
    },
    spec: template?.spec ?? {},
  };
}

export const CREATE_CRON_JOB = generatorCommand({
  name: 'cronjob',
  aliases: ['cj'],
  use: "cronjob NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]",
  short: 'Create a cron job with the specified name',
  examples: '# Every minute\nkubectl create cronjob tick --image=busybox --schedule="*/1 * * * *"\n\n# With a command\nkubectl create cronjob tick --image=busybox --schedule="*/1 * * * *" -- date',
  flags: [
    flag.string('image', 'The image to run.', { required: true }),
    flag.string('restart', 'The restart policy of the jobs: OnFailure or Never.'),
    flag.string('schedule', 'When to run, in the format of cron.', { required: true }),
  ],
  failed: 'failed to create cronjob: ',
  make: (_context, flags, name) => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: { schedule: flags.text('schedule'), jobTemplate: { metadata: { name }, spec: { template: podTemplate(flags, name, flags.text('restart') || 'OnFailure') } } },
  }),
});
