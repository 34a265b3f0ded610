// Who may use the kubelet's endpoints: client certificates of the cluster's CA and ServiceAccount tokens (TokenReview), and then what
// the API server says of nodes/proxy, nodes/metrics … (SubjectAccessReview), remembered for a while (pkg/kubelet/server/auth.go).

import { verifyCertificate } from '../api/pki.ts';
import type { HttpRequest, HttpResponse, Peer } from '../network/http.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, MINUTE, SECOND } from '../sim/time.ts';
import type { Context } from './context.ts';

const ALLOWED_FOR: Micros = 5 * MINUTE;
const DENIED_FOR: Micros = 30 * SECOND;
const TOKEN_FOR: Micros = 2 * MINUTE;

interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

const SUBRESOURCES: Readonly<Record<string, string>> = {
  stats: 'stats', metrics: 'metrics', logs: 'log', checkpoint: 'checkpoint', pods: 'pods', runningpods: 'pods', healthz: 'healthz', configz: 'configz',
};

export class ServerAuth {
  readonly #context: Context;
  readonly #decisions = new Map<string, { readonly allowed: boolean; readonly until: Micros }>();
  readonly #tokens = new Map<string, { readonly user: User | null; readonly until: Micros }>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The refusal, or null when the request may go on. */
  *refuse(request: HttpRequest, peer: Peer): Op<HttpResponse | null> {
    const { client } = this.#context;
    if (client === null) return null;
    const user = this.#byCertificate(peer) ?? (yield* this.#byToken(request.headers['authorization']));
    if (user === null) return { status: 401, headers: TEXT, body: 'Unauthorized' };
    const root = request.path.split('/')[1] ?? '';
    const subresource = SUBRESOURCES[root] ?? 'proxy';
    const verb = VERBS[request.method] ?? request.method.toLowerCase();
    if (yield* this.#allowed(user, verb, subresource)) return null;
    return {
      status: 403,
      headers: TEXT,
      body: `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresource === 'proxy' ? '' : `${subresource} `}proxy])`,
    };
  }

  #byCertificate({ certificate }: Peer): User | null {
    if (certificate === null || certificate === '') return null;
    const { files } = this.#context.os.machine;
    const path = this.#context.config.clientCaFile;
    const found = path !== '' && files.exists(path) ? verifyCertificate(certificate, files.read(path)) : null;
    return found === null ? null : { name: found.user, groups: [...found.groups, 'system:authenticated'] };
  }

  *#byToken(authorization: string | undefined): Op<User | null> {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
    const { client, os } = this.#context;
    if (token === undefined || client === null) return null;
    const known = this.#tokens.get(token);
    if (known !== undefined && known.until > os.sim.now) return known.user;
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
    const review = (yield* this.#post('/apis/authentication.k8s.io/v1/tokenreviews', body)) as
      | { readonly status?: { readonly authenticated?: boolean; readonly user?: { readonly username?: string; readonly groups?: readonly string[] } } }
      | undefined;
    const status = review?.status;
    const user = status?.authenticated === true ? { name: status.user?.username ?? '', groups: status.user?.groups ?? [] } : null;
    this.#tokens.set(token, { user, until: os.sim.now + TOKEN_FOR });
    return user;
  }

  *#allowed(user: User, verb: string, subresource: string): Op<boolean> {
    const { sim } = this.#context.os;
    for (const asked of subresource === 'proxy' ? ['proxy'] : [subresource, 'proxy']) {
      const key = `${user.name} ${user.groups.join(' ')} ${verb} ${asked}`;
      const known = this.#decisions.get(key);
      let allowed = known?.allowed ?? false;
      if (known === undefined || known.until <= sim.now) {
        allowed = yield* this.#ask(user, verb, asked);
        this.#decisions.set(key, { allowed, until: sim.now + (allowed ? ALLOWED_FOR : DENIED_FOR) });
      }
      if (allowed) return true;
    }
    return false;
  }

  *#ask(user: User, verb: string, subresource: string): Op<boolean> {
    const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name: this.#context.nodeName };
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: user.name, groups: user.groups, resourceAttributes },
    };
    const review = (yield* this.#post('/apis/authorization.k8s.io/v1/subjectaccessreviews', body)) as { readonly status?: { readonly allowed?: boolean } } | undefined;
    return review?.status?.allowed === true;
  }

  /** The answer, or undefined when there is none. */
  *#post(path: string, body: unknown): Op<unknown> {
    const { client } = this.#context;
    if (client === null) return undefined;
    try {
      return (yield* client.raw({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body })).body;
    } catch (error) {
      this.#context.os.logError(`"Authorization error" err="${error instanceof Error ? error.message : String(error)}"`);
      return undefined;
    }
  }
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const VERBS: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
