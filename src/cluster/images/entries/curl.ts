// curlimages/curl: curl and a small shell.

import type { ImageEntry } from '../entry.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import { BUSYBOX } from '../shell/shell.ts';
import { versionedTag } from '../tags.ts';
import { BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';

const tools = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS });
const ENTRYPOINT = '/entrypoint.sh';

export const curlImage: ImageEntry = {
  repository: 'docker.io/curlimages/curl',
  tags: versionedTag({
    patches: new Map([['7.72', 0], ['7.78', 0], ['7.80', 0], ['7.82', 0], ['7.84', 0], ['7.85', 0], ['7.86', 0], ['7.87', 0], ['7.88', 1], ['8.1', 2], ['8.2', 1], ['8.3', 0], ['8.4', 0], ['8.5', 0], ['8.6', 0], ['8.7', 1], ['8.8', 0], ['8.9', 1], ['8.10', 1], ['8.11', 1], ['8.12', 1], ['8.13', 0], ['8.14', 1], ['8.15', 0], ['8.16', 0], ['8.17', 0]]),
    words: { latest: '8.17.0' },
    variants: [''],
  }),
  entrypoint: [ENTRYPOINT],
  cmd: ['curl'],
  user: '100',
  sizeBytes: 9_412_000,
  files: { '/tmp/.keep': '' },
  program(os) {
    if (os.argv[0] !== ENTRYPOINT) return runCommandLine(os, tools);
    const rest = os.argv.slice(1);
    // The entrypoint runs curl unless it is told another command.
    const argv = rest[0] === undefined || rest[0].startsWith('-') || tools.applet(rest[0]) === undefined ? ['curl', ...rest] : rest;
    return runCommandLine(Object.create(os, { argv: { value: argv } }) as typeof os, tools);
  },
  hasExecutable: hasExecutable(tools, [ENTRYPOINT]),
};
