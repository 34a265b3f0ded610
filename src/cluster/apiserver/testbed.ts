// For tests and benchmarks of this room: a machine with etcd and an API server on it, and a person who sends requests.

import { createAuthority, issueCertificate, type KeyedCertificate } from '../api/pki.ts';
import { createSigningKey } from '../api/signing-key.ts';
import { etcdProgram } from '../etcd/program.ts';
import { Machine } from '../machine/machine.ts';
import type { Os, Process, Program } from '../machine/process.ts';
import { HttpClient, type HttpResponse, type HttpStream } from '../network/http.ts';
import { plugIn, Switch } from '../network/switch.ts';
import { type Op, Simulation } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { apiserverProgram } from './program.ts';

export const ADDRESS = '192.168.66.10';
const VALID = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2036-01-01T00:00:00Z' };
const PKI = '/etc/kubernetes/pki';

export interface Ask {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Client certificate; default: cluster-admin's. */
  readonly as?: string | null;
}

const PATCH = 'application/strategic-merge-patch+json';

export class Testbed {
  readonly sim: Simulation;
  readonly machine: Machine;
  readonly log: string[] = [];
  readonly #authority: KeyedCertificate;
  readonly admin: string;
  etcd: Process | null = null;
  apiserver: Process | null = null;
  #client = 0;

  /** Both processes are started; nothing has run yet. */
  constructor(sim = new Simulation(), ...flags: readonly string[]) {
    this.sim = sim;
    this.machine = new Machine(sim, { name: 'control-plane-1' });
    plugIn(this.machine, new Switch(), { address: `${ADDRESS}/24` });
    this.machine.powerOn();
    this.#authority = createAuthority({ commonName: 'kubernetes', entropy: 'ca', ...VALID });
    this.admin = this.certificate('kubernetes-admin', ['system:masters']);
    const keys = createSigningKey('sa');
    const { files } = this.machine;
    files.write(`${PKI}/ca.crt`, this.#authority.certificate);
    files.write(`${PKI}/apiserver.crt`, this.certificate('kube-apiserver', []));
    files.write(`${PKI}/sa.key`, keys.privateKey);
    files.write(`${PKI}/sa.pub`, keys.publicKey);
    this.startEtcd();
    this.startApiserver(...flags);
  }

  certificate(commonName: string, organizations: readonly string[]): string {
    return issueCertificate(this.#authority, { commonName, organizations, entropy: commonName, ...VALID }).certificate;
  }

  startEtcd(): void {
    this.etcd = this.#spawn(etcdProgram, [
      'etcd',
      '--name=control-plane-1',
      '--data-dir=/var/lib/etcd',
      '--listen-client-urls=https://127.0.0.1:2379',
      `--initial-cluster=control-plane-1=https://${ADDRESS}:2380`,
    ]);
  }

  startApiserver(...more: readonly string[]): void {
    this.apiserver = this.#spawn(apiserverProgram, [
      'kube-apiserver',
      `--advertise-address=${ADDRESS}`,
      '--secure-port=6443',
      '--etcd-servers=https://127.0.0.1:2379',
      `--client-ca-file=${PKI}/ca.crt`,
      `--tls-cert-file=${PKI}/apiserver.crt`,
      `--service-account-key-file=${PKI}/sa.pub`,
      `--service-account-signing-key-file=${PKI}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/12',
      '--enable-admission-plugins=NodeRestriction',
      '--authorization-mode=Node,RBAC',
      '--enable-bootstrap-token-auth=true',
      ...more,
    ]);
  }

  /** Runs until the API server is ready. */
  boot(): this {
    for (let i = 0; i < 100; i++) {
      this.sim.runUntil(this.sim.now + SECOND / 10);
      if (this.#isReady()) return this;
    }
    throw new Error(`the API server did not get ready:\n${this.log.join('\n')}`);
  }

  /** Sends one request and runs the simulation until it is answered. */
  request(method: string, path: string, body?: unknown, ask: Ask = {}): HttpResponse {
    return this.run(function* (_, client) {
      const type = method === 'PATCH' ? PATCH : 'application/json';
      const headers = { ...(body === undefined ? {} : { 'content-type': type }), ...ask.headers };
      return yield* client.request({ method, path, query: ask.query ?? {}, headers, ...(body === undefined ? {} : { body }) });
    }, ask.as);
  }

  /** Runs a client's program to its end. */
  run<T>(body: (os: Os, client: HttpClient) => Op<T>, as: string | null = this.admin): T {
    let result: { value: T } | undefined;
    let failure: unknown;
    this.#spawn(
      function* (os: Os) {
        const client = new HttpClient(os, { host: ADDRESS, port: 6443, tls: as === null ? {} : { clientCertificate: as } });
        try {
          result = { value: yield* body(os, client) };
        } catch (error) {
          failure = error;
        }
      },
      [`client-${++this.#client}`],
    );
    const limit = this.sim.now + 120 * SECOND;
    while (!result && !failure && this.sim.step(limit));
    if (failure) throw failure;
    if (!result) throw new Error('no answer in two minutes');
    return result.value;
  }

  /** Opens a watch that goes on in the background; what comes is added to the list that is returned. */
  watch(
    path: string,
    query: Readonly<Record<string, string>> = {},
    as = this.admin,
  ): { readonly events: { type: string; object: unknown }[]; stop(): void } {
    const events: { type: string; object: unknown }[] = [];
    let stream: HttpStream | undefined;
    this.#spawn(
      function* (os: Os) {
        const client = new HttpClient(os, { host: ADDRESS, port: 6443, tls: { clientCertificate: as } });
        const response = yield* client.request({ method: 'GET', path, query: { watch: 'true', ...query }, headers: {} });
        stream = response.stream;
        for (let chunk = yield* stream?.read() as Op<unknown>; chunk !== undefined; chunk = yield* stream?.read() as Op<unknown>) {
          events.push(chunk as { type: string; object: unknown });
        }
      },
      [`watcher-${++this.#client}`],
    );
    this.sim.runUntil(this.sim.now + SECOND / 100);
    return { events, stop: () => stream?.cancel() };
  }

  #isReady(): boolean {
    try {
      return this.request('GET', '/readyz').status === 200;
    } catch {
      return false;
    }
  }

  #spawn(program: Program, argv: readonly string[]): Process {
    return this.machine.spawn(program, { argv, logs: { write: (_, line) => this.log.push(`${argv[0]}: ${line}`) } });
  }
}
