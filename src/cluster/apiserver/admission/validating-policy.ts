// ValidatingAdmissionPolicy: expressions that must hold (apiserver/pkg/admission/plugin/policy/validating).

import { CelError } from '../../api/cel/cel.ts';
import { ApiError, forbidden } from '../../api/status.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { isExempt } from './matching.ts';
import { type Bound, boundPolicies, isInForce, paramsFor, type PolicySpec } from './policy-bindings.ts';
import { PolicyRun } from './policy-run.ts';

interface Validation {
  readonly expression: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
}

interface ValidatingSpec extends PolicySpec {
  readonly validations?: readonly Validation[];
  readonly auditAnnotations?: readonly { readonly key: string; readonly valueExpression: string }[];
}

interface Denial {
  readonly message: string;
  readonly reason: string;
}

const CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 };
const LONGEST_MESSAGE = 5 * 1024;

export const validatingAdmissionPolicy: AdmissionPlugin = {
  name: 'ValidatingAdmissionPolicy',

  handles: (request) => request.server.admission.watched.validatingBindings.in('').length > 0 && !isExempt(request),

  validate(request) {
    const { validatingPolicies, validatingBindings } = request.server.admission.watched;
    let first: ApiError | null = null;
    for (const bound of boundPolicies<ValidatingSpec>(validatingPolicies, validatingBindings)) {
      if (!isInForce(bound, request)) continue;
      for (const denial of denialsOf(bound, request)) {
        const { validationActions = ['Deny'] } = bound.with;
        if (validationActions.includes('Deny')) first ??= refusal(bound, request, denial);
        if (validationActions.includes('Warn')) {
          request.x.warnings.push(
            `Validation failed for ValidatingAdmissionPolicy '${bound.policy}' with binding '${bound.binding}': ${denial.message}`,
          );
        }
        if (validationActions.includes('Audit')) annotateFailure(bound, request, denial);
      }
    }
    if (first) throw first;
  },
};

function denialsOf(bound: Bound<ValidatingSpec>, request: AdmissionRequest): readonly Denial[] {
  const strict = bound.spec.failurePolicy !== 'Ignore';
  const params = paramsFor(bound, request);
  if (typeof params === 'string') return strict ? [{ message: `failed to configure binding: ${params}`, reason: '' }] : [];
  return params.flatMap((param) => {
    const run = new PolicyRun(bound, request, param);
    const { matches } = run;
    if (matches === false) return [];
    if (matches !== true) return strict ? [{ message: matches, reason: '' }] : [];
    annotate(bound, request, run);
    return (bound.spec.validations ?? []).flatMap((validation) => denialBy(validation, run, strict) ?? []);
  });
}

function denialBy({ expression, message, messageExpression, reason = '' }: Validation, run: PolicyRun, strict: boolean): Denial | null {
  const result = run.evaluate(expression);
  if (result === true) return null;
  if (result instanceof CelError)
    return strict ? { message: `expression '${expression}' resulted in error: ${result.message}`, reason } : null;
  const computed = messageExpression ? run.evaluate(messageExpression) : undefined;
  const isGood = typeof computed === 'string' && computed.trim() !== '' && !computed.includes('\n') && computed.length <= LONGEST_MESSAGE;
  const text = isGood ? computed.trim() : message ? message.trim() : `failed expression: ${expression.trim()}`;
  return { message: text, reason };
}

function refusal({ policy, binding }: Bound<ValidatingSpec>, { kind, name }: AdmissionRequest, { message, reason }: Denial): ApiError {
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`;
  const { status } = forbidden(kind, name, text);
  const given = reason === '' ? 'Invalid' : reason;
  return new ApiError({
    ...status,
    reason: given,
    details: { ...status.details, causes: [{ message: text }] },
    code: CODES[given] ?? 422,
  });
}

const FAILURE = 'validation.policy.admission.k8s.io/validation_failure';

function annotateFailure(
  { policy, binding, with: { validationActions } }: Bound<ValidatingSpec>,
  request: AdmissionRequest,
  { message }: Denial,
): void {
  const failure = { message, policy, binding, expressionIndex: 0, validationActions };
  request.x.audited?.annotate(FAILURE, JSON.stringify([failure]));
}

function annotate({ spec, policy }: Bound<ValidatingSpec>, { x }: AdmissionRequest, run: PolicyRun): void {
  if (!x.audited) return;
  for (const { key, valueExpression } of spec.auditAnnotations ?? []) {
    const value = run.evaluate(valueExpression);
    if (typeof value === 'string' && value !== '') x.audited.annotate(`${policy}/${key}`, value);
  }
}
