// What kubeadm stores in the cluster about itself: phases upload-config and bootstrap-token.

import { toBase64 } from '../../api/base64.ts';
import type { Manifest } from '../manifest.ts';
import { clusterConfiguration, endpointOf, type KubeadmConfig, kubeletConfiguration } from './config.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { clusterRole, clusterRoleBinding, configMap, role, roleBinding, type RbacSubject } from './rbac.ts';

const NODE_TOKENS = 'system:bootstrappers:kubeadm:default-node-token';
const tokens: RbacSubject = { kind: 'Group', name: NODE_TOKENS };
const nodes: RbacSubject = { kind: 'Group', name: 'system:nodes' };

const readConfigMap = (namespace: string, roleName: string, map: string): Manifest =>
  role(namespace, roleName, [{ apiGroups: [''], resourceNames: [map], resources: ['configmaps'], verbs: ['get'] }]);

/** Makes the holders of admin.conf administrators. */
export const clusterAdmins = (): Manifest =>
  clusterRoleBinding('kubeadm:cluster-admins', 'cluster-admin', [{ kind: 'Group', name: 'kubeadm:cluster-admins' }]);

export const uploadedConfig = (config: KubeadmConfig): readonly Manifest[] => [
  configMap('kube-system', 'kubeadm-config', { ClusterConfiguration: clusterConfiguration(config) }),
  readConfigMap('kube-system', 'kubeadm:nodes-kubeadm-config', 'kubeadm-config'),
  roleBinding('kube-system', 'kubeadm:nodes-kubeadm-config', 'kubeadm:nodes-kubeadm-config', [tokens, nodes]),
  configMap('kube-system', 'kubelet-config', { kubelet: kubeletConfiguration(config) }),
  readConfigMap('kube-system', 'kubeadm:kubelet-config', 'kubelet-config'),
  roleBinding('kube-system', 'kubeadm:kubelet-config', 'kubeadm:kubelet-config', [nodes, tokens]),
];

/** The token that nodes join with, what it may do, and where they find the cluster. `expiration` is RFC 3339. */
export function bootstrapTokenObjects(config: KubeadmConfig, ca: string, expiration: string): readonly Manifest[] {
  const [id, secret] = config.token.split('.') as [string, string];
  const signer = 'kubeadm:bootstrap-signer-clusterinfo';
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      data: {
        'auth-extra-groups': toBase64(NODE_TOKENS),
        expiration: toBase64(expiration),
        'token-id': toBase64(id),
        'token-secret': toBase64(secret),
        'usage-bootstrap-authentication': toBase64('true'),
        'usage-bootstrap-signing': toBase64('true'),
      },
    } as Manifest,
    clusterRole('kubeadm:get-nodes', [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]),
    clusterRoleBinding('kubeadm:get-nodes', 'kubeadm:get-nodes', [tokens]),
    clusterRoleBinding('kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', [tokens]),
    clusterRoleBinding('kubeadm:node-autoapprove-bootstrap', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', [tokens]),
    clusterRoleBinding(
      'kubeadm:node-autoapprove-certificate-rotation',
      'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
      [nodes],
    ),
    configMap('kube-public', 'cluster-info', { kubeconfig: kubeconfigText(endpointOf(config), ca) }),
    readConfigMap('kube-public', signer, 'cluster-info'),
    roleBinding('kube-public', signer, signer, [{ kind: 'User', name: 'system:anonymous' }]),
  ];
}
