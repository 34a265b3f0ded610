// kubeadm's waiting for components (app/util/apiclient/wait.go): asks each health endpoint until it answers well.

import { isProgrammingError } from '../../client/errors.ts';
import type { Os } from '../../machine/process.ts';
import { HttpClient } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, MINUTE, SECOND } from '../../sim/time.ts';
import { poll } from './phase.ts';

export interface HealthTarget {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly tls: boolean;
}

const INTERVAL = 500 * MILLISECOND;
const LIMIT = 4 * MINUTE;
const REQUEST_LIMIT = 10 * SECOND;

/** Returns when all targets are healthy; throws after four minutes. */
export function* waitHealthy(os: Os, targets: readonly HealthTarget[]): Op<void> {
  const started = os.sim.now;
  for (const target of targets) {
    const url = `${target.tls ? 'https' : 'http'}://${target.host}:${target.port}${target.path}`;
    os.log(`[${target.name === 'kubelet' ? 'kubelet-check' : 'control-plane-check'}] Checking ${target.name} at ${url}`);
    yield* poll(os, INTERVAL, LIMIT, `${target.name} check failed at ${url}`, () => isHealthy(os, target));
    os.log(`[control-plane-check] ${target.name} is healthy after ${((os.sim.now - started) / SECOND).toFixed(6)}s`);
  }
}

function* isHealthy(os: Os, { host, port, path, tls }: HealthTarget): Op<boolean> {
  const client = new HttpClient(os, { host, port, ...(tls ? { tls: {} } : {}) });
  try {
    const response = yield* client.request({ method: 'GET', path, query: {}, headers: {} }, REQUEST_LIMIT);
    return response.status === 200;
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    return false;
  } finally {
    client.close();
  }
}
