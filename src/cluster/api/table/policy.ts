// Rows of admission policies and webhooks, flow control, devices, addresses and API services (pkg/printers/internalversion,
// kube-aggregator's registry).

import type {
  APIService,
  CSIStorageCapacity,
  DeviceClass,
  FlowSchema,
  IPAddress,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ParamKind,
  ParamRef,
  PriorityLevelConfiguration,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
  ServiceCIDR,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
  VolumeAttributesClass,
} from '../generated/types.ts';
import { conditionOf, isDeleting } from '../meta.ts';
import { age, labelSelectorText, NONE, UNSET } from './format.ts';
import { columns, type Printer } from './printer.ts';

export const webhooksPrinter: Printer<MutatingWebhookConfiguration | ValidatingWebhookConfiguration> = {
  columns: columns('Name', 'Webhooks#', 'Age'),
  cells: (c, now) => [c.metadata.name, (c.webhooks ?? []).length, age(c.metadata.creationTimestamp, now)],
};

const paramKind = (k: ParamKind | undefined): string => (k === undefined ? UNSET : `${k.apiVersion}/${k.kind}`);

export const validatingPolicyPrinter: Printer<ValidatingAdmissionPolicy> = {
  columns: columns('Name', 'Validations#', 'ParamKind', 'Age'),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    (spec.validations ?? []).length,
    paramKind(spec.paramKind),
    age(metadata.creationTimestamp, now),
  ],
};

export const mutatingPolicyPrinter: Printer<MutatingAdmissionPolicy> = {
  columns: columns('Name', 'Mutations#', 'ParamKind', 'Age'),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    (spec.mutations ?? []).length,
    paramKind(spec.paramKind),
    age(metadata.creationTimestamp, now),
  ],
};

function paramRef(ref: ParamRef | undefined): string {
  if (ref === undefined) return UNSET;
  if (ref.name !== undefined && ref.name !== '') return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
  return ref.selector === undefined ? UNSET : labelSelectorText(ref.selector);
}

export const policyBindingPrinter: Printer<ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding> = {
  columns: columns('Name', 'PolicyName', 'ParamRef', 'Age'),
  cells: ({ metadata, spec }, now) => [metadata.name, spec.policyName ?? '', paramRef(spec.paramRef), age(metadata.creationTimestamp, now)],
};

export const flowSchemaPrinter: Printer<FlowSchema> = {
  columns: columns('Name', 'PriorityLevel', 'MatchingPrecedence#', 'DistinguisherMethod', 'Age', 'MissingPL'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.priorityLevelConfiguration.name,
    spec.matchingPrecedence ?? 0,
    spec.distinguisherMethod?.type ?? NONE,
    age(metadata.creationTimestamp, now),
    conditionOf(status.conditions as readonly { readonly type: string; readonly status?: string }[] | undefined, 'Dangling')?.status ?? '?',
  ],
};

export const priorityLevelPrinter: Printer<PriorityLevelConfiguration> = {
  columns: columns('Name', 'Type', 'NominalConcurrencyShares', 'Queues', 'HandSize', 'QueueLengthLimit', 'Age'),
  cells: ({ metadata, spec }, now) => {
    const queuing = spec.limited?.limitResponse?.queuing;
    return [
      metadata.name,
      spec.type,
      spec.limited?.nominalConcurrencyShares ?? NONE,
      queuing?.queues ?? NONE,
      queuing?.handSize ?? NONE,
      queuing?.queueLengthLimit ?? NONE,
      age(metadata.creationTimestamp, now),
    ];
  },
};

export const namedPrinter: Printer<DeviceClass | ResourceClaimTemplate> = {
  columns: columns('Name', 'Age'),
  cells: (o, now) => [o.metadata.name, age(o.metadata.creationTimestamp, now)],
};

function claimState(claim: ResourceClaim): string {
  const states: string[] = [];
  if (isDeleting(claim)) states.push('deleted');
  if (claim.status.allocation === undefined) {
    if (!isDeleting(claim)) states.push('pending');
  } else {
    states.push('allocated');
    if ((claim.status.reservedFor ?? []).length > 0) states.push('reserved');
  }
  return states.join(',');
}

export const resourceClaimPrinter: Printer<ResourceClaim> = {
  columns: columns('Name', 'State', 'Age'),
  cells: (c, now) => [c.metadata.name, claimState(c), age(c.metadata.creationTimestamp, now)],
};

export const resourceSlicePrinter: Printer<ResourceSlice> = {
  columns: columns('Name', 'Node', 'Driver', 'Pool', 'Age'),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    spec.nodeName ?? '',
    spec.driver,
    spec.pool.name,
    age(metadata.creationTimestamp, now),
  ],
};

export const serviceCidrPrinter: Printer<ServiceCIDR> = {
  columns: columns('Name', 'CIDRs', 'Age'),
  cells: ({ metadata, spec }, now) => [metadata.name, (spec.cidrs ?? []).join(','), age(metadata.creationTimestamp, now)],
};

export const ipAddressPrinter: Printer<IPAddress> = {
  columns: columns('Name', 'ParentRef', 'Age'),
  cells: ({ metadata, spec }, now) => {
    const { group, resource, namespace, name } = spec.parentRef ?? { resource: '', name: '' };
    const kind = group === undefined || group === '' ? resource : `${resource}.${group}`;
    const parent = spec.parentRef === undefined ? NONE : [kind, namespace ?? '', name].filter((part) => part !== '').join('/');
    return [metadata.name, parent.toLowerCase(), age(metadata.creationTimestamp, now)];
  },
};

export const attributesClassPrinter: Printer<VolumeAttributesClass> = {
  columns: columns('Name', 'DriverName', 'Age'),
  cells: (c, now) => [c.metadata.name, c.driverName, age(c.metadata.creationTimestamp, now)],
};

export const storageCapacityPrinter: Printer<CSIStorageCapacity> = {
  columns: columns('Name', 'StorageClassName', 'Capacity'),
  cells: (c) => [c.metadata.name, c.storageClassName, c.capacity ?? UNSET],
};

function availability({ status }: APIService): string {
  const condition = conditionOf(status.conditions, 'Available');
  if (condition === undefined) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

export const apiServicePrinter: Printer<APIService> = {
  columns: columns('Name', 'Service', 'Available', 'Age'),
  cells: (a, now) => [
    a.metadata.name,
    a.spec.service === undefined ? 'Local' : `${a.spec.service.namespace}/${a.spec.service.name}`,
    availability(a),
    age(a.metadata.creationTimestamp, now),
  ],
};
