// -o custom-columns=NAME:.metadata.name,… and the file form (kubectl/pkg/cmd/get/customcolumn.go).

import type { Context } from '../context.ts';
import { CommandError } from '../print/error.ts';
import { goPrint } from '../print/json.ts';
import { JsonPath, relaxedPath } from '../print/jsonpath.ts';
import type { Printer } from '../print/printer.ts';
import { TabWriter } from '../print/tabwriter.ts';
import type { LiveObject } from '../rest.ts';

interface Column {
  readonly header: string;
  readonly spec: string;
}

/** Throws CommandError. */
export function parseColumns(spec: string): readonly Column[] {
  return spec.split(',').map((part) => {
    const colon = part.indexOf(':');
    if (colon < 0) throw new CommandError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    return { header: part.slice(0, colon), spec: relaxedPath(part.slice(colon + 1)) };
  });
}

/** Two lines: headers, and paths below them. */
export function parseColumnsFile(context: Context, name: string): readonly Column[] {
  const path = context.path(name);
  if (!context.os.files.exists(path)) throw new CommandError(`error reading template ${name}, open ${name}: no such file or directory\n`);
  const [first = '', second = ''] = context.os.files.read(path).split('\n');
  const headers = first.split(/\s+/).filter(Boolean);
  const specs = second.split(/\s+/).filter(Boolean);
  if (headers.length !== specs.length) throw new CommandError(`number of headers (${headers.length}) and field specifications (${specs.length}) don't match`);
  return headers.map((header, i) => ({ header, spec: relaxedPath(specs[i] as string) }));
}

const itemsOf = (object: LiveObject): readonly LiveObject[] => (object as { items?: readonly LiveObject[] }).items ?? [object];

export function columnsPrinter(context: Context, columns: readonly Column[], headers: boolean): Printer {
  let first = headers;
  const tabs = new TabWriter((text) => context.write(text));
  const paths = columns.map(({ spec }) => {
    try {
      return new JsonPath(spec, { allowMissing: true });
    } catch (error) {
      throw new CommandError(error instanceof Error ? error.message : String(error));
    }
  });
  return ({ object }) => {
    if (first) tabs.write(`${columns.map((c) => c.header).join('\t')}\n`);
    first = false;
    for (const item of itemsOf(object)) {
      const cells = paths.map((path) => {
        const values = path.results(item).flat();
        return values.length === 0 ? '<none>' : values.map((v) => goPrint(v)).join(',');
      });
      tabs.write(`${cells.join('\t')}\n`);
    }
    tabs.flush();
  };
}
