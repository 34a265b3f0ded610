// kubectl rollout history (kubectl/pkg/cmd/rollout/rollout_history.go).

import type { PodTemplateSpec } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { podTemplate } from '../describe/pods.ts';
import { Writer } from '../describe/writer.ts';
import { flag, type Flags } from '../flag-set.ts';
import { printFlags } from '../global-flags.ts';
import { CHANGE_CAUSE } from '../mutate/record.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { printerOf } from '../print/printer.ts';
import { DESCRIBE_TABS, TabWriter } from '../print/tabwriter.ts';
import type { Info } from '../resource/builder.ts';
import { mustName, rolloutFlags, rolloutObjects } from './change.ts';
import { historyOf, mustHaveHistory, type Revision } from './revisions.ts';

export const HISTORY: Command = {
  name: 'history',
  use: 'history (TYPE NAME | TYPE/NAME) [flags]',
  short: 'View rollout history',
  long: 'View the revisions of a workload and what they were made from.',
  examples: '# The revisions of a deployment\nkubectl rollout history deployment/web\n\n# One of a daemon set, in detail\nkubectl rollout history daemonset/agent --revision=3',
  flags: [...rolloutFlags, ...printFlags(), flag.int64('revision', 'Show this revision in detail, with its pod template.')],
  complete: completeResources,
  run: history,
};

/** Upstream lets the tabs of the description stand. */
class PlainTabs extends TabWriter {
  readonly #put: (text: string) => void;

  constructor(put: (text: string) => void) {
    super(put);
    this.#put = put;
  }

  override write(text: string): void {
    this.#put(text);
  }
}

/** A pod template as `describe` shows it. */
export function templateText(template: PodTemplateSpec): string {
  const out = { text: '' };
  const tabs = new PlainTabs((piece) => {
    out.text += piece;
  });
  podTemplate(new Writer(0, { tabs, out, indent: 0 }), template);
  return out.text;
}

const byNumber = (a: Revision, b: Revision): number => a.number - b.number;

function table(revisions: readonly Revision[]): string {
  let text = '';
  const tabs = new TabWriter((piece) => {
    text += piece;
  }, DESCRIBE_TABS);
  tabs.write('REVISION\tCHANGE-CAUSE\n');
  for (const { number, annotations, template, patch } of revisions) {
    const inTemplate = patch === undefined ? template.metadata?.annotations?.[CHANGE_CAUSE] : undefined;
    tabs.write(`${number}\t${annotations[CHANGE_CAUSE] || inTemplate || '<none>'}\n`);
  }
  tabs.flush();
  return text;
}

/** The last of several with the same number counts. */
function sortedUnique(revisions: readonly Revision[]): readonly Revision[] {
  return [...new Map([...revisions].map((r) => [r.number, r])).values()].sort(byNumber);
}

function textOf(revisions: readonly Revision[], wanted: number): string {
  if (revisions.length === 0) return 'No rollout history found.';
  if (wanted === 0) return table(revisions);
  const one = revisions.find((r) => r.number === wanted);
  if (!one) throw new CommandError('unable to find the specified revision');
  const cause = one.annotations[CHANGE_CAUSE];
  // Upstream shows the cause of a ReplicaSet among the annotations of its template.
  const template = cause === undefined || one.patch !== undefined ? one.template : { ...one.template, metadata: { ...one.template.metadata, annotations: { ...one.template.metadata?.annotations, [CHANGE_CAUSE]: cause } } };
  return templateText(template as PodTemplateSpec);
}

function* history(context: Context, flags: Flags): Op<void> {
  mustName(flags);
  const wanted = flags.integer('revision');
  if (wanted < 0) throw new CommandError(`revision must be a positive integer: ${wanted}`);
  const { infos, errors } = yield* rolloutObjects(context, flags);
  const failed: unknown[] = [...errors];
  for (const info of infos) {
    try {
      yield* historyOfOne(context, flags, info, wanted);
    } catch (error) {
      failed.push(error);
    }
  }
  throwAll(failed);
}

function* historyOfOne(context: Context, flags: Flags, info: Info, wanted: number): Op<void> {
  const formatted = flags.text('output') !== '' || flags.text('template') !== '';
  const print = formatted ? printerOf(context, flags, '', [], true) : null;
  mustHaveHistory(info.mapping, 'history viewer');
  const revisions = sortedUnique((yield* historyOf(context, info)).revisions);
  if (print) {
    const shown = wanted === 0 ? revisions : revisions.filter((r) => r.number === wanted);
    if (wanted > 0 && shown.length === 0) throw new CommandError('unable to find the specified revision');
    for (const { object } of shown) print({ object: asStruct(object) });
    return;
  }
  const text = textOf(revisions, wanted);
  printerOf(context, flags, `${wanted > 0 ? `with revision #${wanted}` : ''}\n${text}`)?.({ object: info.object });
}
