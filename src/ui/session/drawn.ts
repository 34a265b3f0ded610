// When the page has drawn the running cluster, and there is time for what was not loaded yet.

import { usePlayer } from '../state/player.ts';

/** A page that is not looked at, or a session that stands still, is waited for no longer than this: milliseconds. */
const DRAWING = 1_000;

const orAfter = (limit: number, wait: (done: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    wait(resolve);
    setTimeout(resolve, limit);
  });

/** The cluster runs and the page shows it. */
export async function drawn(): Promise<void> {
  await orAfter(DRAWING, (done) => {
    if (usePlayer.getState().clock.playing) done();
    const stop = usePlayer.subscribe(({ clock }) => {
      if (!clock.playing) return;
      stop();
      done();
    });
  });
  await orAfter(DRAWING, (done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
