// Which container runtimes a machine can have, and where each listens for the kubelet.

export type RuntimeKind = 'containerd' | 'cri-o' | 'docker';

export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
export const CRIO_SOCKET = '/var/run/crio/crio.sock';
export const CRI_DOCKERD_SOCKET = '/var/run/cri-dockerd.sock';
export const DOCKER_SOCKET = '/var/run/docker.sock';

/** The socket that speaks CRI. */
export const CRI_SOCKET: Readonly<Record<RuntimeKind, string>> = {
  containerd: CONTAINERD_SOCKET,
  'cri-o': CRIO_SOCKET,
  docker: CRI_DOCKERD_SOCKET,
};
