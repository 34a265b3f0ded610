// The package nfs-kernel-server, on every machine: its unit waits to be started. The host brings the program when it has loaded it.

import type { Machine } from '../machine/machine.ts';
import type { Program } from '../machine/process.ts';

let provided: Program | null = null;

/** To be called by the host once, with addons/nfs-server's `kernelNfsProgram`. */
export function provideNfsServer(program: Program): void {
  provided = program;
}

const program: Program = (os) => (provided ?? missing)(os);

const missing: Program = function* (os) {
  os.logError('rpc.nfsd: not loaded');
  return 1;
};

export function installNfsUnit({ units }: Machine): void {
  units.install({ name: 'nfs-server', description: 'NFS server and services', program, argv: ['/usr/sbin/rpc.nfsd', '8'], enabled: false });
}
