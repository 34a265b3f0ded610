// The cluster's workers: how one is made, and the one that the page's first script starts before anything is drawn.

/** Whether a session was saved here; IndexedDB, where it lies, answers too late to ask. */
export const SAVED_MARK = 'orrery.saved';

/** The worker boots a new cluster unasked when its name says so. */
const NEW_CLUSTER = 'cluster, new';

/** A worker and whether it failed before anybody listened. */
export interface Spawned {
  readonly worker: Worker;
  failed: boolean;
}

let first: Spawned | null = null;

export function spawnWorker(name = 'cluster'): Spawned {
  const worker = new Worker(new URL('../../session/worker.ts', import.meta.url), { type: 'module', name });
  const spawned: Spawned = { worker, failed: false };
  worker.addEventListener('error', () => {
    spawned.failed = true;
  });
  return spawned;
}

/** Starts the worker that the page will ask for. A visitor without a session of their own gets a new cluster at once. */
export function startFirst(): void {
  first = spawnWorker(location.hash.length > 1 || hasSaved() ? 'cluster' : NEW_CLUSTER);
}

/** The worker that was started first, once; then null. */
export function takeFirst(): Spawned | null {
  const taken = first;
  first = null;
  return taken;
}

function hasSaved(): boolean {
  try {
    return localStorage.getItem(SAVED_MARK) !== null;
  } catch {
    return false;
  }
}
