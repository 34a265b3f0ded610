// The controllers of storage in the manager: they come to life with the first claim or volume of the cluster, so that a host can
// load them later than the rest. Which ones there are: storage.ts.

import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/generated/types.ts';
import { inlineVolumesOf } from '../api/storage/attachment.ts';
import type { Op } from '../sim/simulation.ts';
import type { Controller, ControllerContext } from './context.ts';

export type StorageController = 'binder' | 'attach-detach' | 'expander' | 'ephemeral';
type Makers = Readonly<Record<StorageController, (context: ControllerContext) => Controller>>;

let makers: Makers | null = null;

/** To be called by the host once, with storage.ts's `storageControllers`, before anybody makes a claim. */
export function provideStorageControllers(provided: Makers): void {
  makers = provided;
}

/** What sets a controller going. */
export type Trigger = (context: ControllerContext, go: () => void) => void;

export const onStorage: Trigger = ({ informers }, go) => {
  informers.informer('persistentvolumeclaims').addHandler({ add: (_: PersistentVolumeClaim) => go() });
  informers.informer('persistentvolumes').addHandler({ add: (_: PersistentVolume) => go() });
};

/** Pods whose volumes bring their own claim. */
export const onEphemeralVolume: Trigger = ({ informers }, go) => {
  informers.informer('pods').addHandler({
    add: ({ spec }: Pod) => {
      for (const volume of spec.volumes ?? []) if (volume.ephemeral !== undefined) go();
    },
  });
};

/** Volumes, and disks of clouds that Pods name themselves. */
export const onAttachable: Trigger = (context, go) => {
  onStorage(context, go);
  context.informers.informer('pods').addHandler({
    add: (pod: Pod) => {
      if (inlineVolumesOf(pod).length > 0) go();
    },
  });
};

/** A controller that is made when its trigger says so. */
export class WhenNeeded implements Controller {
  readonly #context: ControllerContext;
  readonly #which: StorageController;
  #wanted = false;
  #running = false;
  #made = false;

  constructor(context: ControllerContext, which: StorageController, trigger: Trigger) {
    this.#context = context;
    this.#which = which;
    trigger(context, () => this.#go());
  }

  run(): void {
    this.#running = true;
    if (this.#wanted) this.#go();
  }

  #go(): void {
    this.#wanted = true;
    if (!this.#running || this.#made || makers === null) return;
    this.#made = true;
    const make = makers[this.#which];
    this.#context.os.go(`start/${this.#which}`, () => this.#start(make));
  }

  *#start(make: (context: ControllerContext) => Controller): Op<void> {
    const { informers } = this.#context;
    const controller = make(this.#context);
    informers.start();
    yield* informers.waitForSync();
    const starting = controller.run();
    if (starting) yield* starting;
  }
}
