// PersistentVolumes, storage classes, attribute classes, CSINodes (kubectl/pkg/describe describePersistentVolume, …).

import type { CSINode, PersistentVolume, StorageClass, TopologySelectorTerm, VolumeAttributesClass, VolumeNodeAffinity } from '../../cluster/api/generated/types.ts';
import { accessModesText, booleanText, labelsText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { storageClassOf } from './claims.ts';
import { head, labelsAndAnnotations, listText } from './metadata.ts';
import type { Page } from './page.ts';
import { volumeSource } from './volumes.ts';
import { dateText, type Writer } from './writer.ts';

const DEFAULT_CLASS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

/** The lines of one term of a selector. */
function term(w: Writer, level: number, title: string, requirements: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[]): void {
  w.write(level, `${title}:\t`);
  if (requirements.length === 0) return w.line('<none>');
  for (const [i, { key, operator, values }] of requirements.entries()) {
    if (i > 0) w.write(level, '\t');
    w.write(0, `${key} ${operator.toLowerCase()}${values?.length ? ` [${values.join(', ')}]` : ''}\n`);
  }
}

function nodeAffinity(w: Writer, affinity: VolumeNodeAffinity | undefined): void {
  w.write(0, 'Node Affinity:\t');
  if (!affinity?.required) return w.line('<none>');
  w.line();
  w.write(1, 'Required Terms:\t');
  const terms = affinity.required.nodeSelectorTerms ?? [];
  w.line(terms.length === 0 ? '<none>' : '');
  for (const [i, { matchExpressions }] of terms.entries()) term(w, 2, `Term ${i}`, matchExpressions ?? []);
}

export function* describePersistentVolume(page: Page, volume: PersistentVolume): Op<void> {
  const { metadata, spec, status } = volume;
  head(page, metadata, false);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Finalizers:\t${listText(metadata.finalizers)}\n`);
  page.write(0, `StorageClass:\t${storageClassOf(volume)}\n`);
  page.write(0, metadata.deletionTimestamp ? `Status:\tTerminating (lasts ${page.age(metadata.deletionTimestamp)})\n` : `Status:\t${status?.phase ?? ''}\n`);
  page.write(0, `Claim:\t${spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''}\n`);
  page.write(0, `Reclaim Policy:\t${spec.persistentVolumeReclaimPolicy ?? ''}\n`);
  page.write(0, `Access Modes:\t${accessModesText(spec.accessModes)}\n`);
  if (spec.volumeMode !== undefined) page.write(0, `VolumeMode:\t${spec.volumeMode}\n`);
  page.write(0, `Capacity:\t${spec.capacity?.['storage'] ?? '0'}\n`);
  nodeAffinity(page, spec.nodeAffinity);
  page.write(0, `Message:\t${status?.message ?? ''}\n`);
  page.write(0, 'Source:\n');
  volumeSource(page, spec, true);
  yield* page.events(volume);
}

function topologies(w: Writer, terms: readonly TopologySelectorTerm[]): void {
  w.write(0, 'AllowedTopologies:\t');
  w.line(terms.length === 0 ? '<none>' : '');
  for (const [i, { matchLabelExpressions }] of terms.entries()) term(w, 1, `Term ${i}`, (matchLabelExpressions ?? []).map(({ key, values }) => ({ key, operator: 'in', values })));
}

export function* describeStorageClass(page: Page, storageClass: StorageClass): Op<void> {
  const { metadata } = storageClass;
  head(page, metadata, false);
  page.write(0, `IsDefaultClass:\t${DEFAULT_CLASS.some((key) => metadata.annotations?.[key] === 'true') ? 'Yes' : 'No'}\n`);
  page.write(0, `Annotations:\t${labelsText(metadata.annotations)}\n`);
  page.write(0, `Provisioner:\t${storageClass.provisioner}\n`);
  page.write(0, `Parameters:\t${labelsText(storageClass.parameters)}\n`);
  page.write(0, `AllowVolumeExpansion:\t${booleanText(storageClass.allowVolumeExpansion)}\n`);
  const options = storageClass.mountOptions ?? [];
  page.write(0, `MountOptions:${options.length === 0 ? '\t<none>' : ''}\n`);
  for (const option of options) page.write(1, `${option}\n`);
  if (storageClass.reclaimPolicy !== undefined) page.write(0, `ReclaimPolicy:\t${storageClass.reclaimPolicy}\n`);
  if (storageClass.volumeBindingMode !== undefined) page.write(0, `VolumeBindingMode:\t${storageClass.volumeBindingMode}\n`);
  if (storageClass.allowedTopologies) topologies(page, storageClass.allowedTopologies);
  yield* page.events(storageClass);
}

export function* describeAttributesClass(page: Page, attributesClass: VolumeAttributesClass): Op<void> {
  head(page, attributesClass.metadata, false);
  page.write(0, `Annotations:\t${labelsText(attributesClass.metadata.annotations)}\n`);
  page.write(0, `DriverName:\t${attributesClass.driverName}\n`);
  page.write(0, `Parameters:\t${labelsText(attributesClass.parameters)}\n`);
  yield* page.events(attributesClass);
}

export function* describeCsiNode(page: Page, node: CSINode): Op<void> {
  head(page, node.metadata, false);
  labelsAndAnnotations(page, node.metadata);
  page.write(0, `CreationTimestamp:\t${dateText(node.metadata.creationTimestamp)}\n`);
  page.write(0, 'Spec:\n');
  if (node.spec?.drivers) {
    page.write(1, 'Drivers:\n');
    for (const driver of node.spec.drivers) {
      page.write(2, `${driver.name}:\n`);
      page.write(3, `Node ID:\t${driver.nodeID}\n`);
      if (driver.allocatable?.count !== undefined) {
        page.write(3, 'Allocatables:\n');
        page.write(4, `Count:\t${driver.allocatable.count}\n`);
      }
      if (driver.topologyKeys) page.write(3, `Topology Keys:\t${listText(driver.topologyKeys)}\n`);
    }
  }
  yield* page.events(node);
}
