// kubectl scale: sets spec.replicas through the scale subresource (kubectl/pkg/cmd/scale).

import type { Op } from '../cluster/sim/simulation.ts';
import { type Context, GLOBAL_FLAGS, nameOf, resourceByName } from './context.ts';
import type { Flags, FlagSpec } from './flags.ts';
import { CommandError } from './print/error.ts';

export const SCALE_FLAGS: FlagSpec = { ...GLOBAL_FLAGS, replicas: { takes: 'value' } };

export function* scale(context: Context, flags: Flags): Op<void> {
  const replicas = flags.integer('replicas');
  if (replicas === undefined) throw new CommandError('required flag(s) "replicas" not set');
  if (replicas < 0) throw new CommandError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
  const [first = '', ...rest] = flags.args;
  const pairs = first.includes('/') ? flags.args.map((arg) => arg.split('/') as [string, string]) : rest.map((name) => [first, name] as [string, string]);
  if (pairs.length === 0) throw new CommandError('resource(s) were provided, but no name was specified');
  for (const [type, name] of pairs) {
    const kind = resourceByName(type);
    const target = { kind, namespace: context.namespace, name };
    yield* context.request('GET', target);
    yield* context.request('PATCH', { ...target, subresource: 'scale' }, { body: { spec: { replicas } }, contentType: 'application/merge-patch+json' });
    context.print(`${nameOf(kind, name)} scaled`);
  }
}
