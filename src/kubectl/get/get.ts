// kubectl get: tables from the server, objects in a format, watches, raw requests (kubectl/pkg/cmd/get).

import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { allNamespacesFlag, chunkSizeFlag, fieldSelectorFlag, filenameFlags, FORMATS, printFlags, selectorFlag, subresourceFlag } from '../global-flags.ts';
import { CommandError, ManyErrors, throwAll } from '../print/error.ts';
import { TabWriter } from '../print/tabwriter.ts';
import { isTable, type ServerTable, TablePrinter } from '../print/table.ts';
import { filesOf, find, type Found, type Info, type Request } from '../resource/builder.ts';
import { kindName } from '../resource/mapper.ts';
import { splitUrl } from '../resource/raw.ts';
import type { LiveObject } from '../rest.ts';
import { ageText } from './age.ts';
import { formatPrinter, GET_FORMATS, isHumanReadable } from './formats.ts';
import { sortObjects, sortTables } from './sort.ts';
import { watch } from './watch.ts';

export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

export const GET: Command = {
  name: 'get',
  group: 'Basic Commands (Intermediate):',
  use: `get [(-o|--output=)${[...FORMATS, ...GET_FORMATS].join('|')}] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]`,
  short: 'Display one or many resources',
  long: 'Display one or many resources.\n\n Shows a table with what matters most about each object. Use a label selector (--selector) to see only some of them. Of namespaced types you see those of the current namespace, unless you name another one or ask for all.\n\n With -o template and --template you choose the fields yourself.\n\nUse "kubectl api-resources" for a complete list of supported resources.',
  examples: '# List the pods of the namespace\nkubectl get pods\n\n# The same with more columns, such as the node\nkubectl get pods -o wide\n\n# One deployment as YAML\nkubectl get deployment web -o yaml\n\n# Only the phase of a pod\nkubectl get pod web -o jsonpath={.status.phase}\n\n# Services and deployments together\nkubectl get svc,deployments\n\n# Watch the pods of all namespaces\nkubectl get pods -A -w',
  flags: [
    ...printFlags(GET_FORMATS),
    ...filenameFlags('to get.'),
    allNamespacesFlag,
    chunkSizeFlag,
    fieldSelectorFlag,
    flag.bool('ignore-not-found', 'Do not complain about named objects that do not exist.'),
    flag.slice('label-columns', 'Labels to show as columns, separated by commas or by repeating the flag.', { short: 'L' }),
    flag.bool('no-headers', 'Print no headers.'),
    flag.bool('output-watch-events', 'Print watch events with their types. Only with --watch or --watch-only.'),
    flag.string('raw', 'A path to ask the server for, as it is.'),
    selectorFlag,
    flag.bool('server-print', 'Have the server make the table.', { value: 'true' }),
    flag.bool('show-kind', 'Put the kind before each name.'),
    flag.bool('show-labels', 'Show all labels as the last column.'),
    flag.string('sort-by', "Sort lists by this field, a JSONPath expression such as '{.metadata.name}'."),
    subresourceFlag,
    flag.bool('watch', 'Go on watching for changes after the list.', { short: 'w' }),
    flag.bool('watch-only', 'Watch for changes without listing first.'),
  ],
  suggestFor: ['list', 'ls'],
  complete: completeResources,
  run: get,
};

function check(context: Context, flags: Flags): void {
  const output = flags.text('output');
  if (flags.is('show-labels') && output !== '' && output !== 'wide') throw new CommandError(`--show-labels option cannot be used with ${output} printer`);
  if (flags.list('label-columns').length > 0 && output.startsWith('custom-columns')) throw new CommandError(`--label-columns option cannot be used with ${output} printer`);
  const watching = flags.is('watch') || flags.is('watch-only');
  if (flags.is('output-watch-events') && !watching) throw new CommandError('--output-watch-events option can only be used with --watch or --watch-only');
  if (watching && flags.text('sort-by') !== '') context.printError(flags.is('watch') ? 'warning: --watch requested, --sort-by will be ignored for watch events received' : 'warning: --watch-only requested, --sort-by will be ignored');
  if (!watching && flags.args.length === 0 && flags.list('filename').length === 0 && flags.text('kustomize') === '') {
    context.printError('You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n');
    throw context.usageError('Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).');
  }
}

function* get(context: Context, flags: Flags): Op<void> {
  if (flags.text('raw') !== '') return yield* raw(context, flags);
  check(context, flags);
  const human = isHumanReadable(flags);
  const sorting = flags.text('sort-by') !== '';
  const tables = human && flags.is('server-print');
  const request: Request = {
    args: flags.args,
    ...filesOf(flags),
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
    allNamespaces: flags.is('all-namespaces'),
    subresource: flags.text('subresource'),
    emptySelector: true,
    latest: true,
    chunkSize: sorting ? 0 : flags.integer('chunk-size'),
    ...(tables ? { accept: TABLE } : {}),
    ...(tables && sorting ? { query: { includeObject: 'Object' } } : {}),
  };
  if (flags.is('watch') || flags.is('watch-only')) return yield* watch(context, flags, request);
  const found = yield* find(context, request);
  const errors = flags.is('ignore-not-found') ? found.errors.filter((e) => !(e instanceof ApiError && e.reason === 'NotFound')) : found.errors;
  if (human) printTables(context, flags, { ...found, errors });
  else printGeneric(context, flags, { ...found, errors });
}

function* raw(context: Context, flags: Flags): Op<void> {
  const path = flags.text('raw');
  if (flags.args.length > 0) throw new CommandError('arguments may not be passed when --raw is specified');
  if (flags.is('watch') || flags.is('watch-only') || flags.text('selector') !== '') throw new CommandError('--raw may not be specified with other flags that filter the server request or alter the output');
  if (flags.text('output') !== '') throw new CommandError('--raw and --output are mutually exclusive');
  if (!path.startsWith('/')) throw new CommandError(`--raw must be a valid URL path: parse ${JSON.stringify(path)}: invalid URI for request`);
  const { plain, query } = splitUrl(path);
  const response = yield* context.rest.raw('GET', plain, { query, accept: 'application/json, */*' });
  if (response.stream) {
    for (let chunk = yield* response.stream.read(); chunk !== undefined; chunk = yield* response.stream.read()) context.write(typeof chunk === 'string' ? chunk : `${JSON.stringify(chunk)}\n`);
    return;
  }
  context.write(typeof response.body === 'string' ? response.body : `${JSON.stringify(response.body)}\n`);
}

const requestedKinds = (infos: readonly Info[]): number => new Set(infos.map((i) => `${i.mapping.apiVersion} ${i.mapping.kind}`)).size;

export const tableOptions = (flags: Flags, info: Info | undefined, withKind: boolean) => ({
  wide: flags.text('output') === 'wide',
  headers: !flags.is('no-headers'),
  withNamespace: flags.is('all-namespaces') && (info?.mapping.namespaced ?? true),
  kind: withKind || flags.is('show-kind') ? (info ? kindName(info.mapping) : '') : '',
  labelColumns: flags.list('label-columns'),
  showLabels: flags.is('show-labels'),
});

/** What the server sends when it cannot make tables: name and age. */
export function plainTable(object: LiveObject, age: (time: string | undefined) => string): ServerTable {
  const items = (object as { items?: readonly LiveObject[] }).items ?? [object];
  return {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name' },
      { name: 'Age', type: 'string' },
    ],
    rows: items.map((item) => ({ cells: [item.metadata?.name ?? '', age(item.metadata?.creationTimestamp)], object: item as NonNullable<ServerTable['rows'][number]['object']> })),
  };
}

function printTables(context: Context, flags: Flags, { infos, errors }: Found): void {
  const withKind = infos.length > 1 && requestedKinds(infos) > 1;
  let pages = infos.map((info) => ({ info, table: isTable(info.object) ? info.object : plainTable(info.object, (time) => ageText(context, time)) }));
  if (flags.text('sort-by') !== '') pages = sortTables(pages, flags.text('sort-by'));
  let written = 0;
  let separator = false;
  const tabs = new TabWriter((text) => {
    if (text !== '' && separator) context.print();
    separator = false;
    written += text.length;
    context.write(text);
  });
  let last: Info | undefined;
  let printer: TablePrinter | undefined;
  for (const { info, table } of pages) {
    if (!printer || !last || last.mapping !== info.mapping) {
      tabs.flush();
      tabs.forget();
      if (last && !flags.is('no-headers') && written > 0) separator = true;
      printer = new TablePrinter((text) => tabs.write(text), tableOptions(flags, info, withKind));
      last = info;
    }
    if (table.rows.length > 0 || flags.text('sort-by') === '') printer.print(table);
  }
  tabs.flush();
  if (written === 0 && !flags.is('ignore-not-found') && errors.length === 0) {
    const allNamespaced = !flags.is('all-namespaces') && infos.every((i) => i.mapping.namespaced);
    context.printError(allNamespaced ? `No resources found in ${context.namespace} namespace.` : 'No resources found');
  }
  throwAll(errors);
}

function printGeneric(context: Context, flags: Flags, { infos, errors, single }: Found): void {
  if (errors.length > 0 && single) throwAll(errors);
  if (infos.length === 0 && flags.is('ignore-not-found')) return throwAll(errors);
  const print = formatPrinter(context, flags);
  let sortedInfos = infos;
  if (flags.text('sort-by') !== '') sortedInfos = sortObjects(infos, flags.text('sort-by'));
  const one = single && infos.length === 1 ? infos[0] : undefined;
  if (one && !Array.isArray((one.object as { items?: unknown }).items)) print({ object: one.object });
  else {
    const object = { apiVersion: 'v1', items: sortedInfos.map((i) => i.object), kind: 'List', metadata: { resourceVersion: '' } };
    print({ object: object as LiveObject });
  }
  if (errors.length > 1) throw new ManyErrors(errors);
  throwAll(errors);
}
