// The Pod and the Service of `kubectl run` (kubectl/pkg/generate/versioned/run.go).

import type { Context } from '../context.ts';
import { strictEnvNameErrors } from '../create/sources.ts';
import { integerOf, parseLabels, serviceOf } from '../expose/service.ts';
import type { Flags } from '../flag-set.ts';
import { parsePairs } from '../mutate/pairs.ts';
import { CommandError } from '../print/error.ts';
import type { LiveObject } from '../rest.ts';

const DOMAIN = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?';
const PART = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*';
/** distribution/reference. */
const IMAGE = new RegExp(`^(?:${DOMAIN}/)?${PART}(?:/${PART})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`);

/** Throws CommandError for what is no image. */
export function checkImage(image: string): void {
  if (image === '') throw new CommandError('--image is required');
  if (!IMAGE.test(image)) throw new CommandError(`Invalid image name ${JSON.stringify(image)}: invalid reference format`);
}

/** Throws CommandError. */
export function restartPolicyOf(context: Context, flags: Flags): string {
  const given = flags.text('restart');
  if (given === '') return flags.is('stdin') ? 'OnFailure' : 'Always';
  if (!['Always', 'OnFailure', 'Never'].includes(given)) throw context.usageError(`invalid restart policy: ${given}`);
  return given;
}

export function checkPullPolicy(context: Context, flags: Flags): void {
  const given = flags.text('image-pull-policy');
  if (!['', 'Always', 'IfNotPresent', 'Never'].includes(given)) throw context.usageError(`invalid image pull policy: ${given}`);
}

const envOf = (flags: Flags): readonly object[] =>
  flags.list('env').map((text) => {
    const equals = text.indexOf('=');
    const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
    if (equals <= 0 || strictEnvNameErrors(name).length > 0) throw new CommandError(`invalid env: ${text}`);
    return { name, ...(value === '' ? {} : { value }) };
  });

const labelsOf = (flags: Flags, name: string): Readonly<Record<string, string>> => (flags.text('labels') === '' ? { run: name } : parseLabels(flags.text('labels')));

/** The Pod that the flags describe. Throws CommandError. */
export function podOf(flags: Flags, name: string): LiveObject {
  const [port, pullPolicy] = [flags.text('port'), flags.text('image-pull-policy')];
  const stdin = flags.is('stdin');
  const words = flags.args.slice(1);
  const env = envOf(flags);
  const annotations = Object.fromEntries(parsePairs(flags.list('annotations'), 'annotations', false).set);
  const container = {
    name,
    image: flags.text('image'),
    ...(words.length === 0 ? {} : flags.is('command') ? { command: words } : { args: words }),
    ...(port === '' ? {} : { ports: [{ containerPort: integerOf(port) }] }),
    ...(env.length > 0 ? { env } : {}),
    ...(pullPolicy === '' ? {} : { imagePullPolicy: pullPolicy }),
    ...(flags.is('privileged') ? { securityContext: { privileged: true } } : {}),
    ...(stdin ? { stdin: true } : {}),
    ...(stdin && !flags.is('leave-stdin-open') ? { stdinOnce: true } : {}),
    ...(flags.is('tty') ? { tty: true } : {}),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: labelsOf(flags, name), ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: { containers: [container], restartPolicy: flags.text('restart') || 'Always', dnsPolicy: 'ClusterFirst' },
  } as LiveObject;
}

/** The Service of --expose. */
export const serviceOfRun = (flags: Flags, name: string): LiveObject =>
  serviceOf({
    name,
    labels: flags.text('labels') === '' ? null : labelsOf(flags, name),
    selector: labelsOf(flags, name),
    protocol: 'TCP',
    ports: flags.text('port'),
    protocols: new Map(),
    targetPort: '',
    type: '',
    externalIP: '',
    loadBalancerIP: '',
    sessionAffinity: '',
    clusterIP: '',
  });
