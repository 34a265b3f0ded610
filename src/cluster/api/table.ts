// Objects as meta.k8s.io/v1 Tables: what `kubectl get` prints. One printer a kind; the rest get Name and Created At.

import type { ListMeta, ResourceTypes } from './generated/types.ts';
import { storageKind, toStored } from './convert.ts';
import type { ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import * as core from './table/core.ts';
import * as policy from './table/policy.ts';
import { podPrinter } from './table/pods.ts';
import { type Cell, type Column, columns, type Printer, type RowCondition } from './table/printer.ts';
import * as storage from './table/storage.ts';
import * as workloads from './table/workloads.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly RowCondition[];
  readonly object?: unknown;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly Column[];
  readonly rows: readonly TableRow[];
}

export interface TableOptions {
  /** Microseconds since 1970: what ages are counted from. */
  readonly nowMicros: number;
  readonly includeObject: IncludeObject;
  /** Of the list; the metadata of a single object's table is its resourceVersion. */
  readonly listMetadata?: ListMeta;
}

type Printers = { readonly [K in keyof ResourceTypes]?: Printer<ResourceTypes[K]> };

const PRINTERS: Printers = {
  pods: podPrinter,
  podtemplates: workloads.podTemplatePrinter,
  replicationcontrollers: workloads.replicationControllerPrinter,
  services: core.servicePrinter,
  endpoints: core.endpointsPrinter,
  nodes: core.nodePrinter,
  namespaces: core.namespacePrinter,
  configmaps: core.configMapPrinter,
  secrets: core.secretPrinter,
  serviceaccounts: core.serviceAccountPrinter,
  events: core.eventPrinter,
  resourcequotas: core.quotaPrinter,
  componentstatuses: core.componentStatusPrinter,
  persistentvolumes: storage.volumePrinter,
  persistentvolumeclaims: storage.claimPrinter,
  'deployments.apps': workloads.deploymentPrinter,
  'replicasets.apps': workloads.replicaSetPrinter,
  'statefulsets.apps': workloads.statefulSetPrinter,
  'daemonsets.apps': workloads.daemonSetPrinter,
  'controllerrevisions.apps': workloads.controllerRevisionPrinter,
  'jobs.batch': workloads.jobPrinter,
  'cronjobs.batch': workloads.cronJobPrinter,
  'horizontalpodautoscalers.autoscaling': workloads.autoscalerPrinter,
  'poddisruptionbudgets.policy': workloads.disruptionBudgetPrinter,
  'endpointslices.discovery.k8s.io': core.endpointSlicePrinter,
  'ingresses.networking.k8s.io': core.ingressPrinter,
  'ingressclasses.networking.k8s.io': core.ingressClassPrinter,
  'networkpolicies.networking.k8s.io': core.networkPolicyPrinter,
  'rolebindings.rbac.authorization.k8s.io': core.bindingPrinter,
  'clusterrolebindings.rbac.authorization.k8s.io': core.bindingPrinter,
  'leases.coordination.k8s.io': core.leasePrinter,
  'priorityclasses.scheduling.k8s.io': core.priorityClassPrinter,
  'certificatesigningrequests.certificates.k8s.io': core.csrPrinter,
  'runtimeclasses.node.k8s.io': core.runtimeClassPrinter,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': policy.webhooksPrinter,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': policy.webhooksPrinter,
  'validatingadmissionpolicies.admissionregistration.k8s.io': policy.validatingPolicyPrinter,
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': policy.policyBindingPrinter,
  'mutatingadmissionpolicies.admissionregistration.k8s.io': policy.mutatingPolicyPrinter,
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': policy.policyBindingPrinter,
  'flowschemas.flowcontrol.apiserver.k8s.io': policy.flowSchemaPrinter,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': policy.priorityLevelPrinter,
  'deviceclasses.resource.k8s.io': policy.namedPrinter,
  'resourceclaims.resource.k8s.io': policy.resourceClaimPrinter,
  'resourceclaimtemplates.resource.k8s.io': policy.namedPrinter,
  'resourceslices.resource.k8s.io': policy.resourceSlicePrinter,
  'servicecidrs.networking.k8s.io': policy.serviceCidrPrinter,
  'ipaddresses.networking.k8s.io': policy.ipAddressPrinter,
  'apiservices.apiregistration.k8s.io': policy.apiServicePrinter,
  'csistoragecapacities.storage.k8s.io': policy.storageCapacityPrinter,
  'volumeattributesclasses.storage.k8s.io': policy.attributesClassPrinter,
  'storageclasses.storage.k8s.io': storage.storageClassPrinter,
  'csidrivers.storage.k8s.io': storage.csiDriverPrinter,
  'csinodes.storage.k8s.io': storage.csiNodePrinter,
  'volumeattachments.storage.k8s.io': storage.attachmentPrinter,
};

/** Printers of bodies that are no resource of their own. */
const BODIES: Readonly<Record<string, Printer<ApiObject>>> = { scale: workloads.scalePrinter as Printer<ApiObject> };

const FALLBACK: Printer<ApiObject> = {
  columns: columns('Name', 'Created At').map((c) => (c.name === 'Created At' ? { ...c, type: 'date' } : c)),
  cells: (o) => [o.metadata.name, o.metadata.creationTimestamp ?? '<unknown>'],
};

/** The table of some objects of one kind, in their order. */
export function toTable(kind: ResourceKind, objects: readonly ApiObject[], options: TableOptions): Table {
  // Printers know the stored shape: an Event is the same row in both of its APIs.
  const stored = storageKind(kind);
  const printer =
    kind.custom?.printer ??
    (PRINTERS as Readonly<Record<string, Printer<ApiObject> | undefined>>)[stored.key] ??
    BODIES[stored.key] ??
    FALLBACK;
  const only = objects.length === 1 ? objects[0]?.metadata.resourceVersion : undefined;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.listMetadata ?? (only === undefined ? {} : { resourceVersion: only }),
    columnDefinitions: printer.columns,
    rows: objects.map((object) => row(printer, object, stored === kind ? object : toStored(kind, object), options)),
  };
}

function row(printer: Printer<ApiObject>, object: ApiObject, printed: ApiObject, { nowMicros, includeObject }: TableOptions): TableRow {
  const conditions = printer.conditions?.(printed) ?? [];
  return {
    cells: printer.cells(printed, nowMicros),
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(includeObject === 'Object' ? { object } : {}),
    ...(includeObject === 'Metadata'
      ? { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } }
      : {}),
  };
}
