// The real kubectls of this machine, for tests that compare with them: `kubectl.1.33` and the like beside the kubectl in PATH
// (where its link leads), or in PATH themselves. KUBECTLS=path:path names them instead.

import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');

/** The paths of those `versions` ('1.33') that are here, in that order. */
export function realKubectls(versions: readonly string[]): readonly string[] {
  const given = process.env['KUBECTLS'];
  if (given) return given.split(':');
  const plain = anyKubectl();
  const places = plain === undefined ? folders : [dirname(realpathSync(plain)), ...folders];
  return versions.flatMap((version) => places.map((place) => join(place, `kubectl.${version}`)).find((path) => existsSync(path)) ?? []);
}

/** The kubectl in PATH, of whatever version. */
export const anyKubectl = (): string | undefined => folders.map((folder) => join(folder, 'kubectl')).find((path) => existsSync(path));
