// kubectl get: tables from the server, or objects in a format (kubectl/pkg/cmd/get).

import type { ResourceKind } from '../cluster/api/kinds.ts';
import { ApiError } from '../cluster/api/status.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { type Context, GLOBAL_FLAGS, type LiveObject, resourceByName, resourcesOfCategory } from './context.ts';
import type { Flags, FlagSpec } from './flags.ts';
import { CommandError, ManyErrors } from './print/error.ts';
import { printObjects, type Printed } from './print/objects.ts';
import { printTable, type ServerTable } from './print/table.ts';
import { readItems } from './source.ts';

export const GET_FLAGS: FlagSpec = {
  ...GLOBAL_FLAGS,
  filename: { short: 'f', takes: 'list' },
  output: { short: 'o', takes: 'value' },
  'all-namespaces': { short: 'A', takes: 'yes' },
  selector: { short: 'l', takes: 'value' },
  'field-selector': { takes: 'value' },
  'show-labels': { takes: 'yes' },
  'no-headers': { takes: 'yes' },
  'ignore-not-found': { takes: 'yes' },
};

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

/** What to fetch: all objects of a resource, or one by name. */
interface Wanted {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
}

export function* get(context: Context, flags: Flags): Op<void> {
  const output = flags.text('output');
  const wanted = wantedBy(context, flags);
  const tables = output === undefined || output === 'wide';
  const errors: unknown[] = [];
  const printed: Printed[] = [];
  const pages: { kind: ResourceKind; table: ServerTable }[] = [];
  for (const one of wanted) {
    try {
      const query = queryOf(flags, one);
      const body = yield* context.request('GET', one, { query, ...(tables ? { accept: TABLE } : {}) });
      if (tables) pages.push({ kind: one.kind, table: body as ServerTable });
      else if (one.name !== '') printed.push({ kind: one.kind, object: body as LiveObject });
      else for (const item of (body as { items?: LiveObject[] }).items ?? []) printed.push({ kind: one.kind, object: withType(item, one.kind) });
    } catch (error) {
      if (error instanceof ApiError && error.code === 404 && flags.is('ignore-not-found')) continue;
      errors.push(error);
    }
  }
  if (tables) printPages(context, flags, pages, errors.length === 0);
  else if (errors.length === 0 || printed.length > 0) {
    const single = wanted.length === 1 && wanted[0]?.name !== '';
    if (!single || printed.length > 0) printObjects(context, printed, output, !single);
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ManyErrors(errors);
}

const withType = (object: LiveObject, kind: ResourceKind): LiveObject => ({ ...object, apiVersion: kind.apiVersion, kind: kind.kind });

function queryOf(flags: Flags, one: Wanted): Record<string, string> {
  if (one.name !== '') return {};
  const selector = flags.text('selector');
  const fields = flags.text('field-selector');
  return { limit: '500', ...(selector ? { labelSelector: selector } : {}), ...(fields ? { fieldSelector: fields } : {}) };
}

function wantedBy(context: Context, flags: Flags): readonly Wanted[] {
  if (flags.list('filename').length > 0) {
    return [...readItems(context, flags, true)].map((item) => {
      if ('error' in item) throw item.error;
      return item.target;
    });
  }
  const [first, ...names] = flags.args;
  if (first === undefined) {
    throw new CommandError(
      'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\nRequired resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\nSee \'kubectl get -h\' for help and examples',
    );
  }
  const all = flags.is('all-namespaces');
  const place = (kind: ResourceKind): string => (kind.namespaced && !all ? context.namespace : '');
  if (flags.args.some((arg) => arg.includes('/'))) {
    return flags.args.map((arg) => {
      const slash = arg.indexOf('/');
      if (slash < 0) throw new CommandError("there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'");
      const kind = resourceByName(arg.slice(0, slash));
      return { kind, namespace: place(kind), name: arg.slice(slash + 1) };
    });
  }
  const kinds = first.split(',').flatMap((word) => (word === 'all' ? resourcesOfCategory('all') : [resourceByName(word)]));
  if (names.length === 0) return kinds.map((kind) => ({ kind, namespace: place(kind), name: '' }));
  if (all) throw new CommandError('a resource cannot be retrieved by name across all namespaces');
  return kinds.flatMap((kind) => names.map((name) => ({ kind, namespace: place(kind), name })));
}

function printPages(context: Context, flags: Flags, pages: readonly { kind: ResourceKind; table: ServerTable }[], sayWhenEmpty: boolean): void {
  const merged = new Map<string, { kind: ResourceKind; table: ServerTable }>();
  for (const page of pages) {
    const known = merged.get(page.kind.key);
    if (known) merged.set(page.kind.key, { ...known, table: { ...known.table, rows: [...known.table.rows, ...page.table.rows] } });
    else merged.set(page.kind.key, page);
  }
  const full = [...merged.values()].filter((p) => p.table.rows.length > 0);
  if (full.length === 0) {
    if (sayWhenEmpty && !flags.is('ignore-not-found')) {
      const anyNamespaced = pages.some((p) => p.kind.namespaced);
      context.os.logError(anyNamespaced && !flags.is('all-namespaces') ? `No resources found in ${context.namespace} namespace.` : 'No resources found');
    }
    return;
  }
  for (const [i, { kind, table }] of full.entries()) {
    if (i > 0) context.print('');
    const lines = printTable(table, {
      wide: flags.text('output') === 'wide',
      withNamespace: flags.is('all-namespaces') && kind.namespaced,
      showLabels: flags.is('show-labels'),
      headers: !flags.is('no-headers'),
      prefix: merged.size > 1 ? `${kind.singular}${kind.group === '' ? '' : `.${kind.group}`}/` : '',
    });
    for (const line of lines) context.print(line);
  }
}
