// Image garbage collection (kubelet/images/image_gc_manager.go): when the disk is fuller than the high threshold, images that no
// container uses go, the one longest unused first, until it is down to the low threshold.

import { CriError, type ImageStatus } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { MINUTE, type Micros } from '../sim/time.ts';
import type { Context } from './context.ts';

const PERIOD: Micros = 5 * MINUTE;

interface Known {
  readonly firstSeen: Micros;
  lastUsed: Micros;
}

/** The runtime keeps the sandbox image. */
const isPinned = (image: ImageStatus): boolean => image.repoTags.some((tag) => tag.includes('/pause:'));

export class ImageGc {
  readonly #context: Context;
  /** By image id. */
  readonly #known = new Map<string, Known>();
  readonly #begun: Micros;
  #scheduled = false;

  constructor(context: Context) {
    this.#context = context;
    this.#begun = context.os.sim.now;
  }

  /** An image was pulled, or a container was started from one: its time counts from here. */
  used({ id }: ImageStatus): void {
    const { now } = this.#context.os.sim;
    const known = this.#known.get(id);
    if (known) known.lastUsed = now;
    else this.#known.set(id, { firstSeen: now, lastUsed: now });
  }

  /** The disk has become fuller: with the next round of the clock it is looked at, if it is too full. */
  check(): void {
    const { sim } = this.#context.os;
    if (this.#scheduled || this.#tooMuch() <= 0) return;
    this.#scheduled = true;
    const { cause } = sim;
    sim.cause = null;
    sim.after(PERIOD - ((sim.now - this.#begun) % PERIOD), () => {
      this.#scheduled = false;
      if (this.#context.os.process.alive) this.#context.os.go('image garbage collection', () => this.#collect());
    });
    sim.cause = cause;
  }

  /** Bytes above the low threshold; 0 while the high one is not reached. */
  #tooMuch(): number {
    const { os, config } = this.#context;
    const { capacityBytes, availableBytes } = os.machine.disk;
    const usage = 100 - Math.floor((availableBytes * 100) / capacityBytes);
    if (usage < config.imageGcHighThreshold) return 0;
    return Math.floor((capacityBytes * (100 - config.imageGcLowThreshold)) / 100) - availableBytes;
  }

  *#collect(): Op<void> {
    const { events } = this.#context;
    const amount = this.#tooMuch();
    if (amount <= 0) return;
    const freed = yield* this.freeSpace(amount);
    if (freed >= amount) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${amount} bytes, but only found ${freed} bytes eligible to free.`;
    events.node('Warning', 'FreeDiskSpaceFailed', message);
    this.check();
  }

  /** Removes unused images until so many bytes are free; gives how many there were. */
  *freeSpace(amount: number): Op<number> {
    const { os, config, runtime } = this.#context;
    const { sim, machine } = os;
    let freed = 0;
    try {
      const images = yield* runtime.listImages();
      const inUse = new Set((yield* runtime.listContainers()).map((c) => c.imageId));
      const candidates = images
        .filter((image) => !inUse.has(image.id) && !isPinned(image))
        .map((image) => ({ image, ...(this.#known.get(image.id) ?? { firstSeen: this.#begun, lastUsed: 0 }) }))
        .sort((a, b) => a.lastUsed - b.lastUsed || a.firstSeen - b.firstSeen || (a.image.id < b.image.id ? -1 : 1));
      for (const { image, firstSeen } of candidates) {
        if (freed >= amount) break;
        if (sim.now - firstSeen < config.imageMinimumGcAge) continue;
        const before = machine.disk.availableBytes;
        yield* runtime.removeImage(image.repoTags[0] ?? image.repoDigests[0] ?? image.id);
        this.#known.delete(image.id);
        os.log(`"Removing image to free bytes" imageID="${image.id}" size=${image.sizeBytes}`);
        freed += Math.max(image.sizeBytes, machine.disk.availableBytes - before);
      }
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      os.logError(`"Image garbage collection failed" err="${error.text}"`);
    }
    return freed;
  }
}
