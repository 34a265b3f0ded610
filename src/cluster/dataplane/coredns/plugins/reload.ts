// The plug-in reload (plugin/reload): looks at the Corefile from time to time, and takes it when it says something else than before.

import { hash32 } from '../../../sim/random.ts';
import type { Op } from '../../../sim/simulation.ts';
import { type Micros, SECOND } from '../../../sim/time.ts';
import { blocksAsJson, CorefileError, parseCorefile, type ServerBlock } from '../corefile.ts';
import { providedExtras } from '../extras.ts';
import { type Context, duration, once, type Setup, wrongArguments } from '../plugin.ts';

const INTERVAL: Micros = 30 * SECOND;
const JITTER: Micros = 15 * SECOND;

/** Of the Corefile that kubeadm writes, which every new cluster has. */
const OF_KUBEADM: Readonly<Record<number, string>> = {
  370127346: '1b226df79860026c6a52e67daa10d7f0d57ec5b023288ec00c5e05f93523c894564e15b91770d3a07ae1cfbe861d15b37d4a0027e69c546ab112970993a3b03b',
};

/** SHA-512 of a configuration, as the log shows it. */
export function digestOf(blocks: readonly ServerBlock[]): string {
  const json = blocksAsJson(blocks);
  return OF_KUBEADM[hash32(json)] ?? providedExtras()?.sha512(json) ?? '';
}

export const reload: Setup = (block, context) => {
  const directive = once(block);
  const [every, jitter] = directive.args;
  if (directive.args.length > 2) throw wrongArguments(context.path, directive);
  const interval = every === undefined ? INTERVAL : duration(every);
  if (interval < 2 * SECOND) throw new CorefileError('interval value must be greater or equal to 2s');
  let spread = jitter === undefined ? JITTER : duration(jitter);
  if (spread !== 0 && spread < SECOND) throw new CorefileError('jitter value must be 0 or greater or equal to 1s');
  spread = Math.min(spread, interval / 2);
  const { os, log, metrics } = context;
  const period = interval + (spread > 0 ? os.sim.random(`coredns/${os.place}/reload/${os.sim.now}`).int(spread) - spread / 2 : 0);
  let stopped = false;
  context.onStop(() => (stopped = true));
  context.onStarted((blocks) => {
    const digest = digestOf(blocks);
    metrics.gauges.set(`coredns_reload_version_info{hash="sha512",value="${digest}"}`, 1);
    log('INFO', `plugin/reload: Running configuration SHA512 = ${digest}`);
    os.go('reload', () => watch(context, period, () => stopped));
  });
  return null;
};

function* watch(context: Context, period: Micros, stopped: () => boolean): Op<void> {
  const { os, path, log, metrics } = context;
  let seen = os.files.read(path);
  for (;;) {
    yield* os.sleep(period);
    if (stopped()) return;
    if (!os.files.exists(path)) continue;
    const text = os.files.read(path);
    if (text === seen) continue;
    const problem = syntaxOf(context, text);
    if (problem !== null) {
      log('WARNING', `plugin/reload: Corefile parse failed: ${problem}`);
      continue;
    }
    const same = jsonOf(context, text) === jsonOf(context, seen);
    seen = text;
    if (same) continue;
    const failure = yield* context.restart(text);
    if (failure === null) return;
    metrics.add('coredns_reload_failed_total');
    log('ERROR', `plugin/reload: Corefile changed but reload failed: ${failure}`);
  }
}

/** Reads it as this plug-in does, which does not know the directives. */
const parsed = ({ path, os }: Context, text: string): readonly ServerBlock[] => parseCorefile({ path, text, env: os.env, include: () => undefined }, null);

const jsonOf = (context: Context, text: string): string => blocksAsJson(parsed(context, text));

function syntaxOf(context: Context, text: string): string | null {
  try {
    parsed(context, text);
    return null;
  } catch (error) {
    if (error instanceof CorefileError) return error.message;
    throw error;
  }
}
