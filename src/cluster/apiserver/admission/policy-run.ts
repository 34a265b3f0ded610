// One evaluation of a policy: its variables, made when an expression first asks for them, and its budget.

import { type CelBudget, CelError, REQUEST_COST_LIMIT } from '../../api/cel/cel.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { AdmissionRequest } from './chain.ts';
import { type Activation, activationOf, CONDITION_ENVIRONMENT, conditionsHold, evaluate } from './expressions.ts';
import type { Bound, PolicySpec } from './policy-bindings.ts';

/** A variable's failure travels through the expression that asked for it. */
class VariableFailure extends Error {}

export class PolicyRun {
  readonly #bound: Bound<PolicySpec>;
  readonly #activation: Activation;
  readonly #budget: CelBudget = { remaining: REQUEST_COST_LIMIT };

  constructor(bound: Bound<PolicySpec>, request: AdmissionRequest, params: VersionedObject | null) {
    this.#bound = bound;
    const variables = {};
    this.#activation = { ...activationOf(request), params, variables };
    for (const { name, expression } of bound.spec.variables ?? []) {
      let known: { value: unknown } | undefined;
      const get = (): unknown => {
        known ??= { value: this.evaluate(expression) };
        if (known.value instanceof CelError)
          throw new VariableFailure(`composited variable ${JSON.stringify(name)} fails to evaluate: ${known.value.message}`);
        return known.value;
      };
      Object.defineProperty(variables, name, { get, enumerable: true });
    }
  }

  /** True, false, or why it cannot be said. */
  get matches(): boolean | string {
    return conditionsHold(this.#bound.spec.matchConditions, CONDITION_ENVIRONMENT, this.#activation, this.#budget);
  }

  evaluate(expression: string): unknown {
    try {
      return evaluate(expression, this.#bound.environment, this.#activation, this.#budget);
    } catch (error) {
      if (error instanceof VariableFailure) return new CelError(error.message);
      throw error;
    }
  }
}
