// kubectl events (kubectl/pkg/cmd/events).

import type { Op } from '../../cluster/sim/simulation.ts';
import { parseTime } from '../../cluster/sim/time.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { humanDuration } from '../duration.ts';
import { flag, type Flags } from '../flag-set.ts';
import { allNamespacesFlag, chunkSizeFlag, printFlags } from '../global-flags.ts';
import { CommandError } from '../print/error.ts';
import { type Printer, printerOf } from '../print/printer.ts';
import { TabWriter } from '../print/tabwriter.ts';
import type { LiveObject, Query } from '../rest.ts';

interface Event extends LiveObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

export const EVENTS: Command = {
  name: 'events',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'events [(-o|--output=)json|yaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]',
  short: 'List events',
  long: 'Display events.\n\n Shows a table of events, oldest first: of the namespace, of all namespaces, or of one object.',
  examples: '# The events of the namespace\nkubectl events\n\n# Of all namespaces\nkubectl events -A\n\n# Of one pod\nkubectl events --for pod/web --watch\n\n# Only some types\nkubectl events --types=Warning',
  flags: [
    ...printFlags(),
    allNamespacesFlag,
    chunkSizeFlag,
    flag.string('for', 'Only events of this object, TYPE/NAME.'),
    flag.bool('no-headers', 'Print no headers.'),
    flag.slice('types', 'Only events of these types.'),
    flag.bool('watch', 'Go on watching for events after the list.', { short: 'w' }),
  ],
  run: events,
};

const lastOf = (event: Event): string | undefined => event.series?.lastObservedTime || event.lastTimestamp || event.eventTime || undefined;

function since(context: Context, time: string | undefined | null): string {
  const at = time ? parseTime(time) : undefined;
  if (at === undefined) return '<unknown>';
  return humanDuration((context.os.sim.epoch + context.os.sim.now - at) / 1e6);
}

function interval(context: Context, event: Event): string {
  const first = event.firstTimestamp || event.eventTime;
  if (event.series) return `${since(context, event.series.lastObservedTime)} (x${event.series.count ?? 0} over ${since(context, first)})`;
  if ((event.count ?? 0) > 1) return `${since(context, event.lastTimestamp)} (x${event.count} over ${since(context, first)})`;
  return since(context, first);
}

function* fieldsFor(context: Context, subject: string): Op<Query> {
  if (subject === '') return {};
  const [type = '', name = '', ...more] = subject.split('/');
  if (type === '' || name === '' || more.length > 0) throw new CommandError('--for must be in resource/name form');
  const mapping = yield* context.mapper.byArgument(type);
  return { fieldSelector: `involvedObject.kind=${mapping.kind},involvedObject.apiVersion=${mapping.apiVersion},involvedObject.name=${name}` };
}

function* events(context: Context, flags: Flags): Op<void> {
  const types = flags.list('types');
  for (const type of types) if (!/^(normal|warning)$/i.test(type)) throw new CommandError('valid --types are Normal or Warning');
  const mapping = yield* context.mapper.byResource('', 'events');
  if (!mapping) throw new CommandError(`the server doesn't have a resource type "events"`);
  const all = flags.is('all-namespaces');
  const target = { mapping, namespace: all ? '' : context.namespace, name: '' };
  const query = yield* fieldsFor(context, flags.text('for'));
  const wanted = (event: Event): boolean => types.length === 0 || types.some((t) => t.toLowerCase() === (event.type ?? '').toLowerCase());
  const print = printerOf(context, flags);
  const table = new EventTable(context, all, !flags.is('no-headers'));
  if (flags.is('watch')) return yield* watch(context, target, query, wanted, print, table);
  const found = ((yield* context.rest.list(target, query)) as Event[]).filter(wanted);
  if (found.length === 0) {
    context.printError(all ? 'No events found.' : `No events found in ${context.namespace} namespace.`);
    return;
  }
  const order = (event: Event): number => parseTime(lastOf(event) ?? '') ?? 0;
  found.sort((a, b) => order(a) - order(b));
  if (print) print({ object: { apiVersion: 'v1', kind: 'List', metadata: {}, items: found } as LiveObject });
  else table.print(found);
}

function* watch(context: Context, target: Parameters<Context['rest']['watch']>[0], query: Query, wanted: (event: Event) => boolean, print: Printer | null, table: EventTable): Op<void> {
  const stream = yield* context.rest.watch(target, { ...query, limit: '500' });
  for (let next = yield* stream.read(); next !== undefined; next = yield* stream.read()) {
    const { type, object } = next as { type: string; object: Event };
    if (type === 'DELETED' || type === 'BOOKMARK' || !wanted(object)) continue;
    if (print) print({ object });
    else table.print([object]);
  }
}

class EventTable {
  readonly #context: Context;
  readonly #tabs: TabWriter;
  readonly #namespaces: boolean;
  #headers: boolean;

  constructor(context: Context, namespaces: boolean, headers: boolean) {
    this.#context = context;
    this.#namespaces = namespaces;
    this.#headers = headers;
    this.#tabs = new TabWriter((text) => context.write(text));
  }

  print(found: readonly Event[]): void {
    if (this.#headers) this.#tabs.write(`${this.#namespaces ? 'NAMESPACE\t' : ''}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n`);
    this.#headers = false;
    for (const event of found) {
      const { kind = '', name = '' } = event.involvedObject ?? {};
      const cells = [interval(this.#context, event), event.type ?? '', event.reason ?? '', `${kind}/${name}`, (event.message ?? '').trim()];
      this.#tabs.write(`${[...(this.#namespaces ? [event.metadata?.namespace ?? ''] : []), ...cells].join('\t')}\n`);
    }
    this.#tabs.flush();
  }
}
