// hostPath volumes: what must be there before the Pod may have it (pkg/volume/hostpath).

import type { Volume } from '../api/generated/types.ts';
import type { Files } from '../machine/files.ts';
import { MountError } from './mount-error.ts';

/** Makes what the type says may be made. Throws MountError. */
export function checkHostPath(files: Files, { name, hostPath }: Volume): void {
  const { path, type = '' } = hostPath ?? { path: '' };
  const there = files.exists(path);
  const directory = there && files.isDirectory(path);
  const socket = there && !directory && files.attached(path) !== undefined;
  const require = (fits: boolean, what: string): void => {
    if (!fits) throw new MountError(name, `hostPath type check failed: ${path} is not a ${what}`);
  };
  switch (type) {
    case '':
      // The runtime makes a directory where there is nothing.
      if (!there) files.mkdir(path);
      return;
    case 'DirectoryOrCreate':
      if (!there) files.mkdir(path);
      else require(directory, 'directory');
      return;
    case 'Directory':
      return require(directory, 'directory');
    case 'FileOrCreate':
      if (!there) {
        // Only the file itself is made, not what is above it.
        const parent = path.slice(0, path.lastIndexOf('/')) || '/';
        if (!files.isDirectory(parent)) throw new MountError(name, `open ${path}: no such file or directory`);
        files.write(path, '');
      } else require(!directory, 'file');
      return;
    case 'File':
      return require(there && !directory, 'file');
    case 'Socket':
      return require(socket, 'socket file');
    case 'CharDevice':
      return require(false, 'character device');
    case 'BlockDevice':
      return require(false, 'block device');
    default:
      throw new MountError(name, `${type} is an invalid volume type`);
  }
}
