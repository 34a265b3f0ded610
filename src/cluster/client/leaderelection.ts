// Leader election over a Lease, as client-go's tools/leaderelection: a candidate that sees no renewal for 15 s takes over,
// a leader that cannot renew for 10 s steps down, both try every 2 s.

import type { Lease } from '../api/generated/types.ts';
import { isNotFound } from '../api/status.ts';
import type { Os } from '../machine/process.ts';
import type { Random } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { Client } from './client.ts';
import { isProgrammingError, messageOf } from './errors.ts';
import type { EventRecorder } from './events.ts';

export interface LeaderElectorOptions {
  /** Its timeout should be half the renewal deadline or less. */
  readonly client: Client;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this candidate, e.g. `control-plane-1_<uuid>`. */
  readonly identity: string;
  readonly recorder?: EventRecorder;
  readonly leaseDuration?: Micros;
  readonly renewDeadline?: Micros;
  readonly retryPeriod?: Micros;
}

const JITTER = 1.2;

export class LeaderElector {
  readonly #os: Os;
  readonly #options: Required<Omit<LeaderElectorOptions, 'recorder'>> & Pick<LeaderElectorOptions, 'recorder'>;
  readonly #random: Random;
  /** The Lease as last seen, and when it was last seen to change. */
  #observed: Lease | null = null;
  #observedAt: Micros = 0;

  constructor(os: Os, options: LeaderElectorOptions) {
    this.#os = os;
    this.#options = { leaseDuration: 15 * SECOND, renewDeadline: 10 * SECOND, retryPeriod: 2 * SECOND, ...options };
    this.#random = os.sim.random(`leaderelection/${os.place}/${options.name}`);
  }

  get isLeader(): boolean {
    return this.#observed?.spec.holderIdentity === this.#options.identity;
  }

  /** Returns once this candidate leads. */
  *acquire(): Op<void> {
    const { retryPeriod, identity, namespace, name } = this.#options;
    this.#os.logError(`attempting to acquire leader lease ${namespace}/${name}...`);
    for (;;) {
      if (yield* this.#tryAcquireOrRenew()) break;
      yield* this.#os.sleep(retryPeriod * (1 + this.#random.float() * JITTER));
    }
    this.#record(`${identity} became leader`);
    this.#os.logError(`successfully acquired lease ${namespace}/${name}`);
  }

  /** Keeps the lease; returns when it is lost. */
  *renew(): Op<void> {
    const { retryPeriod, renewDeadline, identity, namespace, name } = this.#options;
    let deadline = this.#os.sim.now + renewDeadline;
    while (this.#os.sim.now < deadline) {
      yield* this.#os.sleep(retryPeriod);
      if (yield* this.#tryAcquireOrRenew()) deadline = this.#os.sim.now + renewDeadline;
    }
    this.#record(`${identity} stopped leading`);
    this.#os.logError(`failed to renew lease ${namespace}/${name}: context deadline exceeded`);
  }

  *#tryAcquireOrRenew(): Op<boolean> {
    try {
      return yield* this.#attempt();
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#os.logError(`error retrieving resource lock ${this.#options.namespace}/${this.#options.name}: ${messageOf(error)}`);
      return false;
    }
  }

  *#attempt(): Op<boolean> {
    const { client, namespace, name, identity, leaseDuration } = this.#options;
    const sim = this.#os.sim;
    const now = sim.microTime();
    const held = { holderIdentity: identity, leaseDurationSeconds: leaseDuration / SECOND, renewTime: now };

    // The leader first tries to renew what it saw last, without reading it again.
    if (this.#observed && this.isLeader && sim.now < this.#observedAt + leaseDuration) {
      try {
        this.#see(yield* client.update('leases.coordination.k8s.io', { ...this.#observed, spec: { ...this.#observed.spec, ...held } }));
        return true;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
      }
    }

    let lease: Lease;
    try {
      lease = yield* client.get('leases.coordination.k8s.io', namespace, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#see(
        yield* client.create('leases.coordination.k8s.io', {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name, namespace },
          spec: { ...held, acquireTime: now, leaseTransitions: 0 },
        }),
      );
      return true;
    }
    if (lease.metadata.resourceVersion !== this.#observed?.metadata.resourceVersion) this.#see(lease);
    const holder = lease.spec.holderIdentity ?? '';
    if (holder !== '' && holder !== identity && sim.now < this.#observedAt + leaseDuration) return false;

    const mine = holder === identity;
    const transitions = (lease.spec.leaseTransitions ?? 0) + (mine ? 0 : 1);
    const acquireTime = mine ? (lease.spec.acquireTime ?? now) : now;
    this.#see(
      yield* client.update('leases.coordination.k8s.io', { ...lease, spec: { ...lease.spec, ...held, acquireTime, leaseTransitions: transitions } }),
    );
    return true;
  }

  #see(lease: Lease): void {
    this.#observed = lease;
    this.#observedAt = this.#os.sim.now;
  }

  #record(message: string): void {
    if (this.#observed) this.#options.recorder?.event(this.#observed, 'Normal', 'LeaderElection', message);
  }
}
