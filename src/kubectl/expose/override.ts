// --overrides of expose and run: a patch of the object that kubectl made (kubectl/pkg/cmd/util/override_options.go).

import { decodeAs } from '../../cluster/api/decode.ts';
import { applyJsonPatch } from '../../cluster/api/patch/json.ts';
import { applyMergePatch } from '../../cluster/api/patch/merge.ts';
import { applyStrategicPatch } from '../../cluster/api/patch/strategic.ts';
import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import { flag, type Flags, type FlagSet } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import type { LiveObject } from '../rest.ts';

export const overrideFlags: FlagSet = [
  flag.string('override-type', 'How the object is overridden: json, merge or strategic.', { value: 'merge' }),
  flag.string('overrides', 'JSON that overrides the object that the command makes.'),
];

/** The object with --overrides. Throws CommandError. */
export function overridden(flags: Flags, object: LiveObject): LiveObject {
  const text = flags.text('overrides');
  if (text === '') return object;
  const type = flags.text('override-type');
  if (!['json', 'merge', 'strategic', ''].includes(type)) throw new CommandError(`invalid override type: ${type}`);
  let patch: unknown;
  try {
    patch = JSON.parse(text);
  } catch {
    throw new CommandError(type === 'merge' || type === '' ? 'Invalid JSON Patch' : `error parsing --overrides: invalid JSON`);
  }
  try {
    const changed = type === 'json' ? applyJsonPatch(object, patch) : type === 'strategic' ? applyStrategicPatch(object.kind ?? '', object, patch) : applyMergePatch(object, patch);
    decodeAs(object.kind ?? '', changed);
    return changed as LiveObject;
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    throw new CommandError(messageOf(error));
  }
}
