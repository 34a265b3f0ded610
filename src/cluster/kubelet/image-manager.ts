// images.imageManager: pull policy, one pull at a time (serializeImagePulls), back-off of failing pulls.

import type { Container, Pod } from '../api/generated/types.ts';
import { CriError } from '../runtime/cri.ts';
import { parseReference } from '../runtime/registry.ts';
import { Channel, receiveAny, TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import { Backoff } from './backoff.ts';
import { type Context, goDuration, podSubject, podUid } from './context.ts';
import { SyncError } from './sync-error.ts';

interface PullRequest {
  readonly image: string;
  readonly pod: Pod;
  readonly done: Channel<PullOutcome>;
}

interface PullOutcome {
  readonly error?: CriError;
  readonly ref: string;
  readonly duration: Micros;
}

export class ImageManager {
  readonly #context: Context;
  readonly #backoff = new Backoff();
  readonly #queue: Channel<PullRequest>;
  /** What the last failed pull said, by back-off key. */
  readonly #lastError = new Map<string, string>();

  constructor(context: Context) {
    this.#context = context;
    this.#queue = new Channel(context.os.sim);
  }

  /** The thread that pulls, one image after another. */
  *run(): Op<void> {
    for (;;) {
      const request = yield* this.#queue.receive();
      if (!request) return;
      if (this.#context.config.serializeImagePulls) yield* this.#pull(request);
      else this.#context.os.go(`pull ${request.image}`, () => this.#pull(request));
    }
  }

  /**
   * Makes sure that the container's image is on the machine; returns its reference for the runtime.
   * Throws SyncError (ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName, ErrImageInspect).
   * `cancelled` ends the wait for a pull when the Pod is to go.
   */
  *ensure(pod: Pod, container: Container, cancelled: Channel<null>): Op<string> {
    const { os, events, runtime } = this.#context;
    const name = container.image ?? '';
    if (!parseReference(name)) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
      events.container(pod, container, 'Warning', 'InspectFailed', message);
      throw new SyncError('InvalidImageName', message);
    }
    const image = withTag(name);
    let ref = '';
    try {
      const status = yield* runtime.imageStatus(image, podSubject(pod));
      ref = status?.repoDigests[0] ?? status?.id ?? '';
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      const message = `Failed to inspect image "${name}": ${error.text}`;
      events.container(pod, container, 'Warning', 'InspectFailed', message);
      throw new SyncError('ErrImageInspect', message);
    }
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    if (policy !== 'Always' && (ref !== '' || policy === 'Never')) {
      if (ref !== '') {
        events.container(pod, container, 'Normal', 'Pulled', `Container image "${name}" already present on machine and can be accessed by the pod`);
        return ref;
      }
      const message = `Container image "${name}" is not present with pull policy of Never`;
      events.container(pod, container, 'Warning', 'ErrImageNeverPull', message);
      throw new SyncError('ErrImageNeverPull', message);
    }
    const key = `${podUid(pod)}_${name}`;
    const until = this.#backoff.inBackoffSinceUpdate(key, os.sim.now);
    if (until !== undefined) {
      const message = `Back-off pulling image "${name}"`;
      events.container(pod, container, 'Normal', 'BackOff', message);
      const last = this.#lastError.get(key);
      throw new SyncError('ImagePullBackOff', last === undefined ? message : `${message}: ${last}`, until);
    }
    events.container(pod, container, 'Normal', 'Pulling', `Pulling image "${name}"`);
    const asked = os.sim.now;
    const outcome = yield* this.#request(image, pod, cancelled);
    if (outcome.error) {
      const text = outcome.error.text;
      events.container(pod, container, 'Warning', 'Failed', `Failed to pull image "${name}": ${text}`);
      this.#backoff.next(key, os.sim.now, os.sim.now);
      this.#lastError.set(key, `ErrImagePull: ${text}`);
      throw new SyncError('ErrImagePull', text);
    }
    this.#lastError.delete(key);
    const size = (yield* runtime.imageStatus(image, podSubject(pod)))?.sizeBytes ?? 0;
    events.container(
      pod, container, 'Normal', 'Pulled',
      `Successfully pulled image "${name}" in ${goDuration(outcome.duration)} (${goDuration(os.sim.now - asked)} including waiting). Image size: ${size} bytes.`,
    );
    return outcome.ref;
  }

  *#request(image: string, pod: Pod, cancelled: Channel<null>): Op<PullOutcome> {
    const { sim } = this.#context.os;
    const cause = sim.cause;
    const done = new Channel<PullOutcome>(sim);
    this.#queue.send({ image, pod, done });
    const got = yield* receiveAny<PullOutcome | null>(sim, [done as Channel<PullOutcome | null>, cancelled as Channel<PullOutcome | null>]);
    sim.cause = cause;
    if (got === TIMED_OUT || !got.value) throw new SyncError('ErrImagePull', 'rpc error: code = Canceled desc = context canceled');
    return got.value;
  }

  *#pull({ image, pod, done }: PullRequest): Op<void> {
    const { os, runtime } = this.#context;
    const began = os.sim.now;
    try {
      const ref = yield* runtime.pullImage(image, podSubject(pod));
      done.send({ ref, duration: os.sim.now - began });
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      done.send({ error, ref: '', duration: os.sim.now - began });
    }
  }
}

/** Adds `:latest` to a name with neither tag nor digest. */
function withTag(name: string): string {
  const afterSlash = name.slice(name.lastIndexOf('/') + 1);
  return afterSlash.includes(':') || name.includes('@') ? name : `${name}:latest`;
}
