// kubeadm phase kubeconfig (app/phases/kubeconfig): one kubeconfig for each who talks to the API server.

import { formatYaml } from '../../api/yaml.ts';
import { toBase64 } from '../../api/base64.ts';
import type { KeyedCertificate } from '../../api/pki.ts';
import type { Os } from '../../machine/process.ts';
import type { CertificateMaker } from './certs.ts';
import { ADMIN_CONF, endpointOf, type KubeadmConfig, KUBELET_CONF, SUPER_ADMIN_CONF } from './config.ts';

export type Credentials = { readonly certificate: KeyedCertificate } | { readonly token: string };

/** The text of a kubeconfig for one user of cluster `kubernetes`. Without a user: what ConfigMap cluster-info holds. */
export function kubeconfigText(server: string, ca: string, user?: string, credentials?: Credentials): string {
  const cluster = { 'certificate-authority-data': toBase64(ca), server };
  if (user === undefined || credentials === undefined) {
    return formatYaml({
      apiVersion: 'v1',
      clusters: [{ cluster, name: '' }],
      contexts: null,
      'current-context': '',
      kind: 'Config',
      preferences: {},
      users: null,
    });
  }
  const context = `${user}@kubernetes`;
  return formatYaml(
    {
      apiVersion: 'v1',
      clusters: [{ cluster, name: 'kubernetes' }],
      contexts: [{ context: { cluster: 'kubernetes', user }, name: context }],
      'current-context': context,
      kind: 'Config',
      users: [{ name: user, user: userEntry(credentials) }],
    });
}

const userEntry = (credentials: Credentials): object =>
  'token' in credentials
    ? { token: credentials.token }
    : {
        'client-certificate-data': toBase64(credentials.certificate.certificate),
        'client-key-data': toBase64(credentials.certificate.key),
      };

/** Writes admin.conf, super-admin.conf, kubelet.conf, controller-manager.conf and scheduler.conf. */
export function writeKubeconfigs(os: Os, maker: CertificateMaker, ca: KeyedCertificate, config: KubeadmConfig): void {
  const write = (path: string, user: string, commonName: string, organizations: readonly string[]): void => {
    const certificate = maker.issue(ca, { commonName, organizations });
    os.files.write(path, kubeconfigText(endpointOf(config), ca.certificate, user, { certificate }), 0o600);
  };
  const node = `system:node:${config.nodeName}`;
  write(ADMIN_CONF, 'kubernetes-admin', 'kubernetes-admin', ['kubeadm:cluster-admins']);
  write(SUPER_ADMIN_CONF, 'kubernetes-super-admin', 'kubernetes-super-admin', ['system:masters']);
  write(KUBELET_CONF, node, node, ['system:nodes']);
  write('/etc/kubernetes/controller-manager.conf', 'system:kube-controller-manager', 'system:kube-controller-manager', []);
  write('/etc/kubernetes/scheduler.conf', 'system:kube-scheduler', 'system:kube-scheduler', []);
}
