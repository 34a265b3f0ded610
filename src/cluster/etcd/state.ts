// The replicated state of a member: what applying committed commands makes of the store and the leases. Deterministic.

import { Lessor } from './lease.ts';
import { EtcdError, errLeaseNotFound, type TxnRequest, type WatchEvent } from './messages.ts';
import { MvccStore, type TxnResult } from './mvcc/store.ts';

/** What goes through the log. Put and DeleteRange are transactions without conditions. */
export type Command =
  | { readonly type: 'txn'; readonly txn: TxnRequest }
  | { readonly type: 'compact'; readonly revision: number }
  | { readonly type: 'leaseGrant'; readonly id: number; readonly ttl: number }
  | { readonly type: 'leaseRevoke'; readonly id: number };

/** The outcome of one command; `error` is the caller's, the log goes on. */
export interface Applied {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  readonly txn?: TxnResult;
  readonly error?: EtcdError;
}

const NO_EVENTS: readonly WatchEvent[] = Object.freeze([]);

export class EtcdState {
  readonly store: MvccStore;
  readonly lessor: Lessor;
  /** Index of the last command applied: lets a restart skip what the database already holds. */
  appliedIndex = 0;
  appliedTerm = 0;

  constructor(store = new MvccStore(), lessor = new Lessor()) {
    this.store = store;
    this.lessor = lessor;
  }

  apply(command: Command): Applied {
    try {
      return this.#apply(command);
    } catch (error) {
      if (error instanceof EtcdError) return { revision: this.store.revision, events: NO_EVENTS, error };
      throw error;
    }
  }

  clone(): EtcdState {
    const copy = new EtcdState(this.store.clone(), this.lessor.clone());
    copy.appliedIndex = this.appliedIndex;
    copy.appliedTerm = this.appliedTerm;
    return copy;
  }

  #apply(command: Command): Applied {
    switch (command.type) {
      case 'txn': {
        const txn = this.store.txn(command.txn, (id) => this.#mustExist(id));
        for (const { kv } of txn.events) this.lessor.attach(kv.key, kv.lease);
        return { revision: this.store.revision, events: txn.events, txn };
      }
      case 'compact':
        this.store.compact(command.revision);
        return { revision: this.store.revision, events: NO_EVENTS };
      case 'leaseGrant':
        this.lessor.grant(command.id, command.ttl);
        return { revision: this.store.revision, events: NO_EVENTS };
      case 'leaseRevoke': {
        const events = this.store.deleteKeys(this.lessor.revoke(command.id));
        return { revision: this.store.revision, events };
      }
    }
  }

  #mustExist(lease: number): void {
    if (!this.lessor.get(lease)) throw errLeaseNotFound();
  }
}
