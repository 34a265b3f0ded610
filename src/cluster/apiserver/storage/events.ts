// One change of one object as the watch cache passes it on, and the chunks that watchers get for it.

import type { ResourceKind } from '../../api/kinds.ts';
import type { Subject } from '../../sim/trace.ts';
import { type VersionedObject, withRevision } from '../../etcd/objects.ts';

export type WatchType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** A line of a watch response. */
export interface WatchChunk {
  readonly type: WatchType;
  readonly object: unknown;
}

/** Old and new state of an object; one of them is null for additions and removals. Chunks are made once and shared. */
export class CacheEvent {
  readonly revision: number;
  /** Relative key: `namespace/name` or `name`. */
  readonly key: string;
  readonly before: VersionedObject | null;
  readonly after: VersionedObject | null;
  /** When it came, for the freshness of the window. */
  readonly at: number;
  #added: WatchChunk | null = null;
  #modified: WatchChunk | null = null;
  #deleted: WatchChunk | null = null;

  #subject: Subject | null = null;

  constructor(revision: number, key: string, before: VersionedObject | null, after: VersionedObject | null, at: number) {
    this.revision = revision;
    this.key = key;
    this.before = before;
    this.after = after;
    this.at = at;
  }

  /** What the trace calls the object; made once for all watchers. */
  subject(kind: ResourceKind): Subject {
    const { namespace = '', name } = ((this.after ?? this.before) as VersionedObject).metadata;
    return (this.#subject ??= { group: kind.group, resource: kind.plural, kind: kind.kind, namespace, name });
  }

  /** What a watcher sees whose selector matched the old state (or not) and matches the new one (or not). */
  chunk(matchedBefore: boolean, matchesAfter: boolean): WatchChunk | null {
    if (matchesAfter) {
      if (matchedBefore) return (this.#modified ??= Object.freeze({ type: 'MODIFIED', object: this.after }));
      return (this.#added ??= Object.freeze({ type: 'ADDED', object: this.after }));
    }
    if (!matchedBefore || !this.before) return null;
    // The old content with the revision of the change, as the cacher does.
    return (this.#deleted ??= Object.freeze({ type: 'DELETED', object: withRevision(this.before, this.revision) }));
  }
}
