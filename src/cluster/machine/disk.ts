// The disk of a machine: how much of it is used, by whom does not matter here. Trees of files charge it as they grow.

/** What the bytes of files are charged to. */
export interface ByteAccount {
  readonly availableBytes: number;
  /** `bytes` may be negative. */
  charge(bytes: number): void;
}

/** Files in memory (tmpfs) of at most `size` bytes: a control group pays for them. */
export class Tmpfs implements ByteAccount {
  readonly #group: { charge(bytes: number): void };
  readonly #size: number;
  #used = 0;

  constructor(group: { charge(bytes: number): void }, size: number) {
    this.#group = group;
    this.#size = size;
  }

  get availableBytes(): number {
    return Math.max(0, this.#size - this.#used);
  }

  charge(bytes: number): void {
    this.#used += bytes;
    this.#group.charge(bytes);
  }
}

export class Disk implements ByteAccount {
  /** Of the file system: what the format itself takes is not in it. */
  capacityBytes: number;
  /** The operating system, before anything is written. */
  usedBytes: number;
  /** When more than this is used, `onAlarm` is called, once. */
  alarm = Number.POSITIVE_INFINITY;
  onAlarm: (() => void) | null = null;

  constructor(diskBytes: number) {
    this.capacityBytes = Math.floor((diskBytes * 0.98) / 1024) * 1024;
    this.usedBytes = Math.min(BASE_SYSTEM, Math.floor(diskBytes * 0.1));
  }

  get availableBytes(): number {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  /** `bytes` may be negative. */
  charge(bytes: number): void {
    this.usedBytes += bytes;
    if (this.usedBytes <= this.alarm) return;
    this.alarm = Number.POSITIVE_INFINITY;
    this.onAlarm?.();
  }
}

/** A server without a desktop, with the Kubernetes packages. */
const BASE_SYSTEM = 3_400_000_000;
