// pause: holds a Pod's namespaces and does nothing until it is told to end.

import type { Program } from '../../machine/process.ts';
import type { ImageEntry } from '../entry.ts';

const pause: Program = function* (os) {
  const signal = yield* os.signals().receive();
  os.log(`Shutting down, got signal: ${signal === 'SIGINT' ? 'Interrupt' : 'Terminated'}`);
  return 0;
};

export const pauseImage: ImageEntry = {
  repository: 'registry.k8s.io/pause',
  tags: ['latest', 'go', '0.8.0', '1.0', '2.0', '3.0', '3.1', '3.2', '3.3', '3.4.1', '3.5', '3.6', '3.7', '3.8', '3.9', '3.10', '3.10.1'],
  entrypoint: ['/pause'],
  cmd: [],
  user: '65535:65535',
  sizeBytes: 320_448,
  program: pause,
  hasExecutable: (name) => name === '/pause',
};
