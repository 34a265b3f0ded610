// Repositories that hold what another one holds.

const SAME: Readonly<Record<string, string>> = {
  'registry.k8s.io/busybox': 'docker.io/library/busybox',
  'gcr.io/google-containers/busybox': 'docker.io/library/busybox',
  'gcr.io/google_containers/busybox': 'docker.io/library/busybox',
  'gcr.io/k8s-minikube/busybox': 'docker.io/library/busybox',
  'docker.io/radial/busyboxplus': 'docker.io/library/busybox',
  'docker.io/kubernetes/pause': 'registry.k8s.io/pause',
  'gcr.io/google_containers/pause': 'registry.k8s.io/pause',
  'gcr.io/google_containers/pause-amd64': 'registry.k8s.io/pause',
  'registry.k8s.io/pause-amd64': 'registry.k8s.io/pause',
  'registry.k8s.io/nginx-slim': 'docker.io/library/nginx',
  'registry.k8s.io/nginx-slim-amd64': 'docker.io/library/nginx',
  'registry.k8s.io/nginx': 'docker.io/library/nginx',
  'public.ecr.aws/nginx/nginx': 'docker.io/library/nginx',
  'registry.k8s.io/e2e-test-images/nginx': 'docker.io/library/nginx',
  'registry.k8s.io/e2e-test-images/busybox': 'docker.io/library/busybox',
  'registry.k8s.io/e2e-test-images/httpd': 'docker.io/library/httpd',
  'docker.io/bitnami/nginx': 'docker.io/nginxinc/nginx-unprivileged',
  'registry.k8s.io/redis': 'docker.io/library/redis',
  'registry.k8s.io/redis-slave': 'docker.io/library/redis',
  'docker.io/kubernetes/redis': 'docker.io/library/redis',
  'gcr.io/google_containers/redis': 'docker.io/library/redis',
  'gcr.io/google_samples/gb-redisslave': 'docker.io/library/redis',
  'gcr.io/google_samples/gb-redis-follower': 'docker.io/library/redis',
  'gcr.io/google-samples/gb-redisslave': 'docker.io/library/redis',
  'gcr.io/google-samples/gb-redis-follower': 'docker.io/library/redis',
};

/** Mirrors of whole registries: a prefix stands for another. */
const PREFIXES: readonly (readonly [string, string])[] = [
  ['k8s.gcr.io/', 'registry.k8s.io/'],
  ['us.gcr.io/k8s-artifacts-prod/', 'registry.k8s.io/'],
  ['gcr.io/k8s-staging-metrics-server/', 'registry.k8s.io/metrics-server/'],
  ['index.docker.io/', 'docker.io/'],
  ['registry.hub.docker.com/', 'docker.io/'],
  ['registry-1.docker.io/', 'docker.io/'],
  ['public.ecr.aws/docker/library/', 'docker.io/library/'],
  ['mirror.gcr.io/', 'docker.io/'],
  ['gcr.io/kubernetes-e2e-test-images/', 'registry.k8s.io/e2e-test-images/'],
];

/** Where the same images lie under their own name; undefined: nowhere else. */
export function mirrorOf(repository: string): string | undefined {
  const same = SAME[repository];
  if (same !== undefined) return same;
  for (const [prefix, own] of PREFIXES) {
    if (!repository.startsWith(prefix)) continue;
    const moved = own + repository.slice(prefix.length);
    return SAME[moved] ?? moved;
  }
  return undefined;
}
