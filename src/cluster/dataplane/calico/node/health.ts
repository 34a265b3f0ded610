// The probes of calico-node (node/pkg/health): `-felix-live -bird-live` and `-felix-ready -bird-ready`.

import type { Os, Program } from '../../../machine/process.ts';
import { HttpClient, HttpTimeout } from '../../../network/http.ts';
import { SocketError } from '../../../network/socket-error.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { askBird, birdPeers } from '../bird/birdcl.ts';
import { FELIX_HEALTH_PORT } from '../felix/program.ts';
import { NODENAME_FILE } from './startup.ts';

/** So long after a start every peer counts, later one is enough. */
const THRESHOLD = 30 * SECOND;

export const healthProgram: Program = function* (os: Os): Op<number> {
  const problem = yield* check(os, new Set(os.argv.slice(1).map((arg) => arg.replace(/^-+/, ''))));
  if (problem === null) return 0;
  os.log(`calico/node is not ready: ${problem}`);
  return 1;
};

function* check(os: Os, asked: ReadonlySet<string>): Op<string | null> {
  if (asked.has('felix-live')) {
    const problem = yield* felix(os, 'liveness');
    if (problem !== null) return `Felix is not live: ${problem}`;
  }
  if (asked.has('bird-live')) {
    for (const name of ['confd', 'bird']) if (![...os.machine.processes.values()].some((p) => p.comm === name && p.netns === os.process.netns)) return `bird/confd is not live: exit status 1`;
    try {
      yield* askBird(os, 'show status');
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      return 'bird is not live: exit status 1';
    }
  }
  if (asked.has('felix-ready')) {
    const problem = yield* felix(os, 'readiness');
    if (problem !== null) return `felix is not ready: ${problem}`;
  }
  if (asked.has('bird-ready')) {
    const problem = yield* bird(os);
    if (problem !== null) return `BIRD is not ready: ${problem}`;
  }
  return null;
}

function* felix(os: Os, what: 'liveness' | 'readiness'): Op<string | null> {
  const client = new HttpClient(os, { host: '127.0.0.1', port: FELIX_HEALTH_PORT, keepAlive: false });
  try {
    const { status } = yield* client.request({ method: 'GET', path: `/${what}`, query: {}, headers: {}, kind: 'probe' }, 5 * SECOND);
    return status < 400 ? null : `${what} probe reporting ${status}`;
  } catch (error) {
    if (error instanceof SocketError || error instanceof HttpTimeout) return `Get "http://localhost:${FELIX_HEALTH_PORT}/${what}": ${error.message}`;
    throw error;
  } finally {
    client.close();
  }
}

function* bird(os: Os): Op<string | null> {
  try {
    if (!os.files.exists(NODENAME_FILE)) return `failed to stat() nodename file: stat ${NODENAME_FILE}: no such file or directory`;
    const peers = yield* birdPeers(os);
    const missing = peers.filter((p) => !p.info.startsWith('Established')).map((p) => p.address);
    if (peers.length === 0 || missing.length === 0) return null;
    const young = os.sim.now - os.files.stat(NODENAME_FILE).modified < THRESHOLD;
    return young || missing.length === peers.length ? `BGP not established with ${missing.join(',')}` : null;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return `unable to connect to BIRDv4 socket: ${error.message}`;
  }
}
