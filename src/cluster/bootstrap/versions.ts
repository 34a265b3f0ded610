// The versions that kubeadm 1.36 installs, and the Pod network that goes on top.

export const KUBERNETES_VERSION = 'v1.36.0';

export const ETCD_IMAGE = 'registry.k8s.io/etcd:3.6.8-0';
export const APISERVER_IMAGE = `registry.k8s.io/kube-apiserver:${KUBERNETES_VERSION}`;
export const CONTROLLER_MANAGER_IMAGE = `registry.k8s.io/kube-controller-manager:${KUBERNETES_VERSION}`;
export const SCHEDULER_IMAGE = `registry.k8s.io/kube-scheduler:${KUBERNETES_VERSION}`;
export const PROXY_IMAGE = `registry.k8s.io/kube-proxy:${KUBERNETES_VERSION}`;
export const COREDNS_IMAGE = 'registry.k8s.io/coredns/coredns:v1.14.2';
export const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10.1';
export const FLANNEL_IMAGE = 'ghcr.io/flannel-io/flannel:v0.27.4';
export const FLANNEL_CNI_IMAGE = 'ghcr.io/flannel-io/flannel-cni-plugin:v1.8.0-flannel1';

/** What `kubeadm config images pull` fetches, in its order. */
export const KUBEADM_IMAGES: readonly string[] = [
  APISERVER_IMAGE,
  CONTROLLER_MANAGER_IMAGE,
  SCHEDULER_IMAGE,
  PROXY_IMAGE,
  COREDNS_IMAGE,
  PAUSE_IMAGE,
  ETCD_IMAGE,
];
