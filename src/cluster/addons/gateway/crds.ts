// The CustomResourceDefinitions of the Gateway API's standard channel that are modelled: GatewayClass, Gateway, HTTPRoute, ReferenceGrant, with
// the schema's defaults and limits (kubernetes-sigs/gateway-api, config/crd/standard).

import { GROUP } from './types.ts';
import { GATEWAY_API_VERSION } from './versions.ts';

type Schema = Readonly<Record<string, unknown>>;

const text = (more: object = {}): Schema => ({ type: 'string', ...more });
const integer = (minimum: number, maximum: number, more: object = {}): Schema => ({ type: 'integer', format: 'int32', minimum, maximum, ...more });
const list = (items: Schema, maxItems: number, more: object = {}): Schema => ({ type: 'array', items, maxItems, ...more });
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = [], more: object = {}): Schema => ({ type: 'object', properties, ...(required.length > 0 ? { required } : {}), ...more });
const oneOf = (...values: readonly string[]): object => ({ enum: values });
const rule = (expression: string, message: string): Schema => ({ rule: expression, message });

const DNS = { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$', minLength: 1, maxLength: 253 };
const HOSTNAME = text({ pattern: '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$', minLength: 1, maxLength: 253 });
const PRECISE = text(DNS);
const API_GROUP = text({ pattern: '^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$', maxLength: 253 });
const KIND = text({ pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$', minLength: 1, maxLength: 63 });
const NAME = text({ minLength: 1, maxLength: 253 });
const NAMESPACE = text({ pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', minLength: 1, maxLength: 63 });
const PORT = integer(1, 65_535);
const HEADER = text({ pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", minLength: 1, maxLength: 256 });
const CONTROLLER = text({ pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$", minLength: 1, maxLength: 253 });

const CONDITION = object(
  { lastTransitionTime: text({ format: 'date-time' }), message: text({ maxLength: 32_768 }), observedGeneration: { type: 'integer', format: 'int64', minimum: 0 }, reason: text({ minLength: 1, maxLength: 1024 }), status: text(oneOf('True', 'False', 'Unknown')), type: text({ maxLength: 316 }) },
  ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
);
const CONDITIONS = list(CONDITION, 8, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
const SELECTOR = object({ matchExpressions: { type: 'array', items: object({ key: text(), operator: text(), values: { type: 'array', items: text() } }, ['key', 'operator']) }, matchLabels: { type: 'object', additionalProperties: text() } });
const PENDING = { type: 'Accepted', status: 'Unknown', reason: 'Pending', message: 'Waiting for controller', lastTransitionTime: '1970-01-01T00:00:00Z' };

const CLASS = object(
  { spec: object({ controllerName: CONTROLLER, description: text({ maxLength: 64 }), parametersRef: object({ group: API_GROUP, kind: KIND, name: NAME, namespace: NAMESPACE }, ['group', 'kind', 'name']) }, ['controllerName'], { 'x-kubernetes-validations': [rule('self.controllerName == oldSelf.controllerName', 'Value is immutable')] }),
    status: object({ conditions: { ...CONDITIONS, default: [PENDING] } }, [], { default: { conditions: [PENDING] } }) },
  ['spec'],
);

const CERTIFICATE_REF = object({ group: { ...API_GROUP, default: '' }, kind: { ...KIND, default: 'Secret' }, name: NAME, namespace: NAMESPACE }, ['name']);

const LISTENER = object(
  {
    allowedRoutes: object(
      { kinds: list(object({ group: { ...API_GROUP, default: GROUP }, kind: KIND }, ['kind']), 8), namespaces: object({ from: text({ ...oneOf('All', 'Selector', 'Same'), default: 'Same' }), selector: SELECTOR }, [], { default: { from: 'Same' } }) },
      [],
      { default: { namespaces: { from: 'Same' } } },
    ),
    hostname: HOSTNAME,
    name: text(DNS),
    port: PORT,
    protocol: text({ minLength: 1, maxLength: 255 }),
    tls: object({ certificateRefs: list(CERTIFICATE_REF, 64), mode: text({ ...oneOf('Terminate', 'Passthrough'), default: 'Terminate' }), options: { type: 'object', additionalProperties: text({ maxLength: 4096 }) } }, [], {
      'x-kubernetes-validations': [rule("self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true", 'certificateRefs or options must be specified when mode is Terminate')],
    }),
  },
  ['name', 'port', 'protocol'],
);

const GATEWAY = object(
  {
    spec: object(
      {
        addresses: list(object({ type: text({ default: 'IPAddress', minLength: 1, maxLength: 253 }), value: text({ maxLength: 253 }) }), 16),
        gatewayClassName: NAME,
        infrastructure: object({ annotations: { type: 'object', additionalProperties: text() }, labels: { type: 'object', additionalProperties: text() }, parametersRef: object({ group: API_GROUP, kind: KIND, name: NAME }, ['group', 'kind', 'name']) }),
        listeners: list(LISTENER, 64, {
          minItems: 1,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          'x-kubernetes-validations': [
            rule("self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)", "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"),
            rule("self.all(l, l.protocol in ['TCP', 'UDP']  ? (!has(l.hostname) || l.hostname == '') : true)", "hostname must not be specified for protocols ['TCP', 'UDP']"),
            rule('self.all(l1, self.exists_one(l2, l1.name == l2.name))', 'Listener name must be unique within the Gateway'),
            rule(
              'self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))',
              'Combination of port, protocol and hostname must be unique for each listener',
            ),
          ],
        }),
      },
      ['gatewayClassName', 'listeners'],
    ),
    status: object(
      {
        addresses: list(object({ type: text({ default: 'IPAddress' }), value: text({ minLength: 1, maxLength: 253 }) }, ['value']), 16),
        conditions: { ...CONDITIONS, default: [PENDING, { ...PENDING, type: 'Programmed' }] },
        listeners: list(object({ attachedRoutes: { type: 'integer', format: 'int32' }, conditions: CONDITIONS, name: text(DNS), supportedKinds: list(object({ group: { ...API_GROUP, default: GROUP }, kind: KIND }, ['kind']), 8) }, ['attachedRoutes', 'conditions', 'name']), 64),
      },
      [],
      { default: { conditions: [PENDING, { ...PENDING, type: 'Programmed' }] } },
    ),
  },
  ['spec'],
);

const NAME_VALUE = object({ name: HEADER, value: text({ minLength: 1, maxLength: 4096 }) }, ['name', 'value']);
const HEADERS = object({ add: list(NAME_VALUE, 16), remove: list(text(), 16), set: list(NAME_VALUE, 16) });
const PATH = object({ replaceFullPath: text({ maxLength: 1024 }), replacePrefixMatch: text({ maxLength: 1024 }), type: text(oneOf('ReplaceFullPath', 'ReplacePrefixMatch')) }, ['type'], {
  'x-kubernetes-validations': [
    rule("self.type == 'ReplaceFullPath' ? has(self.replaceFullPath) : true", "replaceFullPath must be specified when type is set to 'ReplaceFullPath'"),
    rule("self.type == 'ReplacePrefixMatch' ? has(self.replacePrefixMatch) : true", "replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'"),
  ],
});

const FILTER_FIELDS: Readonly<Record<string, Schema>> = {
  requestHeaderModifier: HEADERS,
  responseHeaderModifier: HEADERS,
  requestRedirect: object({ hostname: PRECISE, path: PATH, port: PORT, scheme: text(oneOf('http', 'https')), statusCode: { type: 'integer', enum: [301, 302, 303, 307, 308], default: 302 } }),
  urlRewrite: object({ hostname: PRECISE, path: PATH }),
  requestMirror: object({ backendRef: object({ group: { ...API_GROUP, default: '' }, kind: { ...KIND, default: 'Service' }, name: NAME, namespace: NAMESPACE, port: PORT }, ['name']) }, ['backendRef']),
  extensionRef: object({ group: API_GROUP, kind: KIND, name: NAME }, ['group', 'kind', 'name']),
};
const FILTER_TYPES: Readonly<Record<string, string>> = {
  requestHeaderModifier: 'RequestHeaderModifier', responseHeaderModifier: 'ResponseHeaderModifier', requestRedirect: 'RequestRedirect', urlRewrite: 'URLRewrite', requestMirror: 'RequestMirror', extensionRef: 'ExtensionRef',
};
const FILTER = object({ ...FILTER_FIELDS, type: text(oneOf(...Object.values(FILTER_TYPES))) }, ['type'], {
  'x-kubernetes-validations': Object.entries(FILTER_TYPES).flatMap(([field, type]) => [
    rule(`!(has(self.${field}) && self.type != '${type}')`, `filter.${field} must be nil if the filter.type is not ${type}`),
    rule(`!(!has(self.${field}) && self.type == '${type}')`, `filter.${field} must be specified for ${type} filter.type`),
  ]),
});
const BACKEND = object({ filters: list(FILTER, 16), group: { ...API_GROUP, default: '' }, kind: { ...KIND, default: 'Service' }, name: NAME, namespace: NAMESPACE, port: PORT, weight: integer(0, 1_000_000, { default: 1 }) }, ['name'], {
  'x-kubernetes-validations': [rule("(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true", 'Must have port for Service reference')],
});
const VALUE_MATCH = object({ name: HEADER, type: text({ ...oneOf('Exact', 'RegularExpression'), default: 'Exact' }), value: text({ minLength: 1, maxLength: 4096 }) }, ['name', 'value']);
const MATCH = object({
  headers: list(VALUE_MATCH, 16, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
  method: text(oneOf('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH')),
  path: object({ type: text({ ...oneOf('Exact', 'PathPrefix', 'RegularExpression'), default: 'PathPrefix' }), value: text({ default: '/', maxLength: 1024 }) }, [], {
    default: { type: 'PathPrefix', value: '/' },
    'x-kubernetes-validations': [rule("(self.type in ['Exact','PathPrefix']) ? self.value.startsWith('/') : true", "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']")],
  }),
  queryParams: list(VALUE_MATCH, 16, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
});
const PARENT_REF = object({ group: { ...API_GROUP, default: GROUP }, kind: { ...KIND, default: 'Gateway' }, name: NAME, namespace: NAMESPACE, port: PORT, sectionName: text(DNS) }, ['name']);

const ROUTE = object(
  {
    spec: object({
      hostnames: list(HOSTNAME, 16),
      parentRefs: list(PARENT_REF, 32),
      rules: list(
        object({
          backendRefs: list(BACKEND, 16),
          filters: list(FILTER, 16, {
            'x-kubernetes-validations': [
              rule("!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))", 'May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both'),
              rule("self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1", 'RequestHeaderModifier filter cannot be repeated'),
              rule("self.filter(f, f.type == 'ResponseHeaderModifier').size() <= 1", 'ResponseHeaderModifier filter cannot be repeated'),
              rule("self.filter(f, f.type == 'RequestRedirect').size() <= 1", 'RequestRedirect filter cannot be repeated'),
              rule("self.filter(f, f.type == 'URLRewrite').size() <= 1", 'URLRewrite filter cannot be repeated'),
            ],
          }),
          matches: list(MATCH, 64, { default: [{ path: { type: 'PathPrefix', value: '/' } }] }),
          name: text(DNS),
          timeouts: object({ backendRequest: text(), request: text() }),
        }, [], {
          'x-kubernetes-validations': [rule("(has(self.backendRefs) && size(self.backendRefs) > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.requestRedirect))): true", 'RequestRedirect filter must not be used together with backendRefs')],
        }),
        16,
        { default: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }] },
      ),
    }),
    status: object({ parents: list(object({ conditions: CONDITIONS, controllerName: CONTROLLER, parentRef: PARENT_REF }, ['controllerName', 'parentRef']), 32) }, ['parents']),
  },
  ['spec'],
);

const GRANT = object({
  spec: object({ from: list(object({ group: API_GROUP, kind: KIND, namespace: NAMESPACE }, ['group', 'kind', 'namespace']), 16, { minItems: 1 }), to: list(object({ group: API_GROUP, kind: KIND, name: NAME }, ['group', 'kind']), 16, { minItems: 1 }) }, ['from', 'to']),
});

const META: Readonly<Record<string, Schema>> = { apiVersion: text(), kind: text(), metadata: { type: 'object' } };
const column = (name: string, jsonPath: string, type = 'string', more: object = {}): object => ({ name, jsonPath, type, ...more });
const AGE = column('Age', '.metadata.creationTimestamp', 'date');

function definition(kind: string, plural: string, shortNames: readonly string[], scope: string, columns: readonly object[], schema: Schema, versions: readonly string[] = ['v1', 'v1beta1']): string {
  const { properties = {}, ...rest } = schema as { properties?: Readonly<Record<string, Schema>> };
  const hasStatus = 'status' in properties;
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${GROUP}`,
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/3328', 'gateway.networking.k8s.io/bundle-version': GATEWAY_API_VERSION, 'gateway.networking.k8s.io/channel': 'standard' },
    },
    spec: {
      group: GROUP,
      names: { categories: ['gateway-api'], kind, listKind: `${kind}List`, plural, shortNames, singular: kind.toLowerCase() },
      scope,
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        ...(hasStatus ? { subresources: { status: {} } } : {}),
        additionalPrinterColumns: columns,
        schema: { openAPIV3Schema: { ...rest, properties: { ...META, ...properties } } },
      })),
    },
  });
}

/** standard-install.yaml */
export const gatewayApiCrds = [
  definition('GatewayClass', 'gatewayclasses', ['gc'], 'Cluster', [column('Controller', '.spec.controllerName'), column('Accepted', '.status.conditions[?(@.type=="Accepted")].status'), AGE, column('Description', '.spec.description', 'string', { priority: 1 })], CLASS),
  definition('Gateway', 'gateways', ['gtw'], 'Namespaced', [column('Class', '.spec.gatewayClassName'), column('Address', '.status.addresses[*].value'), column('Programmed', '.status.conditions[?(@.type=="Programmed")].status'), AGE], GATEWAY),
  definition('HTTPRoute', 'httproutes', [], 'Namespaced', [column('Hostnames', '.spec.hostnames'), AGE], ROUTE),
  definition('ReferenceGrant', 'referencegrants', ['refgrant'], 'Namespaced', [AGE], GRANT, ['v1beta1']),
].join('\n---\n');
