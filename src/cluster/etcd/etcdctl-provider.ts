// Where etcdctl comes from: the host brings the program when it has loaded it, so that a page without it starts sooner.

import type { Program } from '../machine/process.ts';

let program: Program | null = null;

/** To be called by the host once, with etcdctl.ts's `etcdctlProgram`. */
export function provideEtcdctl(etcdctl: Program): void {
  program = etcdctl;
}

/** The program `etcdctl` of the etcd image. */
export const providedEtcdctl: Program = (os) => (program ?? missing)(os);

const missing: Program = function* (os) {
  os.logError('etcdctl: not loaded');
  return 127;
};
