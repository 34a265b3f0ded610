// Limit ranges, endpoints, classes of Ingress and run-time, CSI objects, signing requests, revisions, devices
// (pkg/apis/core, networking, node, storage, certificates, apps, resource validation).

import type {
  CertificateSigningRequest,
  ControllerRevision,
  CSIDriver,
  CSINode,
  DeviceClass,
  Endpoints,
  IngressClass,
  LimitRange,
  LimitRangeItem,
  ResourceClaimSpec,
  ResourceQuota,
  RuntimeClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../generated/types.ts';
import { semanticEqual } from '../meta.ts';
import { parseQuantity } from '../quantity.ts';
import { duplicate, type Errors, forbiddenField, IMMUTABLE, invalidValue, notSupported, required, tooLongField } from './errors.ts';
import { ipErrors, label1123Errors, labelKeyErrors, portNumberErrors, subdomain1123Errors } from './names.ts';
import { PROTOCOLS } from './container.ts';

/** Says that a field may not change. */
export function keep(errors: Errors, field: string, now: unknown, old: unknown): void {
  if (!semanticEqual(now, old)) errors.add(invalidValue(field, now, IMMUTABLE));
}

const BOUNDS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

export function checkLimitRange(errors: Errors, { spec }: LimitRange): void {
  const types = new Set<string>();
  spec.limits.forEach((limit, i) => {
    const at = `spec.limits[${i}]`;
    errors.rule(`${at}.type`, limit.type, labelKeyErrors(limit.type));
    if (types.has(limit.type)) errors.add(duplicate(`${at}.type`, limit.type));
    types.add(limit.type);
    if (limit.type === 'Pod') {
      for (const key of ['default', 'defaultRequest'] as const) {
        if (Object.keys(limit[key] ?? {}).length > 0)
          errors.add(forbiddenField(`${at}.${key}`, "may not be specified when `type` is 'Pod'"));
      }
    }
    if (limit.type === 'PersistentVolumeClaim' && limit.min?.storage === undefined && limit.max?.storage === undefined) {
      errors.add(required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided'));
    }
    const names = new Set(BOUNDS.flatMap((key) => Object.keys(limit[key] ?? {})));
    for (const name of names) checkBounds(errors, at, limit, name);
  });
}

function checkBounds(errors: Errors, at: string, limit: LimitRangeItem, name: string): void {
  const amount = (key: (typeof BOUNDS)[number]): ReturnType<typeof parseQuantity> | undefined => {
    const value = limit[key]?.[name];
    return value === undefined ? undefined : parseQuantity(value);
  };
  const order = (
    low: (typeof BOUNDS)[number],
    high: (typeof BOUNDS)[number],
    field: string,
    shown: string | undefined,
    text: (a: string, b: string) => string,
  ): void => {
    const [a, b] = [amount(low), amount(high)];
    if (a && b && a.nanos > b.nanos) errors.add(invalidValue(`${at}.${field}[${name}]`, shown, text(a.text, b.text)));
  };
  order('min', 'max', 'min', amount('min')?.text, (a, b) => `min value ${a} is greater than max value ${b}`);
  order(
    'min',
    'defaultRequest',
    'defaultRequest',
    amount('defaultRequest')?.text,
    (a, b) => `min value ${a} is greater than default request value ${b}`,
  );
  order(
    'defaultRequest',
    'max',
    'defaultRequest',
    amount('defaultRequest')?.text,
    (a, b) => `default request value ${a} is greater than max value ${b}`,
  );
  order(
    'defaultRequest',
    'default',
    'defaultRequest',
    amount('defaultRequest')?.text,
    (a, b) => `default request value ${a} is greater than default limit value ${b}`,
  );
  order('min', 'default', 'default', amount('min')?.text, (a, b) => `min value ${a} is greater than default value ${b}`);
  order('default', 'max', 'default', amount('max')?.text, (a, b) => `default value ${a} is greater than max value ${b}`);
  const ratio = amount('maxLimitRequestRatio');
  if (ratio && ratio.nanos < 1_000_000_000n) {
    errors.add(invalidValue(`${at}.maxLimitRequestRatio[${name}]`, ratio.text, `ratio ${ratio.text} is less than 1`));
  }
}

export function checkQuotaUpdate(errors: Errors, q: ResourceQuota, old: ResourceQuota): void {
  const sorted = (quota: ResourceQuota): readonly string[] => [...(quota.spec.scopes ?? [])].sort();
  if (!semanticEqual(sorted(q), sorted(old))) errors.add(invalidValue('spec.scopes', q.spec.scopes, IMMUTABLE));
}

/** Why no endpoint may have this address; null when one may. */
function reservedRange(ip: string): string | null {
  if (ip.startsWith('127.') || ip === '::1') return 'may not be in the loopback range (127.0.0.0/8, ::1/128)';
  if (ip === '0.0.0.0' || ip === '::') return `may not be unspecified (${ip})`;
  return ip.startsWith('169.254.') ? 'may not be in the link-local range (169.254.0.0/16, fe80::/10)' : null;
}

export function checkEndpoints(errors: Errors, { subsets }: Endpoints): void {
  (subsets ?? []).forEach((subset, i) => {
    const at = `subsets[${i}]`;
    if ((subset.addresses ?? []).length + (subset.notReadyAddresses ?? []).length === 0) {
      errors.add(required(at, 'must specify `addresses` or `notReadyAddresses`'));
    }
    for (const key of ['addresses', 'notReadyAddresses'] as const) {
      const addresses = subset[key] ?? [];
      // A thousand of them are written anew whenever one changes: what is in order costs no text.
      for (let j = 0; j < addresses.length; j++) {
        const { ip } = addresses[j] as (typeof addresses)[number];
        const wrong = ipErrors(ip);
        const reserved = reservedRange(ip);
        if (wrong.length > 0) errors.rule(`${at}.${key}[${j}].ip`, ip, wrong);
        if (reserved !== null) errors.add(invalidValue(`${at}.${key}[${j}].ip`, ip, reserved));
      }
    }
    const ports = subset.ports ?? [];
    ports.forEach((port, j) => {
      if ((port.name ?? '') === '') {
        if (ports.length > 1) errors.add(required(`${at}.ports[${j}].name`));
      } else errors.rule(`${at}.ports[${j}].name`, port.name, label1123Errors(port.name ?? ''));
      errors.rule(`${at}.ports[${j}].port`, port.port, portNumberErrors(port.port));
      errors.oneOf(`${at}.ports[${j}].protocol`, port.protocol, PROTOCOLS);
    });
  });
}

const DOMAIN_PATH = 'must be a domain-prefixed path (such as "acme.io/foo")';

function checkDomainPath(errors: Errors, field: string, value: string): void {
  const slash = value.indexOf('/');
  if (slash <= 0 || slash === value.length - 1) errors.add(invalidValue(field, value, DOMAIN_PATH));
  else errors.rule(field, value.slice(0, slash), subdomain1123Errors(value.slice(0, slash)));
}

export function checkIngressClass(errors: Errors, { spec }: IngressClass): void {
  const controller = spec?.controller ?? '';
  if (controller.length > 250) errors.add(tooLongField('spec.controller', 250));
  if (errors.needed('spec.controller', controller)) checkDomainPath(errors, 'spec.controller', controller);
  const p = spec?.parameters;
  if (p === undefined) return;
  errors.needed('spec.parameters.kind', p.kind, 'kind is required');
  errors.needed('spec.parameters.name', p.name, 'name is required');
  errors.oneOf('spec.parameters.scope', p.scope, ['Cluster', 'Namespace']);
  if (p.scope === 'Namespace') errors.needed('spec.parameters.namespace', p.namespace, "`parameters.scope` is set to 'Namespace'");
  else if ((p.namespace ?? '') !== '') {
    errors.add(forbiddenField('spec.parameters.namespace', "`parameters.scope` is set to 'Cluster'"));
  }
}

export const checkIngressClassUpdate = (errors: Errors, c: IngressClass, old: IngressClass): void =>
  keep(errors, 'spec.controller', c.spec?.controller, old.spec?.controller);

export function checkRuntimeClass(errors: Errors, { handler }: RuntimeClass): void {
  errors.rule('handler', handler, label1123Errors(handler));
}

export const checkRuntimeClassUpdate = (errors: Errors, c: RuntimeClass, old: RuntimeClass): void =>
  keep(errors, 'handler', c.handler, old.handler);

const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];

export function checkCsiDriver(errors: Errors, { spec }: CSIDriver): void {
  errors.oneOfIfSet('spec.fsGroupPolicy', spec.fsGroupPolicy, FS_GROUP_POLICIES);
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!['Ephemeral', 'Persistent'].includes(mode))
      errors.add(notSupported('spec.volumeLifecycleModes', mode, ['Ephemeral', 'Persistent']));
  }
}

export function checkCsiDriverUpdate(errors: Errors, d: CSIDriver, old: CSIDriver): void {
  keep(errors, 'spec.attachRequired', d.spec.attachRequired, old.spec.attachRequired);
  keep(errors, 'spec.volumeLifecycleModes', d.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes);
}

export function checkCsiNode(errors: Errors, { spec }: CSINode): void {
  const names = new Set<string>();
  spec.drivers.forEach((driver, i) => {
    const at = `spec.drivers[${i}]`;
    if (errors.needed(`${at}.name`, driver.name)) errors.rule(`${at}.name`, driver.name, subdomain1123Errors(driver.name.toLowerCase()));
    errors.needed(`${at}.nodeID`, driver.nodeID);
    if (names.has(driver.name)) errors.add(duplicate(`${at}.name`, driver.name));
    names.add(driver.name);
  });
}

export function checkAttachment(errors: Errors, { spec }: VolumeAttachment): void {
  if (errors.needed('spec.attacher', spec.attacher))
    errors.rule('spec.attacher', spec.attacher, subdomain1123Errors(spec.attacher.toLowerCase()));
  const { persistentVolumeName, inlineVolumeSpec } = spec.source;
  if (persistentVolumeName === undefined && inlineVolumeSpec === undefined) {
    errors.add(required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined) {
    errors.add(forbiddenField('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  }
  errors.rule('spec.nodeName', spec.nodeName, subdomain1123Errors(spec.nodeName));
}

export const checkAttachmentUpdate = (errors: Errors, a: VolumeAttachment, old: VolumeAttachment): void =>
  keep(errors, 'spec', a.spec, old.spec);

export function checkAttributesClass(errors: Errors, c: VolumeAttributesClass): void {
  if (errors.needed('driverName', c.driverName)) errors.rule('driverName', c.driverName, subdomain1123Errors(c.driverName.toLowerCase()));
  if (Object.keys(c.parameters ?? {}).length === 0) errors.add(required('parameters', 'must contain at least one key/value pair'));
}

export function checkAttributesClassUpdate(errors: Errors, c: VolumeAttributesClass, old: VolumeAttributesClass): void {
  if (c.driverName !== old.driverName) errors.add(forbiddenField('driverName', 'updates to driverName are forbidden.'));
  if (!semanticEqual(c.parameters, old.parameters)) errors.add(forbiddenField('parameters', 'updates to parameters are forbidden.'));
}

const SIGNER = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
const SHORTEST_CERTIFICATE = 600;

export function checkSigningRequest(errors: Errors, { spec }: CertificateSigningRequest): void {
  if (spec.request === '') errors.add(invalidValue('spec.request', '', 'PEM block type must be CERTIFICATE REQUEST'));
  const usages = spec.usages ?? [];
  if (usages.length === 0) errors.add(required('spec.usages'));
  usages.forEach((usage, i) => {
    if (usages.indexOf(usage) < i) errors.add(duplicate(`spec.usages[${i}]`, usage));
  });
  if (errors.needed('spec.signerName', spec.signerName)) {
    const slash = spec.signerName.indexOf('/');
    if (slash <= 0 || slash === spec.signerName.length - 1 || !spec.signerName.slice(0, slash).includes('.')) {
      errors.add(invalidValue('spec.signerName', spec.signerName, SIGNER));
    }
  }
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < SHORTEST_CERTIFICATE) {
    errors.add(invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'));
  }
}

export const checkRevision = (errors: Errors, { revision }: ControllerRevision): void => errors.nonNegative('revision', revision);

export const checkRevisionUpdate = (errors: Errors, r: ControllerRevision, old: ControllerRevision): void =>
  keep(errors, 'data', r.data, old.data);

export function checkDeviceClass(errors: Errors, { spec }: DeviceClass): void {
  (spec.selectors ?? []).forEach((selector, i) => {
    if (selector.cel === undefined) errors.add(required(`spec.selectors[${i}].cel`));
    else if (selector.cel.expression === '') errors.add(required(`spec.selectors[${i}].cel.expression`));
  });
}

export function checkClaimRequests(errors: Errors, at: string, spec: ResourceClaimSpec): void {
  const names = new Set<string>();
  (spec.devices?.requests ?? []).forEach((request, i) => {
    const field = `${at}.devices.requests[${i}]`;
    errors.rule(`${field}.name`, request.name, label1123Errors(request.name));
    if (names.has(request.name)) errors.add(duplicate(field, request.name));
    names.add(request.name);
    if (request.exactly === undefined && request.firstAvailable === undefined) {
      errors.add(required(field, 'exactly one of `exactly` or `firstAvailable` is required'));
    }
    if (request.exactly !== undefined) {
      errors.needed(`${field}.exactly.deviceClassName`, request.exactly.deviceClassName);
      errors.oneOf(`${field}.exactly.allocationMode`, request.exactly.allocationMode, ['All', 'ExactCount']);
    }
  });
}
