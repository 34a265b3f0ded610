// The init containers of calico-node: `calico-ipam -upgrade` has nothing to move in a new cluster; `install` puts the plug-ins and
// their configuration onto the node (cni-plugin/pkg/install).

import { Client } from '../../../client/client.ts';
import { isProgrammingError, messageOf } from '../../../client/errors.ts';
import { inClusterConfig } from '../../../client/kubeconfig.ts';
import type { Os, Program } from '../../../machine/process.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../../sim/time.ts';
import { CALICO_VERSION, log } from '../log.ts';
import { writeKubeconfig } from './token.ts';

const BINARIES = ['bandwidth', 'calico', 'calico-ipam', 'flannel', 'host-local', 'install', 'loopback', 'portmap', 'tuning'];
const BIN_DIR = '/host/opt/cni/bin';
const NET_DIR = '/host/etc/cni/net.d';
const COPY = 12 * MILLISECOND;

export const installProgram: Program = function* (os: Os): Op<number> {
  log(os, 'INFO', 'cni-installer/install.go 134', 'Running as a Kubernetes pod');
  for (const name of BINARIES) {
    yield* os.sleep(COPY);
    const target = `${BIN_DIR}/${name}`;
    // What the node has already stays.
    if (!os.files.exists(target)) os.files.write(target, '', 0o755);
    log(os, 'INFO', 'cni-installer/install.go 223', `Installed ${target}`);
  }
  log(os, 'INFO', 'cni-installer/install.go 266', `Wrote Calico CNI binaries to ${BIN_DIR}`);
  log(os, 'INFO', 'cni-installer/install.go 271', `CNI plugin version: ${CALICO_VERSION}`);
  const client = new Client(os, { ...inClusterConfig(os), userAgent: `install/${CALICO_VERSION} (linux/amd64)` });
  try {
    yield* writeKubeconfig(os, client);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    log(os, 'ERROR', 'cni-installer/install.go 545', `Unable to create token for CNI kubeconfig error=${messageOf(error)}`);
    yield* os.sleep(SECOND);
    return 1;
  }
  const { CNI_NETWORK_CONFIG: template = '', CNI_CONF_NAME: name = '10-calico.conflist', CNI_MTU: mtu = '0', KUBERNETES_NODE_NAME: node = '' } = os.env;
  log(os, 'INFO', 'cni-installer/install.go 384', 'Using CNI config template from CNI_NETWORK_CONFIG environment variable.');
  const config = template.replaceAll('__KUBERNETES_NODE_NAME__', node).replaceAll('__CNI_MTU__', mtu).replaceAll('__KUBECONFIG_FILEPATH__', '/etc/cni/net.d/calico-kubeconfig');
  os.files.write(`${NET_DIR}/${name}`, `${config}\n`, 0o600);
  log(os, 'INFO', 'cni-installer/install.go 481', `Created ${NET_DIR}/${name}`);
  log(os, 'INFO', 'cni-installer/install.go 319', 'Done configuring CNI.  Sleep= false');
  return 0;
};

export const upgradeIpamProgram: Program = function* (os: Os): Op<number> {
  yield* os.sleep(20 * MILLISECOND);
  log(os, 'INFO', 'ipam_plugin.go 75', 'migrating from host-local to calico-ipam...');
  log(os, 'INFO', 'migrate.go 67', 'checking host-local IPAM data dir dir existence...');
  log(os, 'INFO', 'migrate.go 69', 'host-local IPAM data dir dir not found; no migration necessary, successfully exiting...');
  log(os, 'INFO', 'ipam_plugin.go 105', 'migration from host-local to calico-ipam complete node="' + (os.env['KUBERNETES_NODE_NAME'] ?? '') + '"');
  return 0;
};
