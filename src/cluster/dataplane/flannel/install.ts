// The init containers of kube-flannel: `cp -f <from> <to>` puts the plug-in and its configuration onto the node.

import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { flannelProgram } from './program.ts';

/** What the flannel images can run: flanneld, and cp. */
export const flannelImageProgram: Program = function* (os: Os): Op<number | void> {
  if (os.argv[0] === 'cp') return yield* copy(os);
  return yield* flannelProgram(os);
};

function* copy(os: Os): Op<number> {
  const [from, to] = os.argv.slice(1).filter((arg) => !arg.startsWith('-')) as [string, string];
  yield* os.sleep(2 * MILLISECOND);
  if (!os.files.exists(from)) {
    os.logError(`cp: can't stat '${from}': No such file or directory`);
    return 1;
  }
  os.files.write(to, os.files.read(from), 0o755);
  return 0;
}
