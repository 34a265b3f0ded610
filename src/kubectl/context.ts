// What every command of kubectl shares: the client, the namespace, finding resources by the names people use, printing.

import { KINDS, kindOf, resourceOf, type ResourceKind } from '../cluster/api/kinds.ts';
import { ApiError } from '../cluster/api/status.ts';
import { Client, type RawRequest } from '../cluster/client/client.ts';
import { loadKubeconfig } from '../cluster/client/kubeconfig.ts';
import type { Os } from '../cluster/machine/process.ts';
import type { HttpStream } from '../cluster/network/http.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import type { Flags, FlagSpec } from './flags.ts';
import { CommandError } from './print/error.ts';

export const VERSION = 'v1.36.0';

/** Flags that every command takes. */
export const GLOBAL_FLAGS: FlagSpec = {
  namespace: { short: 'n', takes: 'value' },
  kubeconfig: { takes: 'value' },
  server: { short: 's', takes: 'value' },
  context: { takes: 'value' },
  'request-timeout': { takes: 'value' },
};

export interface LiveObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
}

export class Context {
  readonly os: Os;
  readonly client: Client;
  readonly server: string;
  /** The namespace to work in, and whether `-n` said so. */
  readonly namespace: string;
  readonly namespaceGiven: boolean;

  /** Throws Error when there is no usable kubeconfig. */
  constructor(os: Os, flags: Flags) {
    this.os = os;
    const path = flags.text('kubeconfig') ?? os.env['KUBECONFIG'] ?? `${os.env['HOME'] ?? '/root'}/.kube/config`;
    const config = loadKubeconfig(os, path);
    this.server = config.server.replace(/^https?:\/\//, '');
    this.client = new Client(os, { ...config, userAgent: `kubectl/${VERSION} (linux/amd64) kubernetes` });
    this.namespaceGiven = flags.text('namespace') !== undefined;
    this.namespace = flags.text('namespace') ?? 'default';
  }

  print(line: string): void {
    this.os.log(line);
  }

  /** A request about one object or one collection (`name` ''). Returns the body; prints the server's warnings. */
  *request(method: string, target: Target, options: RequestOptions = {}): Op<unknown> {
    const { kind, namespace, name } = target;
    const request: RawRequest = {
      method,
      path: pathOf(target),
      query: options.query ?? {},
      headers: {
        accept: options.accept ?? 'application/json',
        ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
      },
      subject: { group: kind.group, resource: kind.plural, kind: kind.kind, namespace: kind.namespaced ? namespace : '', name: options.subjectName ?? name },
      verb: method,
      ...(options.body === undefined ? {} : { body: options.body }),
    };
    const response = yield* this.client.raw(request);
    const warnings = response.headers['warning'];
    if (warnings) for (const text of warnings.split('\n')) this.os.logError(`Warning: ${/^299 - "(.*)"$/.exec(text)?.[1]?.replaceAll('\\"', '"') ?? text}`);
    return response.body;
  }

  /** A watch of one collection; its events are what the server writes. */
  *watch(target: Target, query: Readonly<Record<string, string>>, subjectName: string): Op<HttpStream> {
    const { kind, namespace } = target;
    const subject = { group: kind.group, resource: kind.plural, kind: kind.kind, namespace: kind.namespaced ? namespace : '', name: subjectName };
    const response = yield* this.client.raw({ method: 'GET', path: pathOf(target), query, headers: { accept: 'application/json' }, subject, verb: 'watch' });
    if (!response.stream) throw new Error('the watch was answered without a stream');
    return response.stream;
  }

  /** The object, or undefined when there is none. */
  *find(target: Target): Op<LiveObject | undefined> {
    try {
      return (yield* this.request('GET', target)) as LiveObject;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }
}

function pathOf({ kind, namespace, name, subresource }: Target): string {
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced && namespace !== '' ? `/namespaces/${namespace}` : '';
  return `${base}${scope}/${kind.plural}${name === '' ? '' : `/${name}`}${subresource ? `/${subresource}` : ''}`;
}

export interface Target {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
}

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly subjectName?: string;
}

/** `deployment.apps/web`: how kubectl names an object in its messages. */
export const nameOf = (kind: ResourceKind, name: string): string => `${kind.singular}${kind.group === '' ? '' : `.${kind.group}`}/${name}`;

/** The resource that a person means by `po`, `pod`, `Pods`, `deploy`, `deployments.apps`, `deployments.v1.apps`. */
export function resourceByName(given: string): ResourceKind {
  const name = given.toLowerCase();
  const exact = resourceOf(name);
  if (exact) return exact;
  const [first = '', ...rest] = name.split('.');
  const group = rest.join('.');
  const found = KINDS.find((k) => {
    const called = k.plural === first || k.singular === first || k.shortNames.includes(first);
    return called && (group === '' || k.group === group || `${k.version}.${k.group}` === group || (k.group === '' && k.version === group) || (k.group !== '' && k.group.startsWith(`${group}.`)));
  });
  if (!found) throw new CommandError(`the server doesn't have a resource type "${given}"`);
  return found;
}

/** The resources of `get all`. */
export const resourcesOfCategory = (category: string): readonly ResourceKind[] => {
  const seen = new Set<string>();
  return KINDS.filter((k) => k.categories.includes(category) && !seen.has(k.key) && seen.add(k.key));
};

/** The resource of a manifest; throws CommandError in kubectl's words when nothing is known of its kind. */
export function resourceOfManifest(object: LiveObject, source: string): ResourceKind {
  const { apiVersion = '', kind = '', metadata } = object;
  const found = kindOf(apiVersion, kind);
  if (found) return found;
  throw new CommandError(
    `resource mapping not found for name: "${metadata?.name ?? ''}" namespace: "${metadata?.namespace ?? ''}" from "${source}": ` +
      `no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`,
  );
}

