// nicolaka/netshoot: every tool for finding faults of a network, in one image.

import type { ImageEntry } from '../entry.ts';
import { BIND_APPLETS } from '../shell/applets/bind-tools.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import { FAULT_APPLETS } from '../shell/applets/network.ts';
import { BASH } from '../shell/shell.ts';
import { BUSYBOX_COMMANDS, commandProgram, hasExecutable, toolboxOf } from '../toolbox.ts';

const tools = toolboxOf(BASH, { ...BUSYBOX_COMMANDS, ...BIND_APPLETS, ...CURL_APPLETS, ...FAULT_APPLETS }, ['zsh', 'bash', 'sh']);
const TAGS = /^(latest|v0\.\d+|dev)$/;

export const netshootImage: ImageEntry = {
  repository: 'docker.io/nicolaka/netshoot',
  tags: (tag) => (TAGS.test(tag) ? (tag === 'latest' ? 'v0.14' : tag) : null),
  entrypoint: [],
  cmd: ['zsh'],
  sizeBytes: 204_000_000,
  files: { '/tmp/.keep': '', '/root/.keep': '' },
  program: commandProgram(tools),
  hasExecutable: hasExecutable(tools),
};
