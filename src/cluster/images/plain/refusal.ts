// Which images the registries of the internet do not give: names that only stand for one, tags that do not exist, hosts that
// are somebody's own.

const PUBLIC_HOSTS = [
  'docker.io', 'registry.k8s.io', 'k8s.gcr.io', 'gcr.io', 'us.gcr.io', 'eu.gcr.io', 'asia.gcr.io', 'ghcr.io', 'quay.io', 'public.ecr.aws', 'mcr.microsoft.com', 'registry.gitlab.com', 'nvcr.io',
  'docker.elastic.co', 'registry.istio.io', 'registry.suse.com', 'registry.access.redhat.com', 'registry.opensource.zalan.do', 'container-registry.oracle.com', 'cr.l5d.io', 'cr.fluentbit.io',
  'lscr.io', 'cgr.dev', 'dhi.io', 'mirror.gcr.io', 'icr.io', 'registry.redhat.io', 'r.j3ss.co',
];
const PUBLIC_SUFFIXES = ['.gcr.io', '.pkg.dev', '.aliyuncs.com'];
/** The cloud's registries of accounts: they exist, and ask for an account. */
const PRIVATE_SUFFIXES = ['.azurecr.io', '.amazonaws.com', '.myhuaweicloud.com', '.ocir.io', '.jfrog.io', '.digitalocean.com', '.tencentyun.com'];

const SOMEBODY = /^(your|my)([-_.]|$)|^your|^my(repo|registry|user|org|company|project|image|account|name)|^(user(name)?|example|placeholder|org|company|repo(sitory)?|project([-_]?id)?|foo|bar|xxx?|namespace)$|^(dockerhub|docker)[-_]?(user|id|name)/;
const NO_SUCH_NAME = /(does-?not-?exist|non-?exist|no-?such|not-?found|invalid|bogus|typo|(^|[-_.])(wrong|fake)([-_.]|$))|^(not|a)$/;
const NO_SUCH_TAG = /(typo|does-?not-?exist|non-?exist|no-?such|not-?found|invalid|bogus|wrong|broken|fake)/;

export type Refusal = 'not-found' | 'unauthorized' | 'unreachable';

/** Why a reference that no entry of the catalogue covers is not given; null when nothing speaks against it. `official`: of docker.io/library */
export function refusalOf(repository: string, tag: string, official: (name: string) => boolean): Refusal | null {
  const slash = repository.indexOf('/');
  const host = repository.slice(0, slash);
  const path = repository.slice(slash + 1).split('/');
  if (PRIVATE_SUFFIXES.some((suffix) => host.endsWith(suffix)) || /(^|[/_.-])private([/_.-]|$)/.test(repository)) return 'unauthorized';
  if (!PUBLIC_HOSTS.includes(host) && !PUBLIC_SUFFIXES.some((suffix) => host.endsWith(suffix))) return 'unreachable';
  const refused = host === 'docker.io' ? 'unauthorized' : 'not-found';
  if (host === 'docker.io' && path[0] === 'library' && !official(path[1] ?? '')) return refused;
  if (SOMEBODY.test(path[0] as string) || path.some((part) => NO_SUCH_NAME.test(part)) || (path.length > 1 && /^(your|my)[-_]/.test(path.at(-1) as string) && host !== 'docker.io')) return refused;
  return NO_SUCH_TAG.test(tag) ? 'not-found' : null;
}
