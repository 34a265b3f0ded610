// Which server, who and which namespace: the kubeconfig's current context with the command line's overrides (clientcmd's
// ClientConfig), the in-cluster environment, or localhost:8080.

import { fromBase64 } from '../../cluster/api/base64.ts';
import { Client } from '../../cluster/client/client.ts';
import { inClusterConfig } from '../../cluster/client/kubeconfig.ts';
import type { Os } from '../../cluster/machine/process.ts';
import { HttpClient } from '../../cluster/network/http.ts';
import { parseDuration } from '../duration.ts';
import type { Flags } from '../flag-set.ts';
import { GLOBAL_FLAGS } from '../global-flags.ts';
import { CommandError, PlainError } from '../print/error.ts';
import { absolute, type ClusterEntry, type ContextEntry, type Kubeconfig, loadKubeconfigs, sourcesOf, type UserEntry } from './kubeconfig.ts';

export const VERSION = 'v1.36.0';
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

export interface ClientSettings {
  readonly client: Client;
  /** `https://192.168.66.10:6443`, as the configuration has it. */
  readonly server: string;
  /** Headers of every request beyond the client's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: string;
}

export interface Chosen {
  readonly config: Kubeconfig;
  readonly contextName: string;
  readonly context: ContextEntry;
  readonly cluster: ClusterEntry | undefined;
  readonly user: UserEntry;
}

/** The context that is used. Throws CommandError for names that are not there. */
export function choose(os: Os, flags: Flags): Chosen {
  const config = loadKubeconfigs(os, sourcesOf(os, flags.text('kubeconfig')));
  const asked = flags.text('context');
  const contextName = asked || config.currentContext;
  const context = config.contexts.get(contextName);
  if (asked !== '' && !context) throw new CommandError(`context "${asked}" does not exist`);
  if (contextName !== '' && !context) throw new PlainError(`Error in configuration: context was not found for specified context: ${contextName}`);
  const clusterName = flags.text('cluster') || (context?.cluster ?? '');
  const givenUser = flags.textOf('user', GLOBAL_FLAGS);
  const userName = givenUser || (context?.user ?? '');
  const cluster = config.clusters.get(clusterName);
  const user = config.users.get(userName);
  if (flags.given('cluster') && !cluster) throw new CommandError(`cluster "${clusterName}" does not exist`);
  if (givenUser !== '' && !user) throw new CommandError(`auth info "${userName}" does not exist`);
  return { config, contextName, context: context ?? {}, cluster, user: user ?? {} };
}

/** The namespace and whether `-n` said so. */
export function namespaceOf(os: Os, flags: Flags): { readonly namespace: string; readonly given: boolean } {
  const asked = flags.text('namespace');
  if (asked !== '') return { namespace: asked, given: true };
  const chosen = choose(os, flags);
  if (chosen.context.namespace) return { namespace: chosen.context.namespace, given: false };
  if (!chosen.cluster && os.files.exists(NAMESPACE_FILE)) return { namespace: os.files.read(NAMESPACE_FILE).trim(), given: false };
  return { namespace: 'default', given: false };
}

const inline = (os: Os, data: string | undefined, path: string | undefined): string | undefined => {
  if (data !== undefined && data !== '') return fromBase64(data);
  if (path === undefined || path === '') return undefined;
  const at = absolute(os, path);
  if (!os.files.exists(at)) throw new CommandError(`unable to read client-cert ${path} for user due to open ${path}: no such file or directory`);
  return os.files.read(at);
};

export function connect(os: Os, flags: Flags, commandPath: string): ClientSettings {
  const { cluster = {}, user } = choose(os, flags);
  const asked = flags.text('server');
  let server = asked || cluster.server || '';
  const token = flags.text('token') || user.token;
  const userAgent = `${(os.argv[0] ?? 'kubectl').split('/').at(-1)}/${VERSION} (linux/amd64) kubernetes/0000000`;
  const timeout = flags.text('request-timeout');
  const limit = timeout === '' || timeout === '0' ? 0 : /^\d+$/.test(timeout) ? Number(timeout) * 1e6 : parseDuration(timeout);
  if (typeof limit === 'string') throw new CommandError(`Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)`);
  const common = { userAgent, ...(limit > 0 ? { timeout: limit } : { timeout: 600e6 }) };
  const headers = { ...impersonation(flags), 'kubectl-command': commandPath };
  if (server === '' && os.env['KUBERNETES_SERVICE_HOST']) {
    const inside = { ...inClusterConfig(os), ...common };
    return { client: new Client(os, inside), server: inside.server, headers, timeout };
  }
  if (server === '') server = 'http://localhost:8080';
  if (!server.includes('://')) server = `http://${server}`;
  const { plain, host, port } = split(server);
  if (plain) return { client: new Client(os, { server, ...common }, new HttpClient(os, { host, port })), server, headers, timeout };
  const certificate = inline(os, flags.given('client-certificate') ? undefined : user['client-certificate-data'], flags.text('client-certificate') || user['client-certificate']);
  const ca = flags.is('insecure-skip-tls-verify') || cluster['insecure-skip-tls-verify'] === true ? undefined : inline(os, flags.given('certificate-authority') ? undefined : cluster['certificate-authority-data'], flags.text('certificate-authority') || cluster['certificate-authority']);
  return {
    client: new Client(os, {
      server: `https://${host}:${port}`,
      ...common,
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
      ...(ca === undefined ? {} : { ca }),
      ...(token ? { token } : {}),
      ...(!token && user.tokenFile ? { tokenFile: user.tokenFile } : {}),
    }),
    server,
    headers,
    timeout,
  };
}

function split(server: string): { readonly plain: boolean; readonly host: string; readonly port: number } {
  const m = /^(https?):\/\/([^/:]+|\[[^\]]+\])(?::(\d+))?/.exec(server);
  const plain = m?.[1] === 'http';
  const name = m?.[2] ?? 'localhost';
  return { plain, host: name === 'localhost' ? '127.0.0.1' : name, port: m?.[3] ? Number(m[3]) : plain ? 80 : 443 };
}

function impersonation(flags: Flags): Record<string, string> {
  const headers: Record<string, string> = {};
  const groups = flags.list('as-group');
  if (flags.given('as')) headers['impersonate-user'] = flags.text('as');
  if (groups.length > 0) headers['impersonate-group'] = groups.join('\n');
  if (flags.given('as-uid')) headers['impersonate-uid'] = flags.text('as-uid');
  for (const extra of flags.list('as-user-extra')) {
    const [key = '', value = ''] = extra.split('=', 2);
    headers[`impersonate-extra-${key.toLowerCase()}`] = value;
  }
  if (!flags.given('as') && Object.keys(headers).length > 0) throw new CommandError('requesting uid, groups or user-extra without impersonating a user is not allowed');
  return headers;
}
