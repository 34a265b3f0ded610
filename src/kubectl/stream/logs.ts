// kubectl logs: the logs of one container, of all of a Pod, or of all Pods of a selector (kubectl/pkg/cmd/logs).

import type { Pod } from '../../cluster/api/generated/types.ts';
import { textOf } from '../../cluster/api/bytes.ts';
import { ApiError } from '../../cluster/api/status.ts';
import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import { Deferred } from '../../cluster/sim/channel.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { SECOND } from '../../cluster/sim/time.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { selectorFlag } from '../global-flags.ts';
import { CommandError } from '../print/error.ts';
import { type Info, mustFind } from '../resource/builder.ts';
import { pathOf, type Query } from '../rest.ts';
import { containerByName, DEFAULT_CONTAINER, defaulted, mustContainer } from './containers.ts';
import { asPodArguments, byLogging, podRunningTimeout, podRunningTimeoutFlag, podsWith, podTarget, selectorOf } from './pods.ts';

const USE = 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]';

export const LOGS: Command = {
  name: 'logs',
  group: 'Troubleshooting and Debugging Commands:',
  use: USE,
  short: 'Print the logs for a container in a pod',
  long: 'Print the logs of a container of a Pod, or of the Pods of another object. A Pod with one container needs no container name.',
  examples: 'kubectl logs web-1\nkubectl logs -f -c app web-1\nkubectl logs deployment/web --all-pods=true\nkubectl logs -l app=web --tail=20 --prefix',
  flags: [
    flag.bool('all-containers', 'The logs of all containers.'),
    flag.bool('all-pods', 'The logs of all Pods. Turns --prefix on.'),
    flag.string('container', 'The container whose log is meant.', { short: 'c' }),
    flag.bool('follow', 'Go on as the log grows.', { short: 'f' }),
    flag.bool('ignore-errors', 'Errors while reading logs do not end the command.'),
    flag.bool('insecure-skip-tls-verify-backend', 'Do not check who the kubelet is that the logs come from.'),
    flag.int64('limit-bytes', 'At most this many bytes. 0 means no limit.'),
    flag.int('max-log-requests', 'At most this many logs are followed at once.', { value: '5' }),
    podRunningTimeoutFlag('20s'),
    flag.bool('prefix', 'Begin each line with the Pod and container that it is from.'),
    flag.bool('previous', 'The log of the container that ran before, if there was one.', { short: 'p' }),
    selectorFlag,
    flag.duration('since', 'Only what is newer than 5s, 2m, 3h. Not together with --since-time.'),
    flag.string('since-time', 'Only what came after this instant (RFC3339). Not together with --since.'),
    flag.int64('tail', 'Only so many last lines. -1 means all, but 10 with a selector.', { value: '-1' }),
    flag.bool('timestamps', 'Begin each line with its time.'),
  ],
  complete: (context, flags, toComplete) => (flags.args.length === 0 ? completeNames(context, 'pods', toComplete) : none()),
  run: logs,
};

function* none(): Op<readonly string[]> {
  return [];
}

interface Source {
  readonly pod: Pod;
  readonly container: string;
}

/** What is not about which log. */
function optionsOf(flags: Flags): Query {
  const query: Record<string, string> = {};
  for (const [name, field] of [['follow', 'follow'], ['previous', 'previous'], ['timestamps', 'timestamps'], ['insecure-skip-tls-verify-backend', 'insecureSkipTLSVerifyBackend']] as const) {
    if (flags.is(name)) query[field] = 'true';
  }
  const instant = flags.text('since-time');
  if (instant !== '') {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(instant)) throw new CommandError(`parsing time ${JSON.stringify(instant)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(instant)} as "2006"`);
    query['sinceTime'] = instant;
  }
  if (flags.integer('limit-bytes') !== 0) query['limitBytes'] = String(flags.integer('limit-bytes'));
  if (flags.duration('since') !== 0) query['sinceSeconds'] = String(Math.round(flags.duration('since') / SECOND));
  const tail = flags.integer('tail');
  if (flags.text('selector') !== '' && tail === -1 && !flags.given('tail')) query['tailLines'] = '10';
  else if (tail !== -1) query['tailLines'] = String(tail);
  return query;
}

function validate(flags: Flags, container: string): void {
  if (flags.text('since-time') !== '' && flags.duration('since') !== 0) throw new CommandError('at most one of `sinceTime` or `sinceSeconds` may be specified');
  if (flags.is('all-containers') && container !== '') throw new CommandError(`--all-containers=true should not be specified with container name ${container}`);
  if (flags.given('container') && flags.args.length === 2) throw new CommandError('only one of -c or an inline [CONTAINER] arg is allowed');
  if (flags.integer('limit-bytes') < 0) throw new CommandError('--limit-bytes must be greater than 0');
  if (flags.duration('since') < 0) throw new CommandError('--since must be greater than 0');
  if (flags.integer('tail') < -1) throw new CommandError('--tail must be greater than or equal to -1');
}

function* logs(context: Context, flags: Flags): Op<void> {
  const [arg, second] = flags.args;
  const selector = flags.text('selector');
  if (flags.args.length > 2 || (arg === undefined && selector === '')) throw context.usageError(`expected '${USE}'.\nPOD or TYPE/NAME is a required argument for the logs command`);
  if (flags.args.length === 1 && selector !== '') throw context.usageError('only a selector (-l) or a POD name is allowed');
  const container = second ?? flags.text('container');
  const timeout = podRunningTimeout(context, flags, false);
  const query = optionsOf(flags);
  const infos = yield* targets(context, arg, selector);
  if (selector !== '' && infos.length === 0) context.printError(`No resources found in ${context.namespace} namespace.`);
  validate(flags, container);
  const everyPod = flags.is('all-pods');
  const sources: Source[] = [];
  const choose = (pod: Pod): void => void sources.push(...sourcesOf(context, pod, container, flags.is('all-containers'), everyPod));
  for (const info of infos) {
    if (info.mapping.group === '' && info.mapping.resource === 'pods') {
      choose(info.object as unknown as Pod);
      continue;
    }
    const pods = yield* podsWith(context, info.namespace, selectorOf(info, 'get the logs from'), timeout, byLogging);
    if (pods.length > 1 && !everyPod) context.printError(`Found ${pods.length} pods, using pod/${pods[0]?.metadata.name}`);
    for (const pod of everyPod ? pods : pods.slice(0, 1)) choose(pod);
  }
  const most = flags.integer('max-log-requests');
  const follow = flags.is('follow');
  if (follow && sources.length > most && sources.length > 1) {
    throw new CommandError(`you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${most}, use --max-log-requests to increase the limit`);
  }
  const read = (source: Source): Op<void> => readWithRetry(context, flags, source, { container: source.container, ...query }, timeout);
  if (follow && sources.length > 1) yield* together(context, sources, read);
  else for (const source of sources) yield* read(source);
}

function* targets(context: Context, arg: string | undefined, selector: string): Op<readonly Info[]> {
  try {
    const found = yield* mustFind(context, { args: selector === '' || arg !== undefined ? asPodArguments(arg ?? '') : ['pods'], ...(selector === '' ? {} : { selector }) });
    if (selector === '' && found.infos.length !== 1) throw new CommandError('expected a resource');
    return found.infos;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') throw new CommandError(`error from server (NotFound): ${error.message} in namespace ${JSON.stringify(context.namespace)}`);
    throw error;
  }
}

function sourcesOf(context: Context, pod: Pod, named: string, all: boolean, everyPod: boolean): Source[] {
  const { spec } = pod;
  if (all) return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])].map(({ name }) => ({ pod, container: name }));
  let container = named;
  const preferred = pod.metadata.annotations?.[DEFAULT_CONTAINER] ?? '';
  if (container === '' && preferred !== '') {
    if (containerByName(pod, preferred)) container = preferred;
    else context.printError(`Default container name ${JSON.stringify(preferred)} not found in pod ${pod.metadata.name}`);
  }
  if (container === '') container = defaulted(context, pod, everyPod);
  mustContainer(pod, container);
  return [{ pod, container }];
}

/** All at once; the first error ends the command. */
function* together(context: Context, sources: readonly Source[], read: (source: Source) => Op<void>): Op<void> {
  const over = new Deferred<void>(context.os.sim);
  let open = sources.length;
  for (const source of sources) {
    context.os.go('log', function* () {
      try {
        yield* read(source);
        if (--open === 0) over.resolve();
      } catch (error) {
        over.reject(error);
      }
    });
  }
  yield* over.wait();
}

/** A log that is followed may not be there yet: asks again each second. */
function* readWithRetry(context: Context, flags: Flags, source: Source, query: Query, timeout: number): Op<void> {
  const prefix = flags.is('prefix') || flags.is('all-pods') ? `[pod/${source.pod.metadata.name}/${source.container}] ` : '';
  const deadline = context.os.sim.now + timeout;
  for (;;) {
    try {
      yield* readLog(context, source, query, prefix);
      return;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      if (flags.is('ignore-errors')) {
        context.print(`error: ${messageOf(error)}`);
        return;
      }
      if (query['follow'] === undefined) throw error;
      context.printError(messageOf(error));
      if (!(error instanceof ApiError)) throw error;
    }
    if (context.os.sim.now + SECOND > deadline) {
      yield* context.os.sleep(Math.max(0, deadline - context.os.sim.now));
      throw new CommandError('context deadline exceeded');
    }
    yield* context.os.sleep(SECOND);
  }
}

function* readLog(context: Context, { pod }: Source, query: Query, prefix: string): Op<void> {
  const target = yield* podTarget(context, pod.metadata.namespace ?? '', pod.metadata.name);
  const response = yield* context.rest.raw('GET', pathOf({ ...target, subresource: 'log' }), { query, accept: 'application/json, */*' });
  let rest = '';
  const write = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) context.print(prefix + line);
  };
  if (response.stream === undefined) write(textOf(String(response.body ?? '')));
  else for (let piece = yield* response.stream.read(); piece !== undefined; piece = yield* response.stream.read()) write(String(piece));
  if (rest !== '') context.write(prefix + rest);
}
