// Whether the expressions of a new policy or webhook compile: pkg/apis/admissionregistration/validation, as far as it is about
// expressions. It stands here because compiling needs what only the API server knows.

import { CelError, type CelEnvironment, compileCel } from '../../api/cel/cel.ts';
import { type FieldError, invalid } from '../../api/status.ts';
import type { AdmissionPlugin } from './chain.ts';
import { CONDITION_ENVIRONMENT, type MatchCondition, policyEnvironment, WEBHOOK_ENVIRONMENT } from './expressions.ts';
import type { Variable } from './policy-bindings.ts';

const GROUP = 'admissionregistration.k8s.io';

interface Loose {
  readonly spec?: {
    readonly matchConditions?: readonly MatchCondition[];
    readonly variables?: readonly Variable[];
    readonly validations?: readonly { readonly expression: string; readonly messageExpression?: string }[];
    readonly auditAnnotations?: readonly { readonly valueExpression: string }[];
    readonly mutations?: readonly {
      readonly applyConfiguration?: { readonly expression?: string };
      readonly jsonPatch?: { readonly expression?: string };
    }[];
  };
  readonly webhooks?: readonly { readonly matchConditions?: readonly MatchCondition[] }[];
}

export const policyCheck: AdmissionPlugin = {
  name: 'PolicyExpressions',
  resources: [
    `validatingadmissionpolicies.${GROUP}`,
    `mutatingadmissionpolicies.${GROUP}`,
    `validatingwebhookconfigurations.${GROUP}`,
    `mutatingwebhookconfigurations.${GROUP}`,
  ],
  handles: ({ operation, subresource }) => operation !== 'DELETE' && subresource === '',

  validate({ kind, name, object }) {
    const { spec = {}, webhooks = [] } = object as unknown as Loose;
    const errors: FieldError[] = [];
    const check = (field: string, source: string | undefined, environment: CelEnvironment, type = ''): void => {
      if (source !== undefined && source.trim() !== '') errors.push(...problems(field, source, environment, type));
    };
    for (const [i, hook] of webhooks.entries()) {
      for (const [j, c] of (hook.matchConditions ?? []).entries()) {
        check(`webhooks[${i}].matchConditions[${j}].expression`, c.expression, WEBHOOK_ENVIRONMENT, 'bool');
      }
    }
    for (const [i, c] of (spec.matchConditions ?? []).entries())
      check(`spec.matchConditions[${i}].expression`, c.expression, CONDITION_ENVIRONMENT, 'bool');
    const variables = spec.variables ?? [];
    for (const [i, v] of variables.entries()) {
      check(`spec.variables[${i}].expression`, v.expression, policyEnvironment(variables.slice(0, i).map((w) => w.name)));
    }
    const environment = policyEnvironment(variables.map((v) => v.name));
    for (const [i, v] of (spec.validations ?? []).entries()) {
      check(`spec.validations[${i}].expression`, v.expression, environment, 'bool');
      check(`spec.validations[${i}].messageExpression`, v.messageExpression, environment, 'string');
    }
    for (const [i, a] of (spec.auditAnnotations ?? []).entries())
      check(`spec.auditAnnotations[${i}].valueExpression`, a.valueExpression, environment);
    for (const [i, m] of (spec.mutations ?? []).entries()) {
      check(`spec.mutations[${i}].applyConfiguration.expression`, m.applyConfiguration?.expression, environment);
      check(`spec.mutations[${i}].jsonPatch.expression`, m.jsonPatch?.expression, environment);
    }
    if (errors.length > 0) throw invalid(kind, name, errors);
  },
};

function problems(field: string, source: string, environment: CelEnvironment, type: string): readonly FieldError[] {
  const program = compileCel(source, environment);
  const wrong = (why: string): FieldError => ({
    type: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(source)}: ${why}`,
  });
  if (program instanceof CelError) return [wrong(`compilation failed: ${program.message}`)];
  return type === '' || program.type === type || program.type === 'dyn' ? [] : [wrong(`must evaluate to ${type}`)];
}
