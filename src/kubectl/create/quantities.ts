// `cpu=100m,memory=1Gi` of create quota and set resources (kubectl's populateResourceListV1).

import { parseQuantity, QuantityError } from '../../cluster/api/quantity.ts';
import { CommandError } from '../print/error.ts';

/** Undefined for an empty text. Throws CommandError. */
export function resourceListOf(text: string): Readonly<Record<string, string>> | undefined {
  if (text === '') return undefined;
  const list: Record<string, string> = {};
  for (const statement of text.split(',')) {
    const [name = '', value, ...more] = statement.split('=');
    if (value === undefined || more.length > 0) throw new CommandError(`Invalid argument syntax ${statement}, expected <resource>=<value>`);
    try {
      list[name] = parseQuantity(value).text;
    } catch (error) {
      throw error instanceof QuantityError ? new CommandError(error.message) : error;
    }
  }
  return list;
}
