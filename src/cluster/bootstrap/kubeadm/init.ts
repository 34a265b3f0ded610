// `kubeadm init`: makes a machine the first control plane node of a new cluster, phase by phase (cmd/kubeadm/app/cmd/init.go).

import { formatYaml } from '../../api/yaml.ts';
import type { Pod } from '../../api/generated/types.ts';
import { messageOf } from '../../client/errors.ts';
import { Client } from '../../client/client.ts';
import { isProgrammingError } from '../../client/errors.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import type { Os } from '../../machine/process.ts';
import { RuntimeClient } from '../../runtime/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { HOUR, MILLISECOND, MINUTE, SECOND } from '../../sim/time.ts';
import { createOrUpdate, type Manifest } from '../manifest.ts';
import { KUBEADM_IMAGES, KUBERNETES_VERSION } from '../versions.ts';
import { dnsAddon } from './addon-dns.ts';
import { proxyAddon } from './addon-proxy.ts';
import { CertificateMaker, writeCertificates } from './certs.ts';
import { bootstrapTokenObjects, clusterAdmins, uploadedConfig } from './cluster-objects.ts';
import { ADMIN_CONF, API_SERVER_PORT, type KubeadmConfig, MANIFESTS, PKI, SUPER_ADMIN_CONF } from './config.ts';
import { waitHealthy } from './health.ts';
import { startKubelet } from './kubelet-start.ts';
import { writeKubeconfigs } from './kubeconfig.ts';
import { phase, poll } from './phase.ts';
import { apiserverPod, controllerManagerPod, etcdPod, schedulerPod } from './static-pods.ts';

const API_CALL_TIMEOUT = MINUTE;
const API_CALL_RETRY = 500 * MILLISECOND;
const TOKEN_LIFETIME = 24 * HOUR;

/** Runs the phases; throws with kubeadm's message when one fails. */
export function* init(os: Os, config: KubeadmConfig): Op<void> {
  os.log(`[init] Using Kubernetes version: ${KUBERNETES_VERSION}`);
  yield* phase(os, 'preflight', 'Running pre-flight checks', () => preflight(os, config.criSocket));

  const maker = new CertificateMaker(os);
  let ca = { certificate: '', key: '' };
  yield* phase(os, 'certs', `Using certificateDir folder "${PKI}"`, function* () {
    ca = writeCertificates(maker, config);
    yield* os.sleep(600 * MILLISECOND); // RSA keys
  });
  yield* phase(os, 'kubeconfig', 'Using kubeconfig folder "/etc/kubernetes"', function* () {
    writeKubeconfigs(os, maker, ca, config);
    yield* os.sleep(400 * MILLISECOND);
  });
  yield* phase(os, 'etcd', `Creating static Pod manifest for local etcd in "${MANIFESTS}"`, function* () {
    writeManifest(os, etcdPod(config));
  });
  yield* phase(os, 'control-plane', `Using manifest folder "${MANIFESTS}"`, function* () {
    for (const pod of [apiserverPod(config), controllerManagerPod(config), schedulerPod()]) {
      os.log(`[control-plane] Creating static Pod manifest for "${pod.metadata.name}"`);
      writeManifest(os, pod);
    }
  });
  yield* phase(os, 'kubelet-start', 'Starting the kubelet', () => startKubelet(os, config));
  yield* phase(
    os,
    'wait-control-plane',
    `Waiting for the kubelet to boot up the control plane as static Pods from directory "${MANIFESTS}"`,
    () => waitControlPlane(os, config),
  );

  const superAdmin = new Client(os, loadKubeconfig(os, SUPER_ADMIN_CONF));
  yield* create(os, superAdmin, [clusterAdmins()]);
  const client = new Client(os, loadKubeconfig(os, ADMIN_CONF));
  yield* phase(os, 'upload-config', 'Storing the configuration used in ConfigMap "kubeadm-config" in the "kube-system" Namespace', () =>
    create(os, client, uploadedConfig(config)),
  );
  yield* phase(os, 'mark-control-plane', `Marking the node ${config.nodeName} as control-plane`, () =>
    markControlPlane(os, client, config.nodeName),
  );
  yield* phase(os, 'bootstrap-token', `Using token: ${config.token}`, () =>
    create(os, client, bootstrapTokenObjects(config, ca.certificate, os.sim.time(os.sim.now + TOKEN_LIFETIME))),
  );
  yield* phase(os, 'addons', 'Applied essential addon: CoreDNS', () => create(os, client, dnsAddon(config)));
  yield* phase(os, 'addons', 'Applied essential addon: kube-proxy', () => create(os, client, proxyAddon(config)));
  os.log('Your Kubernetes control-plane has initialized successfully!');
}

/** Checks the runtime and fetches the images that the control plane needs, one after another. */
function* preflight(os: Os, criSocket: string): Op<void> {
  const runtime = new RuntimeClient(os, criSocket);
  yield* poll(os, SECOND, 10 * SECOND, '[ERROR CRI]: could not connect to the container runtime', function* () {
    try {
      yield* runtime.version();
      return true;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      return false;
    }
  });
  os.log('[preflight] Pulling images required for setting up a Kubernetes cluster');
  for (const image of KUBEADM_IMAGES) yield* runtime.pullImage(image);
}

function writeManifest(os: Os, pod: Pod): void {
  os.files.write(`${MANIFESTS}/${pod.metadata.name}.yaml`, formatYaml(pod), 0o600);
}

function* waitControlPlane(os: Os, config: KubeadmConfig): Op<void> {
  yield* waitHealthy(os, [{ name: 'kubelet', host: '127.0.0.1', port: 10_248, path: '/healthz', tls: false }]);
  yield* waitHealthy(os, [
    { name: 'kube-apiserver', host: config.advertiseAddress, port: API_SERVER_PORT, path: '/livez', tls: true },
    { name: 'kube-controller-manager', host: '127.0.0.1', port: 10_257, path: '/healthz', tls: true },
    { name: 'kube-scheduler', host: '127.0.0.1', port: 10_259, path: '/livez', tls: true },
  ]);
}

/** Creates objects in order, trying each again for a minute while the API server is not ready for it. */
function* create(os: Os, client: Client, manifests: readonly Manifest[]): Op<void> {
  for (const manifest of manifests) {
    let last = '';
    yield* poll(os, API_CALL_RETRY, API_CALL_TIMEOUT, `unable to create ${manifest.kind} ${manifest.metadata.name}`, function* () {
      try {
        yield* createOrUpdate(client, manifest);
        return true;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        if (messageOf(error) !== last) os.logError((last = messageOf(error)));
        return false;
      }
    });
  }
}

const CONTROL_PLANE_LABEL = 'node-role.kubernetes.io/control-plane';

/** Labels the node and taints it, once it has registered. */
function* markControlPlane(os: Os, client: Client, nodeName: string): Op<void> {
  const patch = {
    metadata: { labels: { [CONTROL_PLANE_LABEL]: '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
    spec: { taints: [{ effect: 'NoSchedule', key: CONTROL_PLANE_LABEL }] },
  };
  yield* poll(os, API_CALL_RETRY, API_CALL_TIMEOUT, `unable to mark node ${nodeName}`, function* () {
    try {
      yield* client.patch('nodes', '', nodeName, patch, 'strategic');
      return true;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      return false;
    }
  });
}
