// Defaults of admission, flow control, API services, classes, devices, and of autoscalers' behaviour
// (pkg/apis/{admissionregistration,flowcontrol,networking,resource,autoscaling}/…/defaults.go).

import type {
  APIService,
  DeviceRequest,
  FlowSchema,
  HPAScalingRules,
  HorizontalPodAutoscalerBehavior,
  IngressClass,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  NamedRuleWithOperations,
  ParamRef,
  PriorityLevelConfiguration,
  ResourceClaim,
  ResourceClaimSpec,
  ResourceClaimTemplate,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../generated/types.ts';
import { change, each, fill, put } from './fill.ts';

const EMPTY = Object.freeze({});
const HTTPS = 443;

const anyScope = <R extends RuleWithOperations | NamedRuleWithOperations>(rule: R): R =>
  fill(rule, { scope: '*' } as { [K in keyof R]?: R[K] });

/** What both kinds of webhook have in common. */
function webhook<W extends ValidatingWebhook>(given: W): W {
  const defaults = {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: EMPTY,
    objectSelector: EMPTY,
    timeoutSeconds: 10,
  };
  let out = fill(given as ValidatingWebhook, defaults);
  out = change(out, 'clientConfig', (c) => change(c, 'service', (s) => fill(s, { port: HTTPS })));
  return change(out, 'rules', (rules) => each(rules, anyScope)) as W;
}

export const defaultValidatingWebhooks = (c: ValidatingWebhookConfiguration): ValidatingWebhookConfiguration =>
  change(c, 'webhooks', (list) => each(list, webhook));

export const defaultMutatingWebhooks = (c: MutatingWebhookConfiguration): MutatingWebhookConfiguration =>
  change(c, 'webhooks', (list) => each(list, (w) => webhook(fill(w, { reinvocationPolicy: 'Never' }))));

const rules = (list: readonly NamedRuleWithOperations[]): readonly NamedRuleWithOperations[] => each(list, anyScope);

function matching(given: MatchResources): MatchResources {
  const out = fill(given, { matchPolicy: 'Equivalent', namespaceSelector: EMPTY, objectSelector: EMPTY });
  return change(change(out, 'resourceRules', rules), 'excludeResourceRules', rules);
}

export const defaultValidatingPolicy = (p: ValidatingAdmissionPolicy): ValidatingAdmissionPolicy =>
  change(p, 'spec', (spec) => change(fill(spec, { failurePolicy: 'Fail' }), 'matchConstraints', matching));

export const defaultMutatingPolicy = (p: MutatingAdmissionPolicy): MutatingAdmissionPolicy =>
  change(p, 'spec', (spec) => change(fill(spec, { failurePolicy: 'Fail' }), 'matchConstraints', matching));

const param = (ref: ParamRef): ParamRef => fill(ref, { parameterNotFoundAction: 'Deny' });

export const defaultValidatingBinding = (b: ValidatingAdmissionPolicyBinding): ValidatingAdmissionPolicyBinding =>
  change(b, 'spec', (spec) => change(change(spec, 'paramRef', param), 'matchResources', matching));

export const defaultMutatingBinding = (b: MutatingAdmissionPolicyBinding): MutatingAdmissionPolicyBinding =>
  change(b, 'spec', (spec) => change(change(spec, 'paramRef', param), 'matchResources', matching));

export const defaultFlowSchema = (f: FlowSchema): FlowSchema =>
  change(f, 'spec', (spec) => (spec.matchingPrecedence ? spec : { ...spec, matchingPrecedence: 1_000 }));

export const defaultPriorityLevel = (p: PriorityLevelConfiguration): PriorityLevelConfiguration =>
  change(p, 'spec', (given) => {
    if (given.type === 'Exempt') {
      return put(given, 'exempt', fill(given.exempt ?? EMPTY, { nominalConcurrencyShares: 0, lendablePercent: 0 }));
    }
    return change(given, 'limited', (limited) =>
      change(fill(limited, { nominalConcurrencyShares: 30, lendablePercent: 0 }), 'limitResponse', (response) =>
        response.type !== 'Queue'
          ? response
          : change(response, 'queuing', (q) => fill(q, { queues: 64, handSize: 8, queueLengthLimit: 50 })),
      ),
    );
  });

export const defaultApiService = (a: APIService): APIService =>
  change(a, 'spec', (spec) => change(spec, 'service', (service) => fill(service, { port: HTTPS })));

export const defaultIngressClass = (c: IngressClass): IngressClass =>
  change(c, 'spec', (spec) => change(spec, 'parameters', (p) => fill(p, { scope: 'Cluster' })));

const device = (request: DeviceRequest): DeviceRequest =>
  change(request, 'exactly', (exactly) => {
    const out = exactly.allocationMode ? exactly : { ...exactly, allocationMode: 'ExactCount' };
    return out.allocationMode === 'ExactCount' && !out.count ? { ...out, count: 1 } : out;
  });

const claimSpec = (spec: ResourceClaimSpec): ResourceClaimSpec =>
  change(spec, 'devices', (devices) => change(devices, 'requests', (list) => each(list, device)));

export const defaultResourceClaim = (c: ResourceClaim): ResourceClaim => change(c, 'spec', claimSpec);

export const defaultResourceClaimTemplate = (t: ResourceClaimTemplate): ResourceClaimTemplate =>
  change(t, 'spec', (template) => change(template, 'spec', claimSpec));

/** Up: at once, by 4 Pods or to the double each 15 s. Down: after a while of calm, as far as need be. */
const UP: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const DOWN: HPAScalingRules = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] };

/** Where a behaviour is given, its rules are written out in full. */
export function scalingBehavior(given: HorizontalPodAutoscalerBehavior): HorizontalPodAutoscalerBehavior {
  const complete = (own: HPAScalingRules | undefined, defaults: HPAScalingRules): HPAScalingRules => fill(own ?? EMPTY, defaults);
  return put(put(given, 'scaleUp', complete(given.scaleUp, UP)), 'scaleDown', complete(given.scaleDown, DOWN));
}
