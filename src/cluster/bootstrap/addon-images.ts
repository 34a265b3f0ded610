// The images of add-ons: what an operator applies when the cluster runs. Nothing of it is needed to boot.

import { attacherProgram } from '../addons/csi/attacher.ts';
import { provisionerProgram } from '../addons/csi/provisioner.ts';
import { registrarProgram } from '../addons/csi/registrar.ts';
import { resizerProgram } from '../addons/csi/resizer.ts';
import { diskCsiProgram } from '../addons/disk-csi/driver.ts';
import {
  CSI_ATTACHER_IMAGE,
  CSI_PROVISIONER_IMAGE,
  CSI_REGISTRAR_IMAGE,
  CSI_RESIZER_IMAGE,
  DISK_CSI_IMAGE,
} from '../addons/disk-csi/manifest.ts';
import { localPathProgram } from '../addons/local-path/provisioner.ts';
import { alpineNfsProgram, volumeNfsProgram } from '../addons/nfs-server/server.ts';
import { nfsSubdirProgram } from '../addons/nfs-server/subdir-provisioner.ts';
import type { ImageCatalogue } from '../images/catalogue.ts';
import { CALICO_IMAGES } from './calico-images.ts';
import { type ComponentImage, registerImages } from './component-images.ts';
import type { ImageEntry } from '../images/entry.ts';
import { BASH } from '../images/shell/shell.ts';
import { BUSYBOX_COMMANDS, runCommandLine, toolboxOf } from '../images/toolbox.ts';
import type { Program } from '../machine/process.ts';
import { wayInImages } from './way-in-images.ts';
import { MILLISECOND } from '../sim/time.ts';

const ADDONS: readonly ComponentImage[] = [
  { image: CSI_PROVISIONER_IMAGE, program: provisionerProgram, entrypoint: ['/csi-provisioner'], megabytes: 29.7, startup: 300 * MILLISECOND, memory: 19, idle: 1 },
  { image: CSI_ATTACHER_IMAGE, program: attacherProgram, entrypoint: ['/csi-attacher'], megabytes: 28.4, startup: 300 * MILLISECOND, memory: 17, idle: 1 },
  { image: CSI_RESIZER_IMAGE, program: resizerProgram, entrypoint: ['/csi-resizer'], megabytes: 28.9, startup: 300 * MILLISECOND, memory: 17, idle: 1 },
  { image: CSI_REGISTRAR_IMAGE, program: registrarProgram, entrypoint: ['/csi-node-driver-registrar'], megabytes: 11.9, startup: 150 * MILLISECOND, memory: 8, idle: 0 },
  { image: DISK_CSI_IMAGE, program: diskCsiProgram, entrypoint: ['/disk-csi-driver'], megabytes: 21.3, startup: 200 * MILLISECOND, memory: 14, idle: 1 },
];

const tools = toolboxOf(BASH, BUSYBOX_COMMANDS, ['sh', 'bash', 'ash']);

/** The server, or a command of the image's shell. */
const withShell =
  (program: Program, entrypoint: string): Program =>
  (os) =>
    os.argv[0] === entrypoint ? program(os) : runCommandLine(os, tools);

function anyTag(repository: string, entrypoint: string, program: Program, exposedPorts: readonly number[] = [2049]): ImageEntry {
  return { repository, tags: (tag) => tag, entrypoint: [entrypoint], cmd: [], exposedPorts, sizeBytes: 22_400_000, program: withShell(program, entrypoint) };
}

/** NFS servers and provisioners, as manifests name them. */
const SEVERAL_VERSIONS: readonly ImageEntry[] = [
  anyTag('docker.io/itsthenetwork/nfs-server-alpine', '/usr/bin/nfsd.sh', alpineNfsProgram),
  ...['registry.k8s.io/volume-nfs', 'k8s.gcr.io/volume-nfs', 'gcr.io/google_containers/volume-nfs', 'registry.k8s.io/e2e-test-images/volume/nfs'].map((repository) =>
    anyTag(repository, '/usr/local/bin/run_nfs.sh', volumeNfsProgram),
  ),
  anyTag('docker.io/rancher/local-path-provisioner', 'local-path-provisioner', localPathProgram, []),
  ...['registry.k8s.io/sig-storage/nfs-subdir-external-provisioner', 'k8s.gcr.io/sig-storage/nfs-subdir-external-provisioner', 'quay.io/external_storage/nfs-client-provisioner'].map(
    (repository) => anyTag(repository, '/nfs-subdir-external-provisioner', nfsSubdirProgram),
  ),
];

/** Makes the registries know them. */
export function registerAddonImages(catalogue: ImageCatalogue): void {
  registerImages(catalogue, ADDONS);
  registerImages(catalogue, CALICO_IMAGES);
  for (const entry of [...SEVERAL_VERSIONS, ...wayInImages]) catalogue.register(entry);
  // What scrubs volumes of the reclaim policy Recycle.
  catalogue.register(anyTag('registry.k8s.io/build-image/debian-base', '/bin/sh', (os) => runCommandLine(os, tools), []));
}
