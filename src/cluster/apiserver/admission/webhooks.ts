// MutatingAdmissionWebhook and ValidatingAdmissionWebhook (apiserver/pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go).

import { fromBase64 } from '../../api/base64.ts';
import { decodeObject } from '../../api/decode.ts';
import type { Status } from '../../api/generated/types.ts';
import { applyJsonPatch } from '../../api/patch/json.ts';
import { ApiError, badRequest, internalError } from '../../api/status.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Unsaved } from '../storage/store.ts';
import { type AdmissionPlugin, type AdmissionRequest, type Pass, withObject } from './chain.ts';
import { activationOf, conditionsHold, type MatchCondition, WEBHOOK_ENVIRONMENT } from './expressions.ts';
import { type Constraints, isExempt, type Rule, rulesMatch, selectorsMatch } from './matching.ts';
import { refused } from './refusal.ts';
import type { Watched } from './watched.ts';
import { type Answer, callWebhook, type Hook } from './webhook-call.ts';

interface Webhook extends Hook, Constraints {
  readonly rules?: readonly Rule[];
  readonly failurePolicy?: string;
  readonly sideEffects: string;
  readonly matchConditions?: readonly MatchCondition[];
  readonly reinvocationPolicy?: string;
}

/** All webhooks of a kind in the order in which they are asked: configurations by name. Made anew when one changes. */
const compiled = new WeakMap<Watched, { version: number; hooks: readonly Webhook[] }>();

function hooksOf(watched: Watched): readonly Webhook[] {
  const known = compiled.get(watched);
  if (known?.version === watched.version) return known.hooks;
  const hooks = watched.in('').flatMap((c) => (c as unknown as { webhooks?: readonly Webhook[] }).webhooks ?? []);
  compiled.set(watched, { version: watched.version, hooks });
  return hooks;
}

const isAsked = (hook: Webhook, request: AdmissionRequest): boolean =>
  rulesMatch(hook.rules, request, hook.matchPolicy) && selectorsMatch(hook, request);

/** @throws ApiError when the webhook cannot be asked and must be */
function meetsConditions(hook: Webhook, request: AdmissionRequest): boolean {
  if (!hook.matchConditions?.length) return true;
  const holds = conditionsHold(hook.matchConditions, WEBHOOK_ENVIRONMENT, activationOf(request));
  if (typeof holds === 'boolean') return holds;
  if (hook.failurePolicy === 'Ignore') return false;
  throw refused(request, holds);
}

/** The answer; null when there is none and that does not matter. @throws ApiError */
function* ask(hook: Webhook, request: AdmissionRequest): Op<Answer | null> {
  const { x, server } = request;
  if (x.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
  }
  yield* x.meter.settle();
  const answer = yield* callWebhook(request, hook, server.admission.connections);
  if (typeof answer === 'string') {
    if (hook.failurePolicy === 'Ignore') return null;
    throw internalError(`failed calling webhook ${JSON.stringify(hook.name)}: ${answer}`);
  }
  for (const warning of answer.warnings ?? []) x.warnings.push(warning);
  if (!answer.allowed) throw denied(hook.name, answer.status);
  return answer;
}

function denied(name: string, given: Partial<Status> = {}): ApiError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = given.message ? `${by}: ${given.message}` : given.reason ? `${by}: ${given.reason}` : `${by} without explanation`;
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(given.reason ? { reason: given.reason } : {}),
    ...(given.details ? { details: given.details } : {}),
    code: (given.code ?? 0) < 400 ? 400 : (given.code as number),
  });
}

export const validatingAdmissionWebhook: AdmissionPlugin = {
  name: 'ValidatingAdmissionWebhook',

  handles: (request) => request.server.admission.watched.validatingWebhooks.in('').length > 0 && !isExempt(request),

  validateAsking(request) {
    const due = hooksOf(request.server.admission.watched.validatingWebhooks).filter((hook) => isAsked(hook, request));
    return due.length === 0 ? null : askAll(due, request);
  },
};

/** All are asked at once upstream; the first refusal in their order counts. */
function* askAll(due: readonly Webhook[], request: AdmissionRequest): Op<void> {
  for (const hook of due) if (meetsConditions(hook, request)) yield* ask(hook, request);
}

export const mutatingAdmissionWebhook: AdmissionPlugin = {
  name: 'MutatingAdmissionWebhook',

  handles: (request) => request.server.admission.watched.mutatingWebhooks.in('').length > 0 && !isExempt(request),

  admitAsking(request, _, pass) {
    const due = hooksOf(request.server.admission.watched.mutatingWebhooks).filter((hook) => isAsked(hook, request));
    return due.length === 0 ? null : changeBy(due, request, pass);
  },
};

function* changeBy(due: readonly Webhook[], given: AdmissionRequest, pass: Pass): Op<Unsaved | null> {
  let request = given;
  for (const hook of due) {
    if (pass.again && !(hook.reinvocationPolicy === 'IfNeeded' && pass.left.get(hook.name) !== request.object)) continue;
    if (!meetsConditions(hook, request)) continue;
    const answer = yield* ask(hook, request);
    if (answer?.patch && request.object) request = withObject(request, patched(hook.name, request, answer));
    pass.left.set(hook.name, request.object);
  }
  return request.object;
}

/** The object with the answer's JSONPatch applied, read as the kind that it is. @throws ApiError */
function patched(name: string, { object, kind }: AdmissionRequest, { patch = '', patchType }: Answer): Unsaved {
  if (patchType !== 'JSONPatch')
    throw internalError(
      `failed calling webhook ${JSON.stringify(name)}: received invalid webhook response: unsupported patch type ${JSON.stringify(patchType ?? '')}`,
    );
  let after: unknown;
  try {
    after = applyJsonPatch(object, JSON.parse(fromBase64(patch) ?? ''));
  } catch (error) {
    throw internalError(error instanceof Error ? error.message : String(error));
  }
  return after === object ? (object as Unsaved) : decodeObject(kind, after as object, 'Ignore').object;
}
