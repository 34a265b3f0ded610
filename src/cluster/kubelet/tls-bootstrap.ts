// TLS bootstrapping (pkg/kubelet/certificate/bootstrap): with a bootstrap token the kubelet asks for its own client certificate
// and writes its kubeconfig.

import { formatYaml } from '../api/yaml.ts';
import { fromBase64, toBase64 } from '../api/base64.ts';
import { createRequest } from '../api/pki.ts';
import { Client, type ClientConfig } from '../client/client.ts';
import { isProgrammingError } from '../client/errors.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import type { KubeletConfig } from './config.ts';
import { step } from './context.ts';

const CERTIFICATE = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';

/** Waits, however long it takes, until the request is answered; then `config.kubeconfig` is there. */
export function* bootstrapCredentials(os: Os, config: KubeletConfig): Op<void> {
  const bootstrap = loadKubeconfig(os, config.bootstrapKubeconfig);
  const client = new Client(os, bootstrap);
  const { nodeName } = config;
  const random = os.sim.random(`kubelet/${nodeName}/csr/${os.machine.boots}/${os.process.pid}`);
  const { request, key } = createRequest({ commonName: `system:node:${nodeName}`, organizations: ['system:nodes'], entropy: random.uuid() });
  os.log('"Attempting to bootstrap to get client certificate"');
  for (;;) {
    try {
      const certificate = yield* requestCertificate(os, client, request, `node-csr-${random.string('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 43)}`);
      os.files.write(CERTIFICATE, certificate + key, 0o600);
      os.files.write(config.kubeconfig, kubeconfig(bootstrap), 0o600);
      return;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      os.logError(`"Failed while requesting a signed certificate from the control plane" err="${error instanceof Error ? error.message : String(error)}"`);
    }
    os.sim.cause = null;
    yield* os.sleep(2 * SECOND);
  }
}

function* requestCertificate(os: Os, client: Client, request: string, name: string): Op<string> {
  step(os, 'requestCertificate', { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', kind: 'CertificateSigningRequest', namespace: '', name }, null);
  const made = yield* client.create('certificatesigningrequests.certificates.k8s.io', {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: { request: toBase64(request), signerName: SIGNER, usages: ['digital signature', 'client auth'] },
  });
  const stream = yield* client.watch('certificatesigningrequests.certificates.k8s.io', '', {
    fieldSelector: `metadata.name=${name}`,
    ...(made.metadata.resourceVersion === undefined ? {} : { resourceVersion: made.metadata.resourceVersion }),
  });
  try {
    for (let event = yield* stream.read(); event; event = yield* stream.read()) {
      const { status } = event.object;
      if (status?.conditions?.some((c) => c.type === 'Denied')) throw new Error('certificate signing request is denied');
      if (status?.certificate) return fromBase64(status.certificate) ?? '';
    }
  } finally {
    stream.cancel();
  }
  throw new Error('timed out waiting for the certificate');
}

function kubeconfig(bootstrap: ClientConfig): string {
  return formatYaml({
    apiVersion: 'v1',
    clusters: [{ cluster: { 'certificate-authority-data': toBase64(bootstrap.ca ?? ''), server: bootstrap.server }, name: 'default-cluster' }],
    contexts: [{ context: { cluster: 'default-cluster', namespace: 'default', user: 'default-auth' }, name: 'default-context' }],
    'current-context': 'default-context',
    kind: 'Config',
    users: [{ name: 'default-auth', user: { 'client-certificate': CERTIFICATE, 'client-key': CERTIFICATE } }],
  });
}
