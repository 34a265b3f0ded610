// For tests: the part of an API server that a kubelet talks to, without etcd, admission or authorization.

import { kindOf, resourceAt } from '../api/kinds.ts';
import { applyStrategicPatch } from '../api/patch/strategic.ts';
import type { Pod } from '../api/generated/types.ts';
import type { Os, Program } from '../machine/process.ts';
import { type HttpRequest, type HttpResponse, HttpStream, serveHttp } from '../network/http.ts';
import { Deferred } from '../sim/channel.ts';
import type { Op, Simulation } from '../sim/simulation.ts';

interface Thing {
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string; readonly resourceVersion?: string; readonly deletionTimestamp?: string };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: unknown;
}

interface Watcher {
  readonly resource: string;
  readonly namespace: string;
  readonly fields: string;
  readonly stream: HttpStream;
}

export class FakeApi {
  readonly sim: Simulation;
  readonly objects = new Map<string, Thing>();
  /** Every write, as `verb path`. */
  readonly writes: string[] = [];
  requests = 0;
  #watchers: Watcher[] = [];
  #revision = 1;

  constructor(sim: Simulation) {
    this.sim = sim;
  }

  readonly program: Program = (os: Os): Op<void> => this.#serve(os);

  *#serve(os: Os): Op<void> {
    serveHttp(os, { port: 6443, tls: { certificate: '' } }, (request) => this.#handle(request));
    yield* new Deferred<void>(os.sim).wait();
  }

  /** Writes an object and tells watchers. */
  put(resource: string, object: Thing): Thing {
    const key = `${resource}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const before = this.objects.get(key);
    const metadata = {
      ...object.metadata, resourceVersion: String(++this.#revision), uid: before?.metadata.uid ?? object.metadata.uid ?? `uid-${this.#revision}`,
    };
    const made: Thing = { ...object, metadata };
    this.objects.set(key, made);
    this.#tell(resource, before ? 'MODIFIED' : 'ADDED', made);
    return made;
  }

  remove(resource: string, namespace: string, name: string): void {
    const key = `${resource}/${namespace}/${name}`;
    const before = this.objects.get(key);
    if (!before || !this.objects.delete(key)) return;
    this.#tell(resource, 'DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(++this.#revision) } });
  }

  get<T>(resource: string, namespace: string, name: string): T | undefined {
    return this.objects.get(`${resource}/${namespace}/${name}`) as T | undefined;
  }

  pod(name: string): Pod {
    return this.get<Pod>('pods', 'default', name) as Pod;
  }

  events(name: string): string[] {
    return [...this.objects.values()].flatMap((o) => {
      const e = o as unknown as { kind: string; reason: string; message: string; involvedObject: { name: string } };
      return e.kind === 'Event' && e.involvedObject.name === name ? [`${e.reason}: ${e.message}`] : [];
    });
  }

  #tell(resource: string, type: string, object: Thing): void {
    for (const w of this.#watchers) if (w.resource === resource && matches(w, object)) w.stream.write({ type, object }, { verb: type, subject: null, kind: 'watch' });
  }

  *#handle(request: HttpRequest): Op<HttpResponse> {
    this.requests++;
    const parts = request.path.split('/').slice(1);
    const rest = parts[0] === 'api' ? parts.slice(2) : parts.slice(3);
    const [namespace, resource = '', name = '', subresource = ''] = rest[0] === 'namespaces' ? [rest[1] ?? '', ...rest.slice(2)] : ['', ...rest];
    if (request.method !== 'GET') this.writes.push(`${request.method} ${request.path}`);
    if (request.query['watch'] === 'true') {
      const stream = new HttpStream(this.sim);
      const watcher: Watcher = { resource, namespace, fields: request.query['fieldSelector'] ?? '', stream };
      if (request.query['sendInitialEvents'] === 'true') {
        for (const [key, object] of this.objects) {
          if (key.startsWith(`${resource}/`) && matches(watcher, object)) stream.write({ type: 'ADDED', object }, { verb: 'ADDED', subject: null, kind: 'watch' });
        }
        const metadata = { resourceVersion: String(this.#revision), annotations: { 'k8s.io/initial-events-end': 'true' } };
        stream.write({ type: 'BOOKMARK', object: { metadata } }, { verb: 'BOOKMARK', subject: null, kind: 'watch' });
      }
      this.#watchers.push(watcher);
      stream.onClose(() => {
        this.#watchers = this.#watchers.filter((w) => w !== watcher);
      });
      return { status: 200, headers: {}, stream };
    }
    const key = `${resource}/${namespace}/${name}`;
    const found = this.objects.get(key);
    if (request.method === 'GET' && name === '') {
      const fields = request.query['fieldSelector'] ?? '';
      const items = [...this.objects].filter(([k, o]) => k.startsWith(`${resource}/`) && matches({ namespace, fields }, o)).map(([, o]) => o);
      return ok({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: String(this.#revision) }, items });
    }
    if (subresource === 'token') return ok({ status: { token: `token for ${namespace}/${name}` } }, 201);
    if (request.method === 'POST') {
      const body = request.body as Thing;
      if (this.objects.has(`${resource}/${namespace}/${body.metadata.name}`)) return failure(409, 'AlreadyExists', `${resource} "${body.metadata.name}" already exists`);
      return ok(this.put(resource, body), 201);
    }
    if (!found) return failure(404, 'NotFound', `${resource} "${name}" not found`);
    if (request.method === 'GET') return ok(found);
    if (request.method === 'DELETE') {
      this.remove(resource, namespace, name);
      return ok(found);
    }
    if (request.method === 'PUT') return ok(this.put(resource, request.body as Thing));
    const version = parts[0] === 'api' ? 'v1' : `${parts[1]}/${parts[2]}`;
    const kind = resourceAt(version, resource) ?? kindOf(version, found.kind ?? '');
    return ok(this.put(resource, applyStrategicPatch(kind?.schema ?? '', found, request.body) as unknown as Thing));
  }
}

function matches({ namespace, fields }: { readonly namespace: string; readonly fields: string }, o: Thing): boolean {
  if (namespace !== '' && o.metadata.namespace !== namespace) return false;
  if (fields.startsWith('spec.nodeName=')) return o.spec?.nodeName === fields.slice('spec.nodeName='.length);
  return !fields.startsWith('metadata.name=') || o.metadata.name === fields.slice('metadata.name='.length);
}

const ok = (body: unknown, status = 200): HttpResponse => ({ status, headers: {}, body });

const failure = (code: number, reason: string, message: string): HttpResponse => ok({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code }, code);
