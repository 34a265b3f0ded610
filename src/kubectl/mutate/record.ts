// --record: the command line goes into the annotation kubernetes.io/change-cause (cli-runtime genericclioptions/record_flags.go).

import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import type { LiveObject } from '../rest.ts';

export const CHANGE_CAUSE = 'kubernetes.io/change-cause';

export const recordFlag = flag.bool('record', 'Record the command line in an annotation of the object.', { deprecated: '--record will be removed in the future' });

/** `kubectl set image deployment/web nginx=nginx:1.27 --record=true`. */
const causeOf = (context: Context, flags: Flags): string =>
  [context.commandPath, ...flags.args, ...flags.pairs().map(([name, value]) => `--${name}=${value}`)].join(' ');

/** The object with the command line in it, when --record asks for it. */
export function recorded(context: Context, flags: Flags, object: LiveObject): LiveObject {
  if (!flags.is('record')) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [CHANGE_CAUSE]: causeOf(context, flags) } } };
}
