// `KEY=VALUE` and `KEY-` arguments behind the resources that they are for (kubectl/pkg/cmd/util/helpers.go).

import { CommandError } from '../print/error.ts';

export interface Split {
  readonly resources: readonly string[];
  readonly pairs: readonly string[];
}

/** Resources first, then pairs. Throws CommandError for a resource behind a pair. `kind` is 'label', 'annotation', 'env'. */
export function splitPairs(args: readonly string[], kind: string): Split {
  const isPair = (arg: string): boolean => (arg.includes('=') && !arg.startsWith('=')) || (arg.endsWith('-') && arg !== '-');
  const first = args.findIndex(isPair);
  if (first < 0) return { resources: args, pairs: [] };
  const pairs = args.slice(first);
  const late = pairs.find((arg) => !isPair(arg));
  if (late !== undefined) throw new CommandError(`all resources must be specified before ${kind} changes: ${late}`);
  return { resources: args.slice(0, first), pairs };
}

export interface Pairs {
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}

/** Reads pairs; `removable` allows `KEY-`. Throws CommandError. */
export function parsePairs(pairs: readonly string[], kind: string, removable: boolean): Pairs {
  const set = new Map<string, string>();
  const remove: string[] = [];
  const invalid: string[] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals > 0) set.set(pair.slice(0, equals), pair.slice(equals + 1));
    else if (removable && pair.endsWith('-') && pair !== '-') remove.push(pair.slice(0, -1));
    else invalid.push(pair);
  }
  if (invalid.length > 0) throw new CommandError(`invalid ${kind} format: ${invalid.join(', ')}`);
  return { set, remove };
}
