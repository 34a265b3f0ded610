// Admission policies with their bindings: what is in force, and with which parameters (apiserver/pkg/admission/plugin/policy/generic).

import type { LabelSelector } from '../../api/generated/types.ts';
import type { CelEnvironment } from '../../api/cel/cel.ts';
import { kindOf, type ResourceKind } from '../../api/kinds.ts';
import { matchLabels, selectorOf } from '../../api/selector.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { AdmissionRequest } from './chain.ts';
import { type MatchCondition, policyEnvironment } from './expressions.ts';
import { type Constraints, type Rule, rulesMatch, selectorsMatch } from './matching.ts';
import type { Watched } from './watched.ts';

interface MatchResources extends Constraints {
  readonly resourceRules?: readonly Rule[];
  readonly excludeResourceRules?: readonly Rule[];
}

export interface Variable {
  readonly name: string;
  readonly expression: string;
}

/** What both kinds of policies have in common. */
export interface PolicySpec {
  readonly paramKind?: { readonly apiVersion?: string; readonly kind?: string };
  readonly matchConstraints?: MatchResources;
  readonly matchConditions?: readonly MatchCondition[];
  readonly variables?: readonly Variable[];
  readonly failurePolicy?: string;
  readonly reinvocationPolicy?: string;
}

interface BindingSpec {
  readonly policyName?: string;
  readonly paramRef?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly selector?: LabelSelector;
    readonly parameterNotFoundAction?: string;
  };
  readonly matchResources?: MatchResources;
  readonly validationActions?: readonly string[];
}

export interface Bound<S extends PolicySpec> {
  readonly policy: string;
  readonly spec: S;
  readonly environment: CelEnvironment;
  readonly binding: string;
  readonly with: BindingSpec;
}

interface Spec<S> {
  readonly spec: S;
}

const compiled = new WeakMap<Watched, { versions: string; bound: readonly Bound<PolicySpec>[] }>();

/** Every policy with every binding that names it, policies by name. Made anew when one of them changes. */
export function boundPolicies<S extends PolicySpec>(policies: Watched, bindings: Watched): readonly Bound<S>[] {
  const versions = `${policies.version} ${bindings.version}`;
  const known = compiled.get(policies);
  if (known?.versions === versions) return known.bound as readonly Bound<S>[];
  const all = bindings.in('') as readonly (VersionedObject & Partial<Spec<BindingSpec>>)[];
  const bound = (policies.in('') as readonly (VersionedObject & Partial<Spec<S>>)[]).flatMap((policy) => {
    const { name } = policy.metadata;
    const spec = policy.spec as S;
    const environment = policyEnvironment((spec.variables ?? []).map((v) => v.name));
    return all
      .filter((binding) => binding.spec?.policyName === name)
      .map((binding) => ({ policy: name, spec, environment, binding: binding.metadata.name, with: binding.spec as BindingSpec }));
  });
  compiled.set(policies, { versions, bound });
  return bound;
}

/** Whether policy and binding are about the request, before any expression is asked. */
export function isInForce({ spec, with: binding }: Bound<PolicySpec>, request: AdmissionRequest): boolean {
  const own = spec.matchConstraints;
  if (!own || !included(own, request) || !selectorsMatch(own, request)) return false;
  const more = binding.matchResources;
  return !more || ((!more.resourceRules?.length || included(more, request)) && !excluded(more, request) && selectorsMatch(more, request));
}

const excluded = ({ excludeResourceRules, matchPolicy }: MatchResources, request: AdmissionRequest): boolean =>
  rulesMatch(excludeResourceRules, request, matchPolicy);
const included = (resources: MatchResources, request: AdmissionRequest): boolean =>
  rulesMatch(resources.resourceRules, request, resources.matchPolicy) && !excluded(resources, request);

/** The parameters to evaluate with, one evaluation each; a text when that cannot be said. [null]: there are none to have. */
export function paramsFor(
  { spec, with: { paramRef } }: Bound<PolicySpec>,
  request: AdmissionRequest,
): readonly (VersionedObject | null)[] | string {
  const { apiVersion = '', kind: kindName = '' } = spec.paramKind ?? {};
  if (!spec.paramKind || !paramRef) return [null];
  const kind = kindOf(apiVersion, kindName) ?? request.server.kinds.of(apiVersion, kindName);
  if (!kind) return `failed to configure policy: failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kindName}'`;
  const namespace = kind.namespaced ? paramRef.namespace || request.namespace : '';
  if (kind.namespaced && namespace === '') return 'can not use namespaced paramRef in policy binding that matches cluster-scoped resources';
  const found = findParams(request, kind, namespace, paramRef);
  if (found.length > 0) return found;
  if (paramRef.parameterNotFoundAction !== 'Deny') return [];
  return 'no params found for policy binding with `Deny` parameterNotFoundAction';
}

function findParams(
  { server }: AdmissionRequest,
  kind: ResourceKind,
  namespace: string,
  { name, selector }: NonNullable<BindingSpec['paramRef']>,
): readonly VersionedObject[] {
  if (name) {
    const found = server.store.cached({ kind, namespace, name });
    return found ? [found] : [];
  }
  const wanted = selectorOf(selector);
  const out: VersionedObject[] = [];
  const scope = { namespace, name: '', nodeName: '', matches: null };
  server.store.cache.of(kind)?.select(scope, '', (object) => {
    if (matchLabels(wanted, object.metadata['labels'] as Readonly<Record<string, string>> | undefined)) out.push(object);
  });
  return out;
}
