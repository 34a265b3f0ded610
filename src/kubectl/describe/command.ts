// kubectl describe (kubectl/pkg/cmd/describe).

import { ApiError } from '../../cluster/api/status.ts';
import { messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { allNamespacesFlag, chunkSizeFlag, filenameFlags, selectorFlag } from '../global-flags.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { filesOf, find, mustFind, type Info, type Request } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { describerOf } from './describers.ts';
import { describeAny } from './generic.ts';
import { Page, type Settings } from './page.ts';

const RESOURCES = 'Use "kubectl api-resources" for a complete list of supported resources.';

export const DESCRIBE: Command = {
  name: 'describe',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)',
  short: 'Show details of a specific resource or group of resources',
  long: `Show details of a specific resource or group of resources.\n\n Tells at length what the objects are and do, with what belongs to them, such as events or controllers. Name one object, all of a type, those with a label, or the beginning of a name:\n\n  $ kubectl describe TYPE NAME_PREFIX\n\n looks for an object of exactly that name first; when there is none, it describes all whose names begin with it.\n\n${RESOURCES}`,
  examples:
    '# A node\nkubectl describe nodes worker-1\n\n# A pod\nkubectl describe pods/web\n\n# The pod that a file names\nkubectl describe -f pod.json\n\n# All pods\nkubectl describe pods\n\n# The pods with a label\nkubectl describe pods -l app=web\n\n# All pods of the deployment web, whose names begin with its name\nkubectl describe pods web',
  flags: [
    ...filenameFlags('to describe.'),
    allNamespacesFlag,
    chunkSizeFlag,
    selectorFlag,
    flag.bool('show-events', 'Show the events about the object. Without the flag: for one object yes, for several and for beginnings of names no.', { value: 'true' }),
  ],
  suggestFor: ['inspect'],
  complete: completeResources,
  run: describe,
};

/** The page of one object, which is fetched in the version that its describer reads. */
function* pageOf(context: Context, settings: Settings, { mapping, namespace, name }: Info): Op<string> {
  if (name === '') throw new CommandError('resource name may not be empty');
  const describer = describerOf(mapping.group, mapping.kind);
  const page = new Page(context, settings, mapping.kind);
  if (!describer) yield* describeAny(page, yield* page.get<LiveObject>(mapping, namespace, name));
  else yield* describer.describe(page, yield* page.get<object>({ ...mapping, version: describer.version }, namespace, name));
  return page.text();
}

function* describe(context: Context, flags: Flags): Op<void> {
  const files = filesOf(flags);
  if (flags.args.length === 0 && files.filenames?.length === 0 && !files.kustomize) throw new CommandError(`You must specify the type of resource to describe. ${RESOURCES}`);
  const allNamespaces = flags.is('all-namespaces');
  const request: Request = { args: flags.args, ...files, selector: flags.text('selector'), allNamespaces, emptySelector: true, chunkSize: flags.integer('chunk-size') };
  const { infos, errors } = yield* find(context, request);
  const one = errors.length === 0 && infos.length <= 1;
  const settings: Settings = { showEvents: flags.given('show-events') || one ? flags.is('show-events') : false, chunkSize: flags.integer('chunk-size') };
  const [error] = errors;
  if (errors.length === 1 && error instanceof ApiError && error.reason === 'NotFound' && flags.args.length === 2) {
    return yield* describePrefix(context, settings, error, flags.args[0] as string, flags.args[1] as string);
  }
  const told = new Set<string>();
  const all = [...errors];
  let first = true;
  for (const info of infos) {
    try {
      const text = yield* pageOf(context, settings, info);
      context.write(first ? text : `\n\n${text}`);
      first = false;
    } catch (failure) {
      if (!told.has(messageOf(failure))) all.push(failure);
      told.add(messageOf(failure));
    }
  }
  if (infos.length === 0 && all.length === 0) context.printError(allNamespaces ? 'No resources found' : `No resources found in ${context.namespace} namespace.`);
  throwAll(all);
}

/** All objects whose names begin with what turned out to be no name. */
function* describePrefix(context: Context, settings: Settings, missing: ApiError, type: string, prefix: string): Op<void> {
  const { infos } = yield* mustFind(context, { args: [type], emptySelector: true, singleType: true, chunkSize: settings.chunkSize });
  const found = infos.filter((info) => info.name.startsWith(prefix));
  if (found.length === 0) throw missing;
  for (const info of found) context.write(`${yield* pageOf(context, settings, info)}\n`);
}
