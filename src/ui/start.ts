// The very first script of the page: starts the cluster's worker before anything is drawn, so that the cluster boots
// while the browser still reads the page. A visitor without a session of his own gets a new cluster at once.

/** Whether a session was saved here; IndexedDB, where it lies, answers too late to ask. */
export const SAVED_MARK = 'orrery.saved';

/** The worker boots a new cluster unasked when its name says so. */
export const NEW_CLUSTER = 'cluster, new';

/** A worker and whether it failed before anybody listened. */
export interface Spawned {
  readonly worker: Worker;
  failed: boolean;
}

export function spawnWorker(name: string): Spawned {
  const worker = new Worker(new URL('../session/worker.ts', import.meta.url), { type: 'module', name });
  const spawned: Spawned = { worker, failed: false };
  worker.addEventListener('error', () => {
    spawned.failed = true;
  });
  return spawned;
}

function hasSaved(): boolean {
  try {
    return localStorage.getItem(SAVED_MARK) !== null;
  } catch {
    return false;
  }
}

let first: Spawned | null = spawnWorker(location.hash.length > 1 || hasSaved() ? 'cluster' : NEW_CLUSTER);

/** The worker that was started first, once; then null. */
export function takeFirst(): Spawned | null {
  const taken = first;
  first = null;
  return taken;
}

void import('./main.tsx');
