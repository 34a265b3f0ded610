import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes: begun first, so that no worker is left alone with one at the end. */
const LONG = ['src/session/situations.test.ts', 'src/kubectl/differential.test.ts', 'src/session/session.test.ts'];
const rank = ({ moduleId }: TestSpecification): number => {
  const at = LONG.findIndex((path) => moduleId.endsWith(path));
  return at < 0 ? LONG.length : at;
};

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'lint/**/*.test.ts', 'scripts/**/*.test.ts'],
    environment: 'node',
    // Only for what hangs: a machine that others use too has been seen to be twenty times slower for a while.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
    // One realm for all files of a worker: the model is loaded and compiled once. A file that provides late-loaded code provides it to all.
    isolate: false,
    sequence: { sequencer: LongestFirst },
  },
});
