// busybox, alpine and hello-world: the small images of tutorials.

import type { ImageEntry } from '../entry.ts';
import { oldNslookup } from '../shell/applets/nslookup.ts';
import { BUSYBOX } from '../shell/shell.ts';
import { versionedTag } from '../tags.ts';
import { BUSYBOX_COMMANDS, commandProgram, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';

export const busyboxTools = toolboxOf(BUSYBOX, BUSYBOX_COMMANDS);

const oldTools = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, nslookup: oldNslookup });

const ROOT_FILES = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
  '/etc/group': 'root:x:0:\nwheel:x:10:\nnobody:x:65534:\n',
  '/root/.keep': '',
  '/tmp/.keep': '',
};

export const busyboxImage: ImageEntry = {
  repository: 'docker.io/library/busybox',
  tags: versionedTag({
    patches: new Map([['1.24', 2], ['1.25', 1], ['1.26', 2], ['1.27', 2], ['1.28', 4], ['1.29', 3], ['1.30', 1], ['1.31', 1], ['1.32', 1], ['1.33', 1], ['1.34', 1], ['1.35', 0], ['1.36', 1], ['1.37', 0], ['1.38', 0]]),
    words: { latest: '1.37.0', stable: '1.37.0', unstable: '1.38.0' },
    variants: ['', '-musl', '-glibc', '-uclibc'],
  }),
  entrypoint: [],
  cmd: ['sh'],
  sizeBytes: 2_223_685,
  files: ROOT_FILES,
  program: commandProgram(busyboxTools),
  // From 1.29 on nslookup asks by itself.
  programOf: (tag) => (/^1\.2[4-8]\b/.test(tag) ? commandProgram(oldTools) : commandProgram(busyboxTools)),
  hasExecutable: hasExecutable(busyboxTools),
};

export const alpineImage: ImageEntry = {
  repository: 'docker.io/library/alpine',
  tags: versionedTag({
    patches: new Map([['2.7', 0], ['3.1', 0], ['3.2', 3], ['3.3', 3], ['3.4', 6], ['3.5', 3], ['3.6', 5], ['3.7', 3], ['3.8', 5], ['3.9', 6], ['3.10', 9], ['3.11', 13], ['3.12', 12], ['3.13', 12], ['3.14', 10], ['3.15', 11], ['3.16', 9], ['3.17', 10], ['3.18', 12], ['3.19', 9], ['3.20', 9], ['3.21', 6], ['3.22', 3], ['3.23', 3]]),
    words: { latest: '3.23.3', edge: '20260127' },
    variants: [''],
  }),
  entrypoint: [],
  cmd: ['/bin/sh'],
  sizeBytes: 3_861_821,
  files: { ...ROOT_FILES, '/etc/alpine-release': '3.23.3\n', '/etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.23.3\n' },
  program: commandProgram(busyboxTools),
  hasExecutable: hasExecutable(busyboxTools),
};

const bashTools = toolboxOf(BUSYBOX, BUSYBOX_COMMANDS, ['sh', 'ash', 'bash']);

/** docker.io/library/bash: Alpine with bash, which its entrypoint runs on whatever is not a command. */
export const bashImage: ImageEntry = {
  repository: 'docker.io/library/bash',
  tags: (tag) => (/^(latest|devel|[3-5](\.\d+){0,2})(-alpine[\d.]*)?$/.test(tag) ? tag : null),
  entrypoint: ['docker-entrypoint.sh'],
  cmd: ['bash'],
  sizeBytes: 6_200_000,
  files: { ...ROOT_FILES, '/etc/alpine-release': '3.22.2\n', '/usr/local/bin/.keep': '' },
  program(os) {
    if (!(os.argv[0] ?? '').endsWith('docker-entrypoint.sh')) return runCommandLine(os, bashTools);
    const rest = os.argv.slice(1);
    const argv = rest[0] === undefined || rest[0].startsWith('-') || bashTools.applet(rest[0].split('/').pop() ?? '') === undefined ? ['bash', ...rest] : rest;
    return runCommandLine(Object.create(os, { argv: { value: argv } }) as typeof os, bashTools);
  },
  hasExecutable: hasExecutable(bashTools, ['docker-entrypoint.sh', '/usr/local/bin/docker-entrypoint.sh']),
};

export const helloWorldImage: ImageEntry = {
  repository: 'docker.io/library/hello-world',
  tags: (tag) => (tag === 'latest' || tag === 'linux' ? 'latest' : null),
  entrypoint: [],
  cmd: ['/hello'],
  sizeBytes: 10_072,
  *program(os) {
    yield* os.sleep(500);
    for (const line of ['', 'Hello from Docker!', 'This message shows that your installation appears to be working correctly.', '']) os.log(line);
    return 0;
  },
  hasExecutable: (name) => name === '/hello',
};
