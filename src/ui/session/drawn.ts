// When the page has drawn the running cluster, and there is time for what was not loaded yet.

/** A page whose map is not looked at is waited for no longer than this: milliseconds. */
const LONGEST = 5_000;

let seen = false;
const waiting: (() => void)[] = [];

/** For the map: a machine is on the page. */
export function machineDrawn(): void {
  seen = true;
  for (const done of waiting.splice(0)) done();
}

const orAfter = (limit: number, wait: (done: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    wait(resolve);
    setTimeout(resolve, limit);
  });

/** The page shows the cluster. */
export async function drawn(): Promise<void> {
  if (!seen) await orAfter(LONGEST, (done) => waiting.push(done));
  await orAfter(LONGEST / 5, (done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
