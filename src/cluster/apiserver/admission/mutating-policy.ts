// MutatingAdmissionPolicy: expressions that give a part of the object to be merged in, or a list of patches
// (apiserver/pkg/admission/plugin/policy/mutating).

import { CelError, celToJson } from '../../api/cel/cel.ts';
import { decodeObject } from '../../api/decode.ts';
import { applyJsonPatch } from '../../api/patch/json.ts';
import { applyMergePatch } from '../../api/patch/merge.ts';
import { applyStrategicPatch } from '../../api/patch/strategic.ts';
import { invalid } from '../../api/status.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Unsaved } from '../storage/store.ts';
import { type AdmissionPlugin, type AdmissionRequest, type Pass, withObject } from './chain.ts';
import { isExempt } from './matching.ts';
import { type Bound, boundPolicies, isInForce, paramsFor, type PolicySpec } from './policy-bindings.ts';
import { PolicyRun } from './policy-run.ts';

interface Mutation {
  readonly patchType: string;
  readonly applyConfiguration?: { readonly expression?: string };
  readonly jsonPatch?: { readonly expression?: string };
}

interface MutatingSpec extends PolicySpec {
  readonly mutations?: readonly Mutation[];
}

export const mutatingAdmissionPolicy: AdmissionPlugin = {
  name: 'MutatingAdmissionPolicy',

  handles: (request) =>
    request.server.admission.watched.mutatingBindings.in('').length > 0 && request.object !== null && !isExempt(request),

  admitAsking(request, _, pass) {
    const { mutatingPolicies, mutatingBindings } = request.server.admission.watched;
    const due = boundPolicies<MutatingSpec>(mutatingPolicies, mutatingBindings).filter((bound) => isInForce(bound, request));
    return due.length === 0 ? null : changeBy(due, request, pass);
  },
};

// It waits for nobody, but what it changes is shown to the other plug-ins again, as with webhooks.
// oxlint-disable-next-line require-yield
function* changeBy(due: readonly Bound<MutatingSpec>[], given: AdmissionRequest, pass: Pass): Op<Unsaved | null> {
  let request = given;
  for (const bound of due) {
    const key = `policy ${bound.policy} ${bound.binding}`;
    if (pass.again && !(bound.spec.reinvocationPolicy === 'IfNeeded' && pass.left.get(key) !== request.object)) continue;
    request = withObject(request, mutated(bound, request));
    pass.left.set(key, request.object);
  }
  return request.object;
}

/** @throws ApiError 422 when the policy cannot be evaluated and must be */
function mutated(bound: Bound<MutatingSpec>, request: AdmissionRequest): Unsaved {
  const object = request.object as Unsaved;
  const params = paramsFor(bound, request);
  if (typeof params === 'string') return failed(bound, request, params);
  let current = request;
  for (const param of params) {
    const { matches } = new PolicyRun(bound, current, param);
    if (matches === false) continue;
    if (matches !== true) return failed(bound, request, matches);
    for (const mutation of bound.spec.mutations ?? []) {
      const after = applied(mutation, new PolicyRun(bound, current, param), current);
      if (typeof after === 'string') return failed(bound, request, after);
      current = withObject(current, after);
    }
  }
  return current.object ?? object;
}

function failed({ spec, policy, binding }: Bound<MutatingSpec>, { object, kind, name }: AdmissionRequest, why: string): Unsaved {
  if (spec.failurePolicy === 'Ignore') return object as Unsaved;
  const message = `policy '${policy}' with binding '${binding}' denied request: ${why}`;
  throw invalid(kind, name, [{ type: 'FieldValueInvalid', field: '', message }]);
}

/** The object after one mutation, or what is wrong. */
function applied(
  { patchType, applyConfiguration, jsonPatch }: Mutation,
  run: PolicyRun,
  { object, kind }: AdmissionRequest,
): Unsaved | string {
  const expression = (patchType === 'JSONPatch' ? jsonPatch?.expression : applyConfiguration?.expression) ?? '';
  const result = run.evaluate(expression);
  if (result instanceof CelError) return `expression '${expression}' resulted in error: ${result.message}`;
  const change = celToJson(result);
  const before = object as Unsaved;
  try {
    const after =
      patchType === 'JSONPatch'
        ? applyJsonPatch(before, change)
        : kind.schema === ''
          ? applyMergePatch(before, change)
          : applyStrategicPatch(kind.schema, before, change);
    return after === before ? before : decodeObject(kind, after as object, 'Ignore').object;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
