// Images with kubectl in them: it finds the API server and the token of its Pod's ServiceAccount, and may do what that may do.

import type { Program } from '../../machine/process.ts';
import type { ImageCatalogue } from '../catalogue.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import { programApplet } from '../shell/program-applet.ts';
import { BASH } from '../shell/shell.ts';
import { BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';

const WITH_A_SHELL = ['docker.io/bitnami/kubectl', 'docker.io/bitnamilegacy/kubectl', 'docker.io/rancher/kubectl', 'docker.io/alpine/k8s', 'docker.io/alpine/kubectl', 'docker.io/lachlanevenson/k8s-kubectl', 'docker.io/dtzar/helm-kubectl', 'docker.io/portainer/kubectl-shell'];

/** `kubectl` comes from above: the catalogue does not know it. */
export function stockKubectlImages(catalogue: ImageCatalogue, kubectl: Program): void {
  const tools = toolboxOf(BASH, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS, kubectl: programApplet(kubectl) }, ['sh', 'bash']);
  const isThere = hasExecutable(tools, ['/usr/local/bin/kubectl', '/opt/bitnami/kubectl/bin/kubectl']);
  for (const repository of [...WITH_A_SHELL, 'registry.k8s.io/kubectl']) {
    const bare = repository.startsWith('registry.k8s.io/');
    catalogue.register({
      repository,
      tags: (tag) => (/^(latest|v?1(\.\d+){0,2}([-.].*)?)$/.test(tag) ? tag : null),
      entrypoint: ['kubectl'],
      cmd: bare ? [] : ['--help'],
      user: '1001',
      sizeBytes: bare ? 21_000_000 : 88_000_000,
      files: { '/tmp/.keep': '' },
      program: (os) => ((os.argv[0] ?? '').endsWith('kubectl') ? kubectl(os) : runCommandLine(os, tools)),
      hasExecutable: bare ? (name) => name.endsWith('kubectl') : isThere,
    });
  }
}
