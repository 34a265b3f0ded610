// Where the API server is and who I am: kubeconfig files (client-go tools/clientcmd) and the in-cluster environment
// (client-go rest.InClusterConfig).

import { parseYaml } from '../api/yaml.ts';
import { fromBase64 } from '../api/base64.ts';
import type { Files } from '../machine/files.ts';
import type { Os } from '../machine/process.ts';
import type { ClientConfig } from './client.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters?: readonly { readonly name: string; readonly cluster: ClusterEntry }[];
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string; readonly user: string } }[];
  readonly users?: readonly { readonly name: string; readonly user: UserEntry }[];
}

interface ClusterEntry {
  readonly server: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
}

interface UserEntry {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
}

/** Reads the current context of the kubeconfig at `path`. The user agent is the program's name. Throws FileError or Error. */
export function loadKubeconfig(os: Os, path: string): ClientConfig {
  const config = parseYaml(os.files.read(path)) as Kubeconfig | null;
  const name = config?.['current-context'] ?? '';
  const context = config?.contexts?.find((entry) => entry.name === name)?.context;
  const cluster = config?.clusters?.find((entry) => entry.name === context?.cluster)?.cluster;
  if (!cluster) throw new Error('invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable');
  const user: UserEntry = config?.users?.find((entry) => entry.name === context?.user)?.user ?? {};
  return {
    server: cluster.server,
    userAgent: userAgentOf(os),
    ...optional('ca', inlineOrFile(os.files, cluster['certificate-authority-data'], cluster['certificate-authority'])),
    ...optional('clientCertificate', inlineOrFile(os.files, user['client-certificate-data'], user['client-certificate'])),
    ...optional('token', user.token),
    ...optional('tokenFile', user.tokenFile),
  };
}

/** What a container of a Pod knows about its cluster. Throws when it is not in one. */
export function inClusterConfig(os: Os): ClientConfig {
  const host = os.env['KUBERNETES_SERVICE_HOST'];
  const port = os.env['KUBERNETES_SERVICE_PORT'];
  if (!host || !port) {
    throw new Error('unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined');
  }
  const ca = `${SERVICE_ACCOUNT}/ca.crt`;
  os.files.read(`${SERVICE_ACCOUNT}/token`); // fails as upstream when there is none
  return {
    server: `https://${host}:${port}`,
    userAgent: userAgentOf(os),
    tokenFile: `${SERVICE_ACCOUNT}/token`,
    ...(os.files.exists(ca) ? { ca: os.files.read(ca) } : {}),
  };
}

const VERSION = 'v1.36.0';

/** As rest.DefaultKubernetesUserAgent, without the commit: `kube-scheduler/v1.36.0 (linux/amd64) kubernetes`. */
function userAgentOf(os: Os): string {
  const program = os.argv[0] ?? 'unknown';
  return `${program.slice(program.lastIndexOf('/') + 1)}/${VERSION} (linux/amd64) kubernetes`;
}

function optional<K extends keyof ClientConfig>(key: K, value: ClientConfig[K] | undefined): Partial<Pick<ClientConfig, K>> {
  return value === undefined ? {} : ({ [key]: value } as Pick<ClientConfig, K>);
}

function inlineOrFile(files: Files, data: string | undefined, path: string | undefined): string | undefined {
  if (data !== undefined) return fromBase64(data);
  return path === undefined ? undefined : files.read(path);
}
