// Behaviour that a Pod's author declares for a container: sim.k8s/behavior.<container>, JSON. It takes the place of the image's
// program; commands that are executed in the container are the image's all the same.
//   startup "3s" until it listens; ready "5s" until it answers 200; run "forever" or "90s"; exit 0; listen [8080];
//   http {"/healthz": 200}; logs ["…"]; cpu "50m"; mem "64Mi" or "64Mi->300Mi/60s"; fail {"after": "30s", "exit": 137}

import { QuantityError, quantityMilli, quantityValue } from '../api/quantity.ts';
import type { Os, Program } from '../machine/process.ts';
import { hintsOf } from '../runtime/container-hints.ts';
import { receiveAny } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../sim/time.ts';
import { listenOn, text } from './plain/server.ts';

interface Declared {
  readonly startup?: string;
  readonly ready?: string;
  readonly run?: string;
  readonly exit?: number;
  readonly listen?: readonly number[];
  readonly http?: Readonly<Record<string, number>>;
  readonly logs?: readonly string[];
  readonly cpu?: string;
  readonly mem?: string;
  readonly fail?: { readonly after?: string; readonly exit?: number };
}

const UNITS: Readonly<Record<string, Micros>> = { ms: MILLISECOND, s: SECOND, m: 60 * SECOND, h: 3600 * SECOND };

function duration(given: string | undefined): Micros | null {
  if (given === undefined || given === 'forever') return null;
  const m = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(given);
  if (!m) throw new RangeError(`"${given}" is not a duration such as 30s`);
  return Math.round(Number(m[1]) * (UNITS[m[2] as string] as Micros));
}

export const declaredBehavior = (declared: string, _image: Program): Program =>
  function* (os: Os): Op<number> {
    try {
      return yield* behave(os, JSON.parse(declared) as Declared);
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof RangeError) && !(error instanceof QuantityError)) throw error;
      os.logError(`sim.k8s/behavior: ${error.message}`);
      return 1;
    }
  };

function* behave(os: Os, declared: Declared): Op<number> {
  const [startup, ready, run, failAfter] = [duration(declared.startup), duration(declared.ready), duration(declared.run), duration(declared.fail?.after)];
  const cores = quantityMilli(declared.cpu) / 1000;
  const memory = memoryCurve(declared.mem ?? '16Mi');
  yield* os.sleep(startup ?? 0);
  const begun = os.sim.now;
  const signals = os.signals();
  for (const line of declared.logs ?? []) os.log(line);
  os.process.setMemory(memory.from);
  // As so many threads that want to run: it competes, and a limit throttles it.
  if (cores > 0) os.go('cpu', () => os.process.burn(cores));
  const hints = hintsOf(os.process);
  for (const port of declared.listen ?? (run === null ? [...new Set([...hints.ports, ...hints.probed])] : [])) {
    listenOn(os, port, function* (_os, request) {
      const status = declared.http?.[request.path] ?? 200;
      return os.sim.now - begun < (ready ?? 0) ? text('starting\n', 503) : text(`${status}\n`, status);
    });
  }
  if (memory.to > memory.from) os.go('memory', () => grow(os, memory));
  const end = Math.min(run ?? Number.POSITIVE_INFINITY, failAfter ?? Number.POSITIVE_INFINITY);
  if (end === Number.POSITIVE_INFINITY) yield* signals.receive();
  else {
    const got = yield* receiveAny(os.sim, [signals], end);
    if (typeof got === 'symbol') return failAfter !== null && failAfter === end ? (declared.fail?.exit ?? 1) : (declared.exit ?? 0);
  }
  return declared.exit ?? 0;
}

interface Curve {
  readonly from: number;
  readonly to: number;
  readonly over: Micros;
}

function memoryCurve(given: string): Curve {
  const m = /^(\w+)(?:(?:→|->)(\w+)\/(\w+))?$/.exec(given);
  if (!m) throw new RangeError(`"${given}" is not a memory curve such as 64Mi or 64Mi->300Mi/60s`);
  const from = quantityValue(m[1] as string);
  return m[2] === undefined ? { from, to: from, over: 0 } : { from, to: quantityValue(m[2]), over: duration(m[3]) ?? 0 };
}

const STEPS = 30;

function* grow(os: Os, { from, to, over }: Curve): Op<void> {
  for (let step = 1; step <= STEPS; step++) {
    yield* os.sleep(Math.round(over / STEPS));
    os.process.setMemory(Math.round(from + ((to - from) * step) / STEPS));
  }
}
