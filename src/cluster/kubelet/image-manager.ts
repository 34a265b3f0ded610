// images.imageManager: pull policy, one pull at a time (serializeImagePulls), back-off of failing pulls.

import type { Container, Pod, Secret } from '../api/generated/types.ts';
import { CriError } from '../runtime/cri.ts';
import { parseReference, type RegistryAuth } from '../runtime/registry.ts';
import { Channel, receiveAny, TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import { Backoff } from './backoff.ts';
import { type Context, goDuration, podSubject, podUid } from './context.ts';
import { ImageGc } from './image-gc.ts';
import { credentialsFor } from './pull-secrets.ts';
import { SyncError } from './sync-error.ts';

interface PullRequest {
  readonly image: string;
  /** To be tried one after another; without any as nobody in particular. */
  readonly credentials: readonly RegistryAuth[];
  readonly pod: Pod;
  readonly done: Channel<PullOutcome>;
}

interface PullOutcome {
  readonly error?: CriError;
  readonly ref: string;
  readonly duration: Micros;
}

export class ImageManager {
  readonly gc: ImageGc;
  readonly #context: Context;
  readonly #backoff = new Backoff();
  readonly #queue: Channel<PullRequest>;
  /** Annotations of images that have any, by reference. */
  readonly #annotations = new Map<string, Readonly<Record<string, string>>>();
  /** What the last failed pull said, by back-off key. */
  readonly #lastError = new Map<string, string>();

  readonly #secretsOf: (pod: Pod) => readonly Secret[];
  /** Images that came by somebody's credentials, and whose: not everybody's Pod may use them. */
  readonly #pulledBy = new Map<string, Set<string>>();

  constructor(context: Context, secretsOf: (pod: Pod) => readonly Secret[] = () => []) {
    this.#context = context;
    this.#secretsOf = secretsOf;
    this.gc = new ImageGc(context);
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
    const reference = parseReference(name);
    if (!reference) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
      events.container(pod, container, 'Warning', 'InspectFailed', message);
      throw new SyncError('InvalidImageName', message);
    }
    const image = withTag(name);
    let ref = '';
    try {
      const status = yield* runtime.imageStatus(image, podSubject(pod));
      ref = status?.repoDigests[0] ?? status?.id ?? '';
      if (status) this.gc.used(status);
      if (status?.annotations !== undefined) this.#annotations.set(ref, status.annotations);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      const message = `Failed to inspect image "${name}": ${error.text}`;
      events.container(pod, container, 'Warning', 'InspectFailed', message);
      throw new SyncError('ErrImageInspect', message);
    }
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    const credentials = pod.spec?.imagePullSecrets?.length ? credentialsFor(reference.repository, this.#secretsOf(pod)) : NOBODY;
    const owners = this.#pulledBy.get(ref);
    const allowed = owners === undefined || credentials.some((auth) => owners.has(keyOf(auth)));
    if (policy !== 'Always' && ((ref !== '' && allowed) || policy === 'Never')) {
      if (ref !== '' && allowed) {
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
    const outcome = yield* this.#request(image, credentials, pod, cancelled);
    if (outcome.error) {
      const text = outcome.error.text;
      events.container(pod, container, 'Warning', 'Failed', `Failed to pull image "${name}": ${text}`);
      this.#backoff.next(key, os.sim.now, os.sim.now);
      this.#lastError.set(key, `ErrImagePull: ${text}`);
      throw new SyncError('ErrImagePull', text);
    }
    this.#lastError.delete(key);
    const pulled = yield* runtime.imageStatus(image, podSubject(pod));
    if (pulled) this.gc.used(pulled);
    this.gc.check();
    if (pulled?.annotations !== undefined) this.#annotations.set(outcome.ref, pulled.annotations);
    events.container(
      pod, container, 'Normal', 'Pulled',
      `Successfully pulled image "${name}" in ${goDuration(outcome.duration)} (${goDuration(os.sim.now - asked)} including waiting). Image size: ${pulled?.sizeBytes ?? 0} bytes.`,
    );
    return outcome.ref;
  }

  /** What `ensure` has seen of the image's annotations; few images have any. */
  annotationsOf(ref: string): Readonly<Record<string, string>> | undefined {
    return this.#annotations.get(ref);
  }

  *#request(image: string, credentials: readonly RegistryAuth[], pod: Pod, cancelled: Channel<null>): Op<PullOutcome> {
    const { sim } = this.#context.os;
    const cause = sim.cause;
    const done = new Channel<PullOutcome>(sim);
    this.#queue.send({ image, credentials, pod, done });
    const got = yield* receiveAny<PullOutcome | null>(sim, [done as Channel<PullOutcome | null>, cancelled as Channel<PullOutcome | null>]);
    sim.cause = cause;
    if (got === TIMED_OUT || !got.value) throw new SyncError('ErrImagePull', 'rpc error: code = Canceled desc = context canceled');
    return got.value;
  }

  *#pull({ image, credentials, pod, done }: PullRequest): Op<void> {
    const { os, runtime } = this.#context;
    const began = os.sim.now;
    let failed: CriError | undefined;
    for (let i = 0; i === 0 || i < credentials.length; i++) {
      const auth = credentials[i];
      try {
        const ref = yield* runtime.pullImage(image, podSubject(pod), auth);
        this.#remember(ref, auth);
        return done.send({ ref, duration: os.sim.now - began });
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        failed = error;
      }
    }
    done.send({ ...(failed === undefined ? {} : { error: failed }), ref: '', duration: os.sim.now - began });
  }

  #remember(ref: string, auth: RegistryAuth | undefined): void {
    if (auth === undefined) {
      this.#pulledBy.delete(ref);
      return;
    }
    const owners = this.#pulledBy.get(ref);
    if (owners) owners.add(keyOf(auth));
    else this.#pulledBy.set(ref, new Set([keyOf(auth)]));
  }
}

const NOBODY: readonly RegistryAuth[] = [];
const keyOf = ({ username, password }: RegistryAuth): string => `${username}:${password}`;

/** Adds `:latest` to a name with neither tag nor digest. */
function withTag(name: string): string {
  const afterSlash = name.slice(name.lastIndexOf('/') + 1);
  return afterSlash.includes(':') || name.includes('@') ? name : `${name}:latest`;
}
