// A selector of the command line as an object has it (apimachinery ParseToLabelSelector).

import { parseLabelSelector } from '../../cluster/api/selector.ts';
import { messageOf } from '../../cluster/client/errors.ts';
import { CommandError } from '../print/error.ts';
import type { Json } from './generator.ts';

const OPERATORS: Readonly<Record<string, string>> = { in: 'In', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' };
const SIGNS: Readonly<Record<string, string>> = { gt: 'gt', lt: 'lt' };

export interface ObjectSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly Json[];
}

/** Throws CommandError for what is no selector, or none that objects can have. */
export function objectSelector(text: string): ObjectSelector {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: Json[] = [];
  let requirements: ReturnType<typeof parseLabelSelector>['requirements'];
  try {
    requirements = parseLabelSelector(text).requirements;
  } catch (error) {
    throw new CommandError(`couldn't parse the selector string "${text}": ${messageOf(error)}`);
  }
  for (const { key, operator, values } of requirements) {
    const known = OPERATORS[operator];
    if (operator === '=' || operator === '==') matchLabels[key] = values[0] ?? '';
    else if (known !== undefined) matchExpressions.push({ key, operator: known, ...(values.length > 0 ? { values: [...values].sort() } : {}) });
    else if (SIGNS[operator] !== undefined) throw new CommandError(`"${operator}" isn't supported in label selectors`);
    else throw new CommandError(`${JSON.stringify(operator)} is not a valid label selector operator`);
  }
  return { matchLabels, matchExpressions };
}

/** Without the parts that are empty. */
export const compact = ({ matchLabels, matchExpressions }: ObjectSelector): Json => ({
  ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
  ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
});
