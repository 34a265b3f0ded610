// What survives a reload: the session's log in IndexedDB. Losing it (private windows, full disks) is never an error
// that stops the page; the caller learns it by `false`.

import { del, get, set } from 'idb-keyval';
import type { SessionLog } from '../../session/protocol.ts';
import { SAVED_MARK } from './first-worker.ts';

const KEY = 'orrery.session';
const KEPT = 'orrery.session.before-link';

export async function saveLog(log: SessionLog): Promise<boolean> {
  return tryTo(async () => {
    await set(KEY, log);
    localStorage.setItem(SAVED_MARK, '1');
  });
}

/** The saved session, or null when there is none that can be read. */
export async function loadLog(): Promise<SessionLog | null> {
  return readLog(KEY);
}

export async function forgetLog(): Promise<boolean> {
  return tryTo(async () => {
    await del(KEY);
    localStorage.removeItem(SAVED_MARK);
  });
}

/** Puts the person's own session aside while a linked one is open. */
export async function keepOwnLog(log: SessionLog): Promise<boolean> {
  return tryTo(() => set(KEPT, log));
}

export async function ownLog(): Promise<SessionLog | null> {
  return readLog(KEPT);
}

async function readLog(key: string): Promise<SessionLog | null> {
  try {
    const value: unknown = await get(key);
    if (value === undefined) return null;
    const { parseLog } = await import('./share.ts');
    return parseLog(value);
  } catch {
    return null;
  }
}

async function tryTo(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch {
    return false;
  }
}
