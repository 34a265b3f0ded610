// @vitest-environment jsdom
// The page's side of a session, against a scripted one: acting, stepping, and crashing.

import type { Remote } from 'comlink';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionApi } from '../../session/protocol.ts';
import type { Endpoint } from './connection.ts';

let crash: () => void = () => {};
let opened: unknown[] = [];

async function page() {
  const { FakeSession } = await import('../testing/fake-session.ts');
  const { SceneModel } = await import('../scene/model.ts');
  const { Player } = await import('./player.ts');
  const { usePlayer } = await import('../state/player.ts');
  const scene = new SceneModel();
  const open = (onError: () => void): Endpoint => {
    crash = onError;
    const session = new FakeSession();
    const realOpen = session.open.bind(session);
    session.open = (log, port) => {
      opened.push(log);
      return realOpen(log, port);
    };
    return { api: session as unknown as Remote<SessionApi>, close: () => {} };
  };
  const player = new Player(open, scene);
  await player.start();
  return { player, scene, state: () => usePlayer.getState() };
}

describe('player', () => {
  beforeAll(() => {
    vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  });
  beforeEach(() => {
    opened = [];
  });

  it('opens a new cluster and lets it run', async () => {
    const { scene, state } = await page();
    expect(state().status).toEqual({ type: 'ready' });
    expect(state().clock.playing).toBe(true);
    await vi.waitFor(() => expect(scene.list('machines')).toHaveLength(5));
  });

  it('stops at the door of what was asked for, and walks on and back', async () => {
    const { player, state } = await page();
    await player.act({ type: 'apply', text: 'kind: Deployment' });
    expect(state().clock.playing).toBe(false);
    expect(state().flow).toBe(1000);
    expect(state().total).toBeGreaterThan(20);
    await Promise.all([player.step(1), player.step(1), player.step(1)]);
    const third = state().index;
    await player.step(-1);
    expect(state().index).toBe(third - 1);
    expect(state().cue).toMatchObject({ index: third - 1, settled: true });
    await player.stepTo(0);
    expect(state().cue).toBeNull();
  });

  it('restores after a crash, and offers to leave the input out after a second one', async () => {
    const { player, state } = await page();
    const action = { type: 'apply', text: 'kind: Deployment' } as const;
    await player.act(action);
    crash();
    expect(state().status).toEqual({ type: 'crashed', reason: 'error', pending: action, again: false });
    await player.recover();
    expect(state().status).toEqual({ type: 'ready' });
    expect(opened.at(-1)).toMatchObject({ inputs: [{ action }] });
    crash();
    expect(state().status).toMatchObject({ type: 'crashed', again: true });
    await player.recoverWithout();
    expect(opened.at(-1)).toMatchObject({ inputs: [] });
    expect(state().status).toEqual({ type: 'ready' });
  });
});
