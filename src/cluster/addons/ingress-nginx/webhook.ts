// The validating webhook of ingress-nginx (internal/admission/controller, CheckIngress): answers AdmissionReviews about Ingresses.

import type { Ingress } from '../../api/generated/types.ts';
import type { Os } from '../../machine/process.ts';
import { type HttpRequest, serveHttp } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Klog } from '../klog.ts';
import { forbiddenAnnotation } from './annotations.ts';
import type { IngressController } from './controller.ts';
import { DEFAULT_SERVER } from './model.ts';

interface Review {
  readonly request: { readonly uid: string; readonly namespace?: string; readonly name?: string; readonly object?: Ingress | null };
}

export function serveWebhook(os: Os, port: number, certificate: string, controller: IngressController, log: Klog): void {
  serveHttp(os, { port, tls: { certificate } }, function* (request: HttpRequest): Op<{ status: number; headers: Readonly<Record<string, string>>; body: unknown }> {
    yield* os.sleep(2_000);
    const review = (typeof request.body === 'string' ? JSON.parse(request.body) : request.body) as Review;
    const { uid, object, namespace = '', name = '' } = review.request;
    const problem = object ? check(object, controller) : null;
    if (problem !== null) log.error('main.go:96', `"invalid ingress configuration" err=${JSON.stringify(problem)} ingress="${namespace}/${name}"`);
    else log.info('main.go:107', `"successfully validated configuration, accepting" ingress="${namespace}/${name}"`);
    const refused = { status: { status: 'Failure', reason: 'BadRequest', code: 400, message: problem ?? '' } };
    const response = { uid, allowed: problem === null, ...(problem === null ? {} : refused) };
    return { status: 200, headers: { 'content-type': 'application/json' }, body: { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: review.request, response } };
  });
}

const FORBIDDEN: readonly RegExp[] = [/\s*alias\s*.*;/s, /\s*root\s*.*;/s, /\/etc\/(passwd|shadow|group|nginx|ingress-controller)/, /\/var\/run\/secrets/, /.*_by_lua.*/];
const VALID_PATH = /^\/[A-Za-z0-9._\-/]*$/i;

/** What is wrong with it; null: nothing, or it is not for this controller. */
export function check(ingress: Ingress, controller: IngressController): string | null {
  if (ingress.metadata.deletionTimestamp) return null;
  for (const { host = '', http } of ingress.spec?.rules ?? []) {
    for (const text of [host, ...(http?.paths ?? []).map((p) => p.path ?? '')]) {
      if (FORBIDDEN.some((f) => f.test(text))) return `invalid object: invalid ingress: invalid value found: ${text}`;
    }
  }
  if (!controller.classOf(ingress).ok) return null;
  const wrong = (ingress.spec?.rules ?? []).flatMap((r) => r.http?.paths ?? []).filter((p) => (p.path ?? '') !== '' && p.pathType !== 'ImplementationSpecific' && !VALID_PATH.test(p.path ?? ''));
  if (wrong.length > 0) return `ingress contains invalid paths: ${wrong.map((p) => `path ${p.path ?? ''} cannot be used with pathType ${p.pathType ?? '<nil>'}`).join('\n')}`;
  return forbiddenAnnotation(ingress) ?? overlap(ingress, controller);
}

/** checkOverlap: a host and path that another Ingress has already. */
function overlap(ingress: Ingress, controller: IngressController): string | null {
  const canary = ingress.metadata.annotations?.['nginx.ingress.kubernetes.io/canary'] === 'true';
  if (canary) return null;
  const others = controller.ingresses().filter((i) => (i.metadata.namespace !== ingress.metadata.namespace || i.metadata.name !== ingress.metadata.name) && i.metadata.annotations?.['nginx.ingress.kubernetes.io/canary'] !== 'true');
  const asked = (i: Ingress): readonly { host: string; path: string; type: string }[] =>
    (i.spec?.rules ?? []).flatMap((r) => (r.http?.paths ?? []).map((p) => ({ host: r.host || DEFAULT_SERVER, path: p.path || '/', type: p.pathType === 'Exact' ? 'Exact' : 'Prefix' })));
  for (const { host, path, type } of asked(ingress)) {
    const taken = others.find((other) => asked(other).some((o) => o.host === host && o.path === path && o.type === type));
    if (taken) return `host "${host}" and path "${path}" is already defined in ingress ${taken.metadata.namespace ?? ''}/${taken.metadata.name}`;
  }
  return null;
}
