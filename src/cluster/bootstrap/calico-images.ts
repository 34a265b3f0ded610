// Calico's images, and Calico as a Pod network of a new cluster. Nothing of it is needed to boot a cluster with flannel.

import { birdclProgram } from '../dataplane/calico/bird/birdcl.ts';
import { checkStatusProgram, kubeControllersProgram } from '../dataplane/calico/kube-controllers/program.ts';
import { CNI_IMAGE, KUBE_CONTROLLERS_IMAGE, NODE_IMAGE } from '../dataplane/calico/manifest/manifest.ts';
import { installProgram, upgradeIpamProgram } from '../dataplane/calico/node/install.ts';
import { nodeImageProgram } from '../dataplane/calico/node/program.ts';
import { BASH } from '../images/shell/shell.ts';
import { BUSYBOX_COMMANDS, runCommandLine, toolboxOf } from '../images/toolbox.ts';
import type { Program } from '../machine/process.ts';
import { BASIC_NETWORK_PROGRAMS, TABLE_PROGRAMS } from '../network-tools/commands.ts';
import { MILLISECOND } from '../sim/time.ts';
import type { ComponentImage } from './component-images.ts';

const shell: Program = (os) => runCommandLine(os, toolboxOf(BASH, BUSYBOX_COMMANDS, ['sh', 'bash']));
const SHELL: Readonly<Record<string, Program>> = { sh: shell, bash: shell, cat: shell, ls: shell, ps: shell };
const TABLES: Readonly<Record<string, Program>> = { ...TABLE_PROGRAMS, ...(BASIC_NETWORK_PROGRAMS['ip'] === undefined ? {} : { ip: BASIC_NETWORK_PROGRAMS['ip'] }) };

export const CALICO_IMAGES: readonly ComponentImage[] = [
  {
    image: NODE_IMAGE, program: nodeImageProgram, entrypoint: ['start_runit'], megabytes: 158.9, startup: 300 * MILLISECOND, memory: 96, idle: 12,
    tools: { ...SHELL, ...TABLES, 'calico-node': nodeImageProgram, birdcl: birdclProgram },
  },
  {
    image: CNI_IMAGE, program: installProgram, entrypoint: [], megabytes: 71.8, startup: 30 * MILLISECOND, memory: 6, idle: 0,
    tools: { install: installProgram, 'calico-ipam': upgradeIpamProgram },
  },
  {
    image: KUBE_CONTROLLERS_IMAGE, program: kubeControllersProgram, entrypoint: ['/usr/bin/kube-controllers'], megabytes: 53.2, startup: 250 * MILLISECOND, memory: 24, idle: 2, user: '999',
    tools: { 'check-status': checkStatusProgram },
  },
];
