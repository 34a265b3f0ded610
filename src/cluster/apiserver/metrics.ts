// /metrics, in its main lines: requests by what they asked and how they were answered, and how busy the priority levels are.
// Counting costs a look-up a request; the text is made when somebody asks.

import type { ResourceKind } from '../api/kinds.ts';
import type { HttpResponse } from '../network/http.ts';
import type { RequestContext } from './request.ts';
import type { Exchange } from './server.ts';

const TEXT = Object.freeze({ 'content-type': 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores' });

const VERBS: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
};

interface Count {
  readonly verb: string;
  readonly subresource: string;
  readonly scope: string;
  readonly code: number;
  readonly kind: ResourceKind | null;
  value: number;
}

export class Metrics {
  readonly #requests = new Map<ResourceKind | null, Map<string, Count>>();

  answered({ info }: RequestContext, code: number): void {
    let mine = this.#requests.get(info.kind);
    if (!mine) {
      mine = new Map();
      this.#requests.set(info.kind, mine);
    }
    const scope = info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';
    const key = `${info.verb}${code}${scope}${info.subresource}`;
    const count = mine.get(key);
    if (count) count.value++;
    else mine.set(key, { verb: info.verb, subresource: info.subresource, scope: info.isResource ? scope : '', code, kind: info.kind, value: 1 });
  }

  requests(): readonly Count[] {
    return [...this.#requests.values()].flatMap((counts) => [...counts.values()]);
  }
}

function family(name: string, help: string, type: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${[...lines].sort().join('\n')}\n`;
}

const labels = (pairs: Readonly<Record<string, string>>): string =>
  `{${Object.keys(pairs)
    .map((key) => `${key}=${JSON.stringify(pairs[key])}`)
    .join(',')}}`;

/** The answer at /metrics, or null. */
export function metrics(x: Exchange): HttpResponse | null {
  if (x.info.path !== '/metrics') return null;
  const { server } = x;
  const requests = server.metrics.requests().map(({ verb, subresource, scope, code, kind, value }) => {
    const what = { code: String(code), component: 'apiserver', dry_run: '', group: kind?.group ?? '', resource: kind?.plural ?? '' };
    return `apiserver_request_total${labels({ ...what, scope, subresource, verb: VERBS[verb] ?? verb.toUpperCase(), version: kind?.version ?? '' })} ${value}`;
  });
  const levels = [...server.flowControl.levels.values()];
  const level = (name: string, value: (one: (typeof levels)[number]) => number): string[] =>
    levels.map((one) => `${name}${labels({ priority_level: one.name })} ${value(one)}`);
  const objects: string[] = [];
  for (const cacher of server.store.cache.all()) {
    const { group, plural } = cacher.kind;
    objects.push(`apiserver_resource_objects${labels({ group, resource: plural })} ${cacher.objects.size}`);
  }
  const body = [
    family('apiserver_request_total', '[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.', 'counter', requests),
    family('apiserver_resource_objects', '[ALPHA] Number of stored objects at the time of last check split by kind.', 'gauge', objects),
    family('apiserver_flowcontrol_current_executing_seats', '[BETA] Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem', 'gauge', level('apiserver_flowcontrol_current_executing_seats', (one) => one.seatsInUse)),
    family('apiserver_flowcontrol_nominal_limit_seats', '[BETA] Nominal number of execution seats configured for each priority level', 'gauge', level('apiserver_flowcontrol_nominal_limit_seats', (one) => one.seats)),
    family('apiserver_flowcontrol_dispatched_requests_total', '[BETA] Number of requests executed by API Priority and Fairness subsystem', 'counter', level('apiserver_flowcontrol_dispatched_requests_total', (one) => one.dispatched)),
    family('apiserver_flowcontrol_rejected_requests_total', '[BETA] Number of requests rejected by API Priority and Fairness subsystem', 'counter', level('apiserver_flowcontrol_rejected_requests_total', (one) => one.rejected + one.timedOut)),
  ];
  return { status: 200, headers: TEXT, body: body.join('') };
}
