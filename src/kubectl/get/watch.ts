// kubectl get --watch and --watch-only: the list first, then every event until the server ends the stream.

import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { TabWriter } from '../print/tabwriter.ts';
import { isTable, TablePrinter } from '../print/table.ts';
import { find, type Info, type Request } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { ageText } from './age.ts';
import { formatPrinter, isHumanReadable } from './formats.ts';
import { plainTable, tableOptions } from './get.ts';

interface Event {
  readonly type: string;
  readonly object: LiveObject;
}

export function* watch(context: Context, flags: Flags, request: Request): Op<void> {
  const { infos, errors } = yield* find(context, { ...request, whole: true, singleType: true });
  if (errors.length > 0) {
    if (flags.is('ignore-not-found') && errors.every((e) => e instanceof ApiError && e.reason === 'NotFound')) return;
    throwAll(errors);
  }
  if (new Set(infos.map((i) => i.mapping)).size > 1) throw new CommandError('you may only specify a single resource type');
  const [info] = infos;
  if (!info) throw new CommandError('watch is only supported on individual resources and resource collections - no resources were found');
  if (infos.length > 1 && info.name !== '') throw new CommandError(`watch is only supported on individual resources and resource collections - ${infos.length} resources were found`);
  const print = printer(context, flags, info);
  const isList = info.name === '';
  const only = flags.is('watch-only');
  for (const page of infos) {
    const items = isTable(page.object) ? [page.object as LiveObject] : ((page.object as { items?: readonly LiveObject[] }).items ?? [page.object]);
    for (const item of items) if (!only) print({ type: 'ADDED', object: typed(item, info) });
  }
  const resourceVersion = isList ? (infos.at(-1)?.object.metadata?.resourceVersion ?? '0') : '0';
  const query = {
    ...(isList ? {} : { fieldSelector: `metadata.name=${info.name}` }),
    ...(request.selector ? { labelSelector: request.selector } : {}),
    ...(request.fieldSelector && isList ? { fieldSelector: request.fieldSelector } : {}),
    ...request.query,
    resourceVersion,
  };
  const stream = yield* context.rest.watch(info, query, { ...(request.accept ? { accept: request.accept } : {}), subjectName: info.name });
  let skip = !isList;
  for (let event = yield* stream.read(); event !== undefined; event = yield* stream.read()) {
    const { type, object } = event as Event;
    if (type === 'BOOKMARK') continue;
    if (skip) {
      // A single object is replayed: it has been printed.
      skip = false;
      continue;
    }
    print({ type, object: typed(object, info) });
  }
}

const typed = (object: LiveObject, { mapping }: Info): LiveObject => (object.kind ? object : { ...object, apiVersion: mapping.apiVersion, kind: mapping.kind });

function printer(context: Context, flags: Flags, info: Info): (event: Event) => void {
  const events = flags.is('output-watch-events');
  if (!isHumanReadable(flags)) {
    const print = formatPrinter(context, flags);
    return ({ type, object }) => print({ object: events ? ({ object, type } as unknown as LiveObject) : object });
  }
  const tabs = new TabWriter((text) => context.write(text));
  const tables = new TablePrinter((text) => tabs.write(text), tableOptions(flags, info, false));
  return ({ type, object }) => {
    tables.print(isTable(object) ? object : plainTable(object, (time) => ageText(context, time)), events ? type : undefined);
    tabs.flush();
  };
}
