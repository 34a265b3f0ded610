// What may stand next on a command line: resource types, then names (kubectl/pkg/util/completion).

import { isProgrammingError } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { groupResource } from '../resource/mapper.ts';

/** The names of the objects of a type that begin with `prefix`. */
export function* completeNames(context: Context, type: string, prefix: string): Op<string[]> {
  try {
    const mapping = yield* context.mapper.byArgument(type);
    const objects = yield* context.rest.list({ mapping, namespace: mapping.namespaced ? context.namespace : '', name: '' });
    return objects.map((o) => o.metadata?.name ?? '').filter((name) => name.startsWith(prefix));
  } catch (error) {
    // A shell that completes shows no errors.
    if (isProgrammingError(error)) throw error;
    return [];
  }
}

/** All types that can be got, by name and group where two share a name. */
export function* completeTypes(context: Context, prefix: string): Op<string[]> {
  try {
    const all = (yield* context.mapper.all()).filter((m) => m.verbs.includes('get'));
    return [...new Set(all.map(groupResource))].filter((name) => name.startsWith(prefix)).sort();
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    return [];
  }
}

/** `TYPE NAME…`, `TYPE/NAME…`, `TYPE,TYPE`. */
export function* completeResources(context: Context, flags: Flags, toComplete: string): Op<readonly string[]> {
  const slash = toComplete.indexOf('/');
  if (slash >= 0) return (yield* completeNames(context, toComplete.slice(0, slash), toComplete.slice(slash + 1))).map((name) => `${toComplete.slice(0, slash)}/${name}`);
  const [type, ...named] = flags.args;
  if (type === undefined) {
    const comma = toComplete.lastIndexOf(',');
    return (yield* completeTypes(context, toComplete.slice(comma + 1))).map((name) => toComplete.slice(0, comma + 1) + name);
  }
  if (type.includes('/')) return (yield* completeTypes(context, toComplete)).map((name) => `${name}/`);
  return (yield* completeNames(context, type, toComplete)).filter((name) => !named.includes(name));
}
