// -o of commands that print objects: json, yaml, kyaml, name, go-template, jsonpath and their files (cli-runtime genericclioptions).

import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { FORMATS } from '../global-flags.ts';
import type { LiveObject } from '../rest.ts';
import { CommandError } from './error.ts';
import { goTemplatePrinter } from './go-template.ts';
import { goJsonIndent, goSyntax } from './json.ts';
import { JsonPath } from './jsonpath.ts';
import { kyaml } from './kyaml.ts';
import { goYaml, withoutManagedFields } from './yaml.ts';

/** What is printed of: an object, and the resource it is of (for its name). */
export interface Printable {
  readonly object: LiveObject;
  /** `deployment.apps/web` without the name; default: from the object's kind. */
  readonly kindName?: string;
}

/** Prints one object on stdout. */
export type Printer = (printable: Printable) => void;

/** `Deployment` of `apps/v1` → `deployment.apps`. */
export function kindNameOf({ apiVersion = '', kind = '' }: LiveObject): string {
  const slash = apiVersion.indexOf('/');
  return `${kind.toLowerCase()}${slash < 0 ? '' : `.${apiVersion.slice(0, slash)}`}`;
}

export const nameOf = ({ object, kindName }: Printable): string => {
  const name = object.metadata?.name ?? '';
  const kind = kindName ?? kindNameOf(object);
  return kind === '' ? `<unknown>/${name}` : `${kind}/${name}`;
};

const noPrinter = (format: string, allowed: readonly string[]): CommandError =>
  new CommandError(`unable to match a printer suitable for the output format ${JSON.stringify(format)}, allowed formats are: ${[...allowed].sort().join(',')}`);

/** The format and what stands behind its `=`. */
export function outputOf(flags: Flags): { readonly format: string; readonly argument: string | undefined } {
  const output = flags.text('output');
  const equals = output.indexOf('=');
  if (output === '' && flags.text('template') !== '') return { format: 'go-template', argument: undefined };
  return equals < 0 ? { format: output, argument: undefined } : { format: output.slice(0, equals), argument: output.slice(equals + 1) };
}

const itemsOf = (object: LiveObject): readonly LiveObject[] | undefined => {
  const { kind, items } = object as { kind?: string; items?: readonly LiveObject[] };
  return kind?.endsWith('List') && Array.isArray(items) ? items : undefined;
};

/**
 * The printer of -o. Without -o: `<name> <operation>` when there is an operation, else null for the caller's own table.
 * Throws CommandError for a format that is not known. `typed`: JSON keeps the order of the fields, as a Go struct does.
 */
export function printerOf(context: Context, flags: Flags, operation = '', more: readonly string[] = [], typed = false): Printer | null {
  const { format, argument } = outputOf(flags);
  const allowed = [...FORMATS, ...more];
  const whole = format === '' ? '' : flags.text('output');
  if (format === '') return operation === '' ? null : (printable) => context.print(`${nameOf(printable)} ${operation}`);
  if (!allowed.includes(format as (typeof FORMATS)[number])) throw noPrinter(whole, allowed);
  const plain = format === 'json' || format === 'yaml' || format === 'kyaml' || format === 'name';
  if (plain && argument !== undefined) throw noPrinter(whole, allowed);
  if (format === 'name') {
    return (printable) => {
      for (const object of itemsOf(printable.object) ?? []) context.print(nameOf({ object }));
      if (!itemsOf(printable.object)) context.print(nameOf(printable));
    };
  }
  if (plain) return documents(context, format, flags.is('show-managed-fields'), typed);
  return template(context, flags, format, argument, typed);
}

function documents(context: Context, format: string, managed: boolean, typed: boolean): Printer {
  let count = 0;
  return ({ object }) => {
    const shown = managed ? object : withoutManagedFields(object);
    if (format === 'json') context.write(`${goJsonIndent(shown, typed)}\n`);
    else if (format === 'kyaml') context.write(kyaml(shown));
    else context.write(`${count++ > 0 ? '---\n' : ''}${goYaml(shown)}`);
  };
}

function template(context: Context, flags: Flags, format: string, argument: string | undefined, typed: boolean): Printer | null {
  const missing = flags.is('allow-missing-template-keys');
  let text = argument ?? flags.text('template');
  if (text === '') throw new CommandError('template format specified but no template given');
  if (format.endsWith('file')) {
    const path = context.path(text);
    if (!context.os.files.exists(path)) throw new CommandError(`error reading --template ${text}, open ${text}: no such file or directory\n`);
    text = context.os.files.read(path);
  }
  if (format.startsWith('jsonpath')) return jsonPathPrinter(context, text, missing, format === 'jsonpath-as-json');
  return goTemplatePrinter(context, text, missing, typed);
}

function jsonPathPrinter(context: Context, text: string, missing: boolean, asJson: boolean): Printer {
  let parsed: JsonPath;
  try {
    parsed = new JsonPath(text, { allowMissing: missing, asJson });
  } catch (error) {
    throw new CommandError(`error parsing jsonpath ${text}, ${error instanceof Error ? error.message : String(error)}\n`);
  }
  return ({ object }) => {
    try {
      context.write(parsed.print(object));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(
        `error executing jsonpath ${JSON.stringify(text)}: Error executing template: ${error.message}. Printing more information for debugging the template:\n` +
          `\ttemplate was:\n\t\t${text}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(object)}\n\n\n`,
      );
    }
  };
}
