// LimitRanger: defaults for containers that say nothing, and least, most and ratio for containers, Pods and claims.

import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/generated/types.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { addLists, NONE, type ResourceList } from '../../api/quota/lists.ts';
import { isDeleting } from '../../api/meta.ts';
import { forbidden } from '../../api/status.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';

const rangesFor = ({ server, namespace }: AdmissionRequest): readonly LimitRange[] =>
  server.admission.watched.limitRanges.in(namespace) as readonly unknown[] as readonly LimitRange[];

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  resources: ['pods', 'persistentvolumeclaims'],

  handles(request) {
    if (rangesFor(request).length === 0) return false;
    const { kind, operation, subresource, object } = request;
    if (operation === 'DELETE' || !object || isDeleting(object)) return false;
    if (kind.key === 'pods') return operation === 'CREATE' ? subresource === '' : subresource === 'resize';
    return subresource === '';
  },

  admit(request, object) {
    if (request.kind.key !== 'pods' || request.operation !== 'CREATE') return object;
    let pod = object as unknown as Pod;
    for (const range of rangesFor(request)) pod = withDefaults(pod, range);
    return pod as unknown as Unsaved;
  },

  validate(request) {
    for (const { spec } of rangesFor(request)) {
      const errors =
        request.kind.key === 'pods'
          ? podErrors(request.object as unknown as Pod, spec.limits)
          : claimErrors(request.object as unknown as PersistentVolumeClaim, spec.limits);
      if (errors.length > 0) throw forbidden(request.kind, request.name, aggregate(errors));
    }
  },
};

/** As Go prints several errors at once: each once, in brackets. */
function aggregate(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length === 1 ? (distinct[0] as string) : `[${distinct.join(', ')}]`;
}

function withDefaults(pod: Pod, { spec }: LimitRange): Pod {
  let requests: ResourceList = NONE;
  let limits: ResourceList = NONE;
  for (const item of spec.limits) {
    if (item.type !== 'Container') continue;
    requests = { ...requests, ...item.defaultRequest };
    limits = { ...limits, ...item.default };
  }
  const set: string[] = [];
  const fill = (container: Container, what: 'container' | 'init container'): Container => fillIn(container, requests, limits, what, set);
  const containers = pod.spec.containers.map((c) => fill(c, 'container'));
  const initContainers = pod.spec.initContainers?.map((c) => fill(c, 'init container'));
  if (set.length === 0) return pod;
  const annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${set.join('; ')}` };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...pod.spec, containers, ...(initContainers ? { initContainers } : {}) },
  };
}

function fillIn(container: Container, requests: ResourceList, limits: ResourceList, what: string, set: string[]): Container {
  const has = container.resources ?? {};
  const newRequests = Object.keys(requests).filter((name) => !(name in (has.requests ?? NONE)));
  const newLimits = Object.keys(limits).filter((name) => !(name in (has.limits ?? NONE)));
  if (newRequests.length === 0 && newLimits.length === 0) return container;
  if (newRequests.length > 0) set.push(`${newRequests.sort().join(', ')} request for ${what} ${container.name}`);
  if (newLimits.length > 0) set.push(`${newLimits.sort().join(', ')} limit for ${what} ${container.name}`);
  const resources = {
    ...has,
    ...(newLimits.length > 0 || has.limits ? { limits: { ...limits, ...has.limits } } : {}),
    ...(newRequests.length > 0 || has.requests ? { requests: { ...requests, ...has.requests } } : {}),
  };
  return { ...container, resources };
}

interface Amounts {
  readonly requests?: ResourceList;
  readonly limits?: ResourceList;
}

function podErrors({ spec }: Pod, items: readonly LimitRangeItem[]): readonly string[] {
  const errors: string[] = [];
  for (const item of items) {
    if (item.type === 'Container') {
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) check(item, container.resources ?? {}, errors);
    } else if (item.type === 'Pod') check(item, wholePod(spec), errors);
  }
  return errors;
}

function check(item: LimitRangeItem, { requests = NONE, limits = NONE }: Amounts, errors: string[]): void {
  const { min = NONE, max = NONE, maxLimitRequestRatio = NONE, type } = item;
  const push = (error: string): void => void (error !== '' && errors.push(error));
  for (const name of Object.keys(min).sort()) push(belowMin(name, type, min[name] as string, requests[name], limits[name]));
  for (const name of Object.keys(max).sort()) push(aboveMax(name, type, max[name] as string, requests[name], limits[name]));
  for (const name of Object.keys(maxLimitRequestRatio).sort())
    push(aboveRatio(name, type, maxLimitRequestRatio[name] as string, requests[name], limits[name]));
}

const more = (a: string, b: string): boolean => parseQuantity(a).nanos > parseQuantity(b).nanos;
const text = (quantity: string): string => parseQuantity(quantity).text;

function belowMin(name: string, type: string, enforced: string, request: string | undefined, limit: string | undefined): string {
  const rule = `minimum ${name} usage per ${type} is ${text(enforced)}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  if (more(enforced, request)) return `${rule}, but request is ${text(request)}`;
  if (limit !== undefined && more(enforced, limit)) return `${rule}, but limit is ${text(limit)}`;
  return '';
}

function aboveMax(name: string, type: string, enforced: string, request: string | undefined, limit: string | undefined): string {
  const rule = `maximum ${name} usage per ${type} is ${text(enforced)}`;
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (more(limit, enforced)) return `${rule}, but limit is ${text(limit)}`;
  if (request !== undefined && more(request, enforced)) return `${rule}, but request is ${text(request)}`;
  return '';
}

function aboveRatio(name: string, type: string, enforced: string, request: string | undefined, limit: string | undefined): string {
  const rule = `${name} max limit to request ratio per ${type} is ${text(enforced)}`;
  const [asked, most] = [parseQuantity(request ?? '0').nanos, parseQuantity(limit ?? '0').nanos];
  if (asked === 0n) return `${rule}, but no request is specified or request is 0`;
  if (most === 0n) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = Number(most) / Number(asked);
  return ratio * 1000 > parseQuantity(enforced).milli ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : '';
}

/** Sums over the containers; a name that one of them lacks is not in the sum. Init containers count by the largest, sidecars are added. */
function wholePod(spec: Pod['spec']): Amounts {
  const part = (which: 'requests' | 'limits'): ResourceList => {
    const whole = sumOfAll([...spec.containers, ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')], which);
    const out: Record<string, string> = { ...whole };
    for (const container of spec.initContainers ?? []) {
      if (container.restartPolicy === 'Always') continue;
      const own = container.resources?.[which] ?? NONE;
      for (const name in own)
        if (out[name] === undefined || more(own[name] as string, out[name] as string)) out[name] = own[name] as string;
    }
    return { ...out, ...spec.resources?.[which] };
  };
  return { requests: part('requests'), limits: part('limits') };
}

function sumOfAll(containers: readonly Container[], which: 'requests' | 'limits'): ResourceList {
  let sum: ResourceList = NONE;
  for (const container of containers) sum = addLists(sum, container.resources?.[which] ?? NONE);
  const out: Record<string, string> = {};
  for (const name in sum) if (containers.every((c) => name in (c.resources?.[which] ?? NONE))) out[name] = sum[name] as string;
  return out;
}

/** Claims have requests alone. */
function claimErrors({ spec }: PersistentVolumeClaim, items: readonly LimitRangeItem[]): readonly string[] {
  const errors: string[] = [];
  const requests = spec.resources?.requests ?? NONE;
  for (const { type, min = NONE, max = NONE } of items) {
    if (type !== 'PersistentVolumeClaim') continue;
    for (const name of Object.keys(min).sort()) {
      const error = belowMin(name, type, min[name] as string, requests[name], undefined);
      if (error !== '') errors.push(error);
    }
    for (const name of Object.keys(max).sort()) {
      const request = requests[name];
      const rule = `maximum ${name} usage per ${type} is ${text(max[name] as string)}`;
      if (request === undefined) errors.push(`${rule}.  No request is specified`);
      else if (more(request, max[name] as string)) errors.push(`${rule}, but request is ${text(request)}`);
    }
  }
  return errors;
}
