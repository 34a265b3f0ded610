// kubectl autoscale: a HorizontalPodAutoscaler for what can be scaled (kubectl/pkg/cmd/autoscale/autoscale.go).

import { parseQuantity, tryQuantity } from '../cluster/api/quantity.ts';
import { isProgrammingError } from '../cluster/client/errors.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import type { Command } from './command.ts';
import { completeResources } from './completion/resources.ts';
import type { Context } from './context.ts';
import { saveConfigFlag } from './create.ts';
import { type Json, targetOf, withSavedConfig } from './create/generator.ts';
import { flag, type Flags } from './flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags } from './global-flags.ts';
import { recorded, recordFlag } from './mutate/record.ts';
import { type DryRun, dryRunOf, operationText, writeQuery } from './mutation.ts';
import { CommandError, throwAll } from './print/error.ts';
import { asStruct } from './print/go-struct.ts';
import { printerOf } from './print/printer.ts';
import { filesOf, find, type Info } from './resource/builder.ts';
import type { LiveObject } from './rest.ts';

export const AUTOSCALE: Command = {
  name: 'autoscale',
  group: 'Deploy Commands:',
  use: 'autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]',
  short: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
  long: 'Make an autoscaler that chooses the number of pods by itself.\n\n It looks at a deployment, replica set, stateful set or replication controller and changes its size as the load asks for.',
  examples: '# Between two and ten pods, without a target\nkubectl autoscale deployment web --min=2 --max=10\n\n# At most five pods, at 80 % of the requested CPU\nkubectl autoscale deployment web --max=5 --cpu=80%\n\n# By memory\nkubectl autoscale deployment web --max=5 --memory=200Mi',
  flags: [
    ...printFlags(),
    ...filenameFlags('to autoscale.'),
    dryRunFlag,
    fieldManagerFlag('kubectl-autoscale'),
    saveConfigFlag,
    recordFlag,
    flag.string('cpu', 'Target of CPU: a share of the request such as 70%, or an amount such as 500m.'),
    flag.int32('cpu-percent', 'Target of CPU, percent of the request.', { value: '-1', deprecated: "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU)." }),
    flag.int32('max', 'The largest number of pods. Required.', { value: '-1', required: true }),
    flag.string('memory', 'Target of memory: a share of the request such as 60%, or an amount such as 200Mi.'),
    flag.int32('min', 'The smallest number of pods; the server decides when it is negative.', { value: '-1' }),
    flag.string('name', 'The name of the autoscaler; default: the name of the resource.'),
  ],
  complete: completeResources,
  run: autoscale,
};

const UNITS = { cpu: 'm', memory: 'Mi' } as const;

/** The target of a metric: a share, or an amount. Throws CommandError. */
function targetOfMetric(text: string, name: 'cpu' | 'memory'): Json {
  const input = text.trim();
  if (input === '') throw new CommandError('empty input');
  if (input.endsWith('%')) {
    const share = input.slice(0, -1);
    if (!/^\+?\d+$/.test(share) || Number(share) >= 2 ** 31) throw new CommandError(`invalid percentage value: ${share}`);
    return { type: 'Utilization', averageUtilization: Number(share) };
  }
  const plain = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(input);
  const quantity = tryQuantity(plain ? `${Number(input)}${UNITS[name]}` : input);
  if (quantity === undefined) throw new CommandError(`invalid resource ${name} value: ${input}`);
  return { type: 'AverageValue', averageValue: parseQuantity(quantity.text).text };
}

const metric = (name: string, target: Json): Json => ({ type: 'Resource', resource: { name, target } });

function check(flags: Flags): void {
  const [min, max] = [flags.integer('min'), flags.integer('max')];
  if (max < 1) throw new CommandError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
  if (max < min) throw new CommandError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`);
  if (flags.integer('cpu-percent') > 0 && flags.text('cpu') !== '') throw new CommandError('--cpu-percent and --cpu are mutually exclusive');
  for (const name of ['cpu', 'memory'] as const) if (flags.text(name) !== '') targetOfMetric(flags.text(name), name);
}

function* autoscale(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  check(flags);
  const { infos, errors } = yield* find(context, { ...filesOf(flags), args: flags.args });
  const failed: unknown[] = [...errors];
  let count = 0;
  for (const info of infos) {
    try {
      yield* autoscaleOne(context, flags, info, dry);
      count++;
    } catch (error) {
      failed.push(error);
    }
  }
  throwAll(failed);
  if (count === 0) throw new CommandError('no objects passed to autoscale');
}

function head(context: Context, flags: Flags, { name, mapping }: Info, version: string, more: Json): LiveObject {
  const min = flags.integer('min');
  return {
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: flags.text('name') || name, ...(context.namespaceGiven ? { namespace: context.namespace } : {}) },
    spec: {
      scaleTargetRef: { kind: mapping.kind, name, apiVersion: mapping.apiVersion },
      ...(min > 0 ? { minReplicas: min } : {}),
      maxReplicas: flags.integer('max'),
      ...more,
    },
  } as LiveObject;
}

function* autoscaleOne(context: Context, flags: Flags, info: Info, dry: DryRun): Op<void> {
  const { mapping } = info;
  if (!mapping.subresources.some((s) => s.name === 'scale')) {
    throw new CommandError(`cannot autoscale a ${mapping.kind}: could not find scale subresource for ${mapping.group}/${mapping.version}, Resource=${mapping.resource} in discovery information`);
  }
  const [cpu, memory, percent] = [flags.text('cpu'), flags.text('memory'), flags.integer('cpu-percent')];
  const metrics = [
    ...(percent > 0 ? [metric('cpu', { type: 'Utilization', averageUtilization: percent })] : []),
    ...(cpu === '' ? [] : [metric('cpu', targetOfMetric(cpu, 'cpu'))]),
    ...(memory === '' ? [] : [metric('memory', targetOfMetric(memory, 'memory'))]),
  ];
  try {
    yield* send(context, flags, head(context, flags, info, 'v2', metrics.length > 0 ? { metrics } : {}), dry);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    mustFitOldVersion(flags);
    yield* send(context, flags, head(context, flags, info, 'v1', percent >= 0 ? { targetCPUUtilizationPercentage: percent } : {}), dry);
  }
}

/** autoscaling/v1 knows shares of CPU only. Throws CommandError, with upstream's odd words. */
function mustFitOldVersion(flags: Flags): void {
  const refuse = (why: string): CommandError => new CommandError(`failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: ${why}`);
  if (flags.text('cpu').trim() === '') throw refuse('empty input');
  const utilization = targetOfMetric(flags.text('cpu'), 'cpu')['type'] === 'Utilization';
  if (flags.text('memory') !== '' || (flags.integer('cpu-percent') < 0 && !utilization)) throw refuse('%!w(<nil>)');
}

function* send(context: Context, flags: Flags, made: LiveObject, dry: DryRun): Op<void> {
  const object = recorded(context, flags, made);
  if (dry === 'client') {
    printerOf(context, flags, operationText('created', dry), [], true)?.({ object: asStruct(object) });
    return;
  }
  const body = asStruct(flags.is('save-config') ? withSavedConfig(object) : object);
  const answer = yield* context.rest.create(yield* targetOf(context, body), body, writeQuery(flags.text('field-manager'), '', dry));
  printerOf(context, flags, operationText('autoscaled', dry), [], true)?.({ object: asStruct(answer) });
}
