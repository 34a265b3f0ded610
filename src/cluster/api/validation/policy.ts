// Webhook configurations, admission policies, API services, flow control (pkg/apis/{admissionregistration,flowcontrol}
// and kube-aggregator validation). Expressions are compiled by the admission room.

import type {
  APIService,
  FlowSchema,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhook,
  ParamKind,
  ParamRef,
  PriorityLevelConfiguration,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
} from '../generated/types.ts';
import { duplicate, type Errors, forbiddenField, invalidValue, notSupported, required } from './errors.ts';
import { checkLabelSelector } from './meta.ts';
import { label1123Errors, labelKeyErrors, portNumberErrors, subdomain1123Errors } from './names.ts';

const POLICIES = ['Fail', 'Ignore'];
const MATCHES = ['Equivalent', 'Exact'];
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];

export function checkWebhooks(errors: Errors, webhooks: readonly (ValidatingWebhook | MutatingWebhook)[] | undefined): void {
  const names = new Set<string>();
  (webhooks ?? []).forEach((w, i) => {
    const at = `webhooks[${i}]`;
    checkWebhookName(errors, `${at}.name`, w.name);
    if (names.has(w.name)) errors.add(duplicate(`${at}.name`, w.name));
    names.add(w.name);
    if ((w.admissionReviewVersions ?? []).length === 0) {
      errors.add(required(`${at}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
    } else if (!w.admissionReviewVersions.some((v) => v === 'v1' || v === 'v1beta1')) {
      errors.add(invalidValue(`${at}.admissionReviewVersions`, w.admissionReviewVersions, 'must include at least one of v1, v1beta1'));
    }
    (w.rules ?? []).forEach((rule, j) => checkRule(errors, `${at}.rules[${j}]`, rule));
    errors.oneOfIfSet(`${at}.failurePolicy`, w.failurePolicy, POLICIES);
    errors.oneOfIfSet(`${at}.matchPolicy`, w.matchPolicy, MATCHES);
    if (w.sideEffects === undefined) errors.add(required(`${at}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
    else errors.oneOf(`${at}.sideEffects`, w.sideEffects, ['None', 'NoneOnDryRun']);
    if (w.timeoutSeconds !== undefined && (w.timeoutSeconds > 30 || w.timeoutSeconds < 1)) {
      errors.add(invalidValue(`${at}.timeoutSeconds`, w.timeoutSeconds, 'the timeout value must be between 1 and 30 seconds'));
    }
    checkLabelSelector(errors, `${at}.namespaceSelector`, w.namespaceSelector);
    checkLabelSelector(errors, `${at}.objectSelector`, w.objectSelector);
    errors.oneOfIfSet(`${at}.reinvocationPolicy`, (w as MutatingWebhook).reinvocationPolicy, ['IfNeeded', 'Never']);
    checkClient(errors, `${at}.clientConfig`, w.clientConfig);
  });
}

function checkWebhookName(errors: Errors, at: string, name: string): void {
  if (!errors.needed(at, name)) return;
  const wrong = subdomain1123Errors(name);
  errors.rule(at, name, wrong);
  if (wrong.length === 0 && name.split('.').length < 3) {
    errors.add(invalidValue(at, name, 'should be a domain with at least three segments separated by dots'));
  }
}

function checkClient(errors: Errors, at: string, { url, service }: ValidatingWebhook['clientConfig']): void {
  if ((url === undefined) === (service === undefined)) {
    errors.add(required(at, 'exactly one of url or service is required'));
    return;
  }
  if (url !== undefined && !url.startsWith('https://')) {
    const scheme = /^([a-z]+):/.exec(url)?.[1] ?? '';
    errors.add(
      invalidValue(`${at}.url`, url, `'https' is the only allowed URL scheme, got "${scheme}"; desired format: https://host[/path]`),
    );
  }
  if (service === undefined) return;
  errors.needed(`${at}.service.name`, service.name, 'service name is required');
  errors.needed(`${at}.service.namespace`, service.namespace, 'service namespace is required');
  if (service.path !== undefined && !service.path.startsWith('/')) {
    errors.add(invalidValue(`${at}.service.path`, service.path, "must start with a '/'"));
  }
  if (service.port !== undefined && portNumberErrors(service.port).length > 0) {
    errors.add(invalidValue(`${at}.service.port`, service.port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
}

function checkRule(errors: Errors, at: string, rule: RuleWithOperations): void {
  const wild = (field: string, list: readonly string[] | undefined): void => {
    if ((list ?? []).length === 0) errors.add(required(`${at}.${field}`));
    else if ((list ?? []).length > 1 && list?.includes('*')) {
      errors.add(
        invalidValue(
          `${at}.${field}`,
          list,
          "if '*' is present, must not specify other " + (field === 'operations' ? 'operations' : WORDS[field]),
        ),
      );
    }
  };
  wild('operations', rule.operations);
  (rule.operations ?? []).forEach((operation, i) => {
    if (!OPERATIONS.includes(operation)) errors.add(notSupported(`${at}.operations[${i}]`, operation, OPERATIONS));
  });
  wild('apiGroups', rule.apiGroups);
  wild('apiVersions', rule.apiVersions);
  if ((rule.resources ?? []).length === 0) errors.add(required(`${at}.resources`));
  errors.oneOfIfSet(`${at}.scope`, rule.scope, SCOPES);
}

const WORDS: Readonly<Record<string, string>> = { apiGroups: 'API groups', apiVersions: 'API versions' };

function checkParamKind(errors: Errors, kind: ParamKind | undefined): void {
  if (kind === undefined) return;
  errors.needed('spec.paramKind.apiVersion', kind.apiVersion);
  errors.needed('spec.paramKind.kind', kind.kind);
}

function checkMatching(errors: Errors, at: string, m: MatchResources | undefined, rulesNeeded: boolean): void {
  if (m === undefined) return;
  checkLabelSelector(errors, `${at}.namespaceSelector`, m.namespaceSelector);
  checkLabelSelector(errors, `${at}.objectSelector`, m.objectSelector);
  (m.resourceRules ?? []).forEach((rule, i) => checkRule(errors, `${at}.resourceRules[${i}]`, rule as RuleWithOperations));
  (m.excludeResourceRules ?? []).forEach((rule, i) => checkRule(errors, `${at}.excludeResourceRules[${i}]`, rule as RuleWithOperations));
  errors.oneOfIfSet(`${at}.matchPolicy`, m.matchPolicy, MATCHES);
  if (rulesNeeded && (m.resourceRules ?? []).length === 0) errors.add(required(`${at}.resourceRules`));
}

export function checkValidatingPolicy(errors: Errors, { spec }: ValidatingAdmissionPolicy): void {
  errors.oneOfIfSet('spec.failurePolicy', spec.failurePolicy, POLICIES);
  checkParamKind(errors, spec.paramKind);
  if (spec.matchConstraints === undefined) errors.add(required('spec.matchConstraints'));
  else checkMatching(errors, 'spec.matchConstraints', spec.matchConstraints, true);
  const validations = spec.validations ?? [];
  if (validations.length === 0 && (spec.auditAnnotations ?? []).length === 0) {
    errors.add(required('spec.validations', 'validations or auditAnnotations must contain at least one item'));
    errors.add(required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item'));
  }
  validations.forEach(({ expression }, i) => {
    if (expression.trim() === '') errors.add(required(`spec.validations[${i}].expression`, 'expression is not specified'));
  });
  checkNamed(errors, 'spec.variables', spec.variables);
  checkNamed(errors, 'spec.matchConditions', spec.matchConditions);
}

export function checkMutatingPolicy(errors: Errors, { spec }: MutatingAdmissionPolicy): void {
  errors.oneOfIfSet('spec.failurePolicy', spec.failurePolicy, POLICIES);
  checkParamKind(errors, spec.paramKind);
  if (spec.matchConstraints === undefined) errors.add(required('spec.matchConstraints'));
  else checkMatching(errors, 'spec.matchConstraints', spec.matchConstraints, true);
  if ((spec.mutations ?? []).length === 0) errors.add(required('spec.mutations', 'mutations must contain at least one item'));
  errors.oneOf('spec.reinvocationPolicy', spec.reinvocationPolicy, ['IfNeeded', 'Never']);
  checkNamed(errors, 'spec.variables', spec.variables);
  checkNamed(errors, 'spec.matchConditions', spec.matchConditions);
}

function checkNamed(errors: Errors, at: string, list: readonly { readonly name: string; readonly expression: string }[] | undefined): void {
  const names = new Set<string>();
  (list ?? []).forEach(({ name, expression }, i) => {
    if (errors.needed(`${at}[${i}].name`, name, at.endsWith('variables') ? 'name is not specified' : '') && names.has(name)) {
      errors.add(duplicate(`${at}[${i}].name`, name));
    }
    names.add(name);
    if (at.endsWith('matchConditions') && name !== '') errors.rule(`${at}[${i}].name`, name, labelKeyErrors(name));
    if (expression.trim() === '')
      errors.add(required(`${at}[${i}].expression`, at.endsWith('variables') ? 'expression is not specified' : ''));
  });
}

function checkParamRef(errors: Errors, ref: ParamRef | undefined): void {
  if (ref === undefined) return;
  const at = 'spec.paramRef';
  if ((ref.name ?? '') === '' && ref.selector === undefined) errors.add(required(at, 'one of name or selector must be specified'));
  else if ((ref.name ?? '') !== '' && ref.selector !== undefined) {
    errors.add(forbiddenField(`${at}.name`, 'name and selector are mutually exclusive'));
  }
  checkLabelSelector(errors, `${at}.selector`, ref.selector);
  errors.oneOf(`${at}.parameterNotFoundAction`, ref.parameterNotFoundAction, ['Allow', 'Deny']);
}

export function checkPolicyBinding(errors: Errors, { spec }: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding): void {
  if (errors.needed('spec.policyName', spec.policyName)) {
    errors.rule('spec.policyName', spec.policyName, subdomain1123Errors(spec.policyName ?? ''));
  }
  checkParamRef(errors, spec.paramRef);
  checkMatching(errors, 'spec.matchResources', spec.matchResources, false);
}

const ACTIONS = ['Audit', 'Deny', 'Warn'];

export function checkValidatingBinding(errors: Errors, b: ValidatingAdmissionPolicyBinding): void {
  checkPolicyBinding(errors, b);
  const actions = b.spec.validationActions ?? [];
  if (actions.length === 0) errors.add(required('spec.validationActions', 'at least one validation action is required'));
  actions.forEach((action, i) => {
    if (!ACTIONS.includes(action)) errors.add(notSupported(`spec.validationActions[${i}]`, action, ACTIONS));
    if (actions.indexOf(action) < i) errors.add(duplicate(`spec.validationActions[${i}]`, action));
  });
  if (actions.includes('Deny') && actions.includes('Warn')) {
    errors.add(
      invalidValue(
        'spec.validationActions',
        actions,
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ),
    );
  }
}

export function checkApiService(errors: Errors, { metadata, spec }: APIService): void {
  const name = `${spec.version ?? ''}.${spec.group ?? ''}`;
  if (metadata.name !== name)
    errors.add(invalidValue('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: "${name}"`));
  if ((spec.group ?? '') === '') {
    if (spec.version !== 'v1') errors.add(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  } else errors.rule('spec.group', spec.group, subdomain1123Errors(spec.group ?? ''));
  errors.rule('spec.version', spec.version ?? '', label1123Errors(spec.version ?? ''));
  if (spec.groupPriorityMinimum <= 0 || spec.groupPriorityMinimum > 20_000) {
    errors.add(invalidValue('spec.groupPriorityMinimum', spec.groupPriorityMinimum, 'must be positive and less than 20000'));
  }
  if (spec.versionPriority <= 0 || spec.versionPriority > 1_000) {
    errors.add(invalidValue('spec.versionPriority', spec.versionPriority, 'must be positive and less than 1000'));
  }
  if (spec.service === undefined) {
    if ((spec.caBundle ?? '') !== '')
      errors.add(invalidValue('spec.caBundle', `${spec.caBundle?.length} bytes`, 'local APIServices may not have a caBundle'));
    if (spec.insecureSkipTLSVerify === true) {
      errors.add(invalidValue('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'));
    }
    return;
  }
  errors.needed('spec.service.namespace', spec.service.namespace);
  errors.needed('spec.service.name', spec.service.name);
  errors.rule('spec.service.port', spec.service.port, portNumberErrors(spec.service.port ?? 443));
  if (spec.insecureSkipTLSVerify === true && (spec.caBundle ?? '') !== '') {
    errors.add(invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  }
}

export function checkFlowSchema(errors: Errors, { spec }: FlowSchema): void {
  const precedence = spec.matchingPrecedence ?? 0;
  if (precedence <= 0) errors.add(invalidValue('spec.matchingPrecedence', precedence, 'must be a positive value'));
  if (precedence > 10_000) errors.add(invalidValue('spec.matchingPrecedence', precedence, 'must not be greater than 10000'));
  errors.oneOfIfSet('spec.distinguisherMethod', spec.distinguisherMethod?.type, ['ByNamespace', 'ByUser']);
  const level = spec.priorityLevelConfiguration.name;
  if (errors.needed('spec.priorityLevelConfiguration.name', level, 'must reference a priority level')) {
    errors.rule('spec.priorityLevelConfiguration.name', level, subdomain1123Errors(level));
  }
  (spec.rules ?? []).forEach((rule, i) => {
    if (rule.subjects.length === 0) errors.add(required(`spec.rules[${i}].subjects`, 'subjects must contain at least one value'));
    if ((rule.resourceRules ?? []).length + (rule.nonResourceRules ?? []).length === 0) {
      errors.add(required(`spec.rules[${i}]`, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
    }
  });
}

export function checkPriorityLevel(errors: Errors, { spec }: PriorityLevelConfiguration): void {
  if (spec.type === 'Exempt') {
    if (spec.limited !== undefined) errors.add(forbiddenField('spec.limited', 'must be nil if the type is not Limited'));
  } else if (spec.type === 'Limited') {
    if (spec.exempt !== undefined) errors.add(forbiddenField('spec.exempt', 'must be nil if the type is Limited'));
    if (spec.limited === undefined) errors.add(required('spec.limited', 'must not be empty when type is Limited'));
    else errors.nonNegative('spec.limited.nominalConcurrencyShares', spec.limited.nominalConcurrencyShares);
  } else errors.add(notSupported('spec.type', spec.type, ['Exempt', 'Limited']));
}
