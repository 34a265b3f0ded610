// ResourceClaims and DeviceClasses for the DynamicResources plugin: watched only once a Pod asks for a device.

import type { DeviceClass, ResourceClaim } from '../api/generated/types.ts';
import type { Informer, InformerFactory } from '../client/informer.ts';
import type { ClusterEvent } from './events.ts';
import type { ResourceClaims } from './plugins/dynamic-resources.ts';

export class WatchedResourceClaims implements ResourceClaims {
  readonly #factory: InformerFactory;
  #claims: Informer<ResourceClaim> | null = null;
  #classes: Informer<DeviceClass> | null = null;
  #move: (event: ClusterEvent) => void = () => {};

  constructor(factory: InformerFactory) {
    this.#factory = factory;
  }

  follow(move: (event: ClusterEvent) => void): void {
    this.#move = move;
  }

  claim(namespace: string, name: string): ResourceClaim | undefined {
    this.#watch();
    return this.#claims?.get(namespace, name);
  }

  deviceClass(name: string): DeviceClass | undefined {
    this.#watch();
    return this.#classes?.get('', name);
  }

  #watch(): void {
    if (this.#claims !== null) return;
    this.#claims = this.#factory.informer('resourceclaims.resource.k8s.io');
    this.#classes = this.#factory.informer('deviceclasses.resource.k8s.io');
    this.#claims.addHandler({
      add: (after) => this.#move({ kind: 'ResourceClaimAdd', before: null, after }),
      update: (before, after) => this.#move({ kind: 'ResourceClaimUpdate', before, after }),
    });
    this.#classes.addHandler({
      add: (after) => this.#move({ kind: 'DeviceClassAdd', before: null, after }),
      update: (before, after) => this.#move({ kind: 'DeviceClassUpdate', before, after }),
    });
    this.#factory.start();
  }
}
