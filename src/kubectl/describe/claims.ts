// PersistentVolumeClaims, alone and as templates in StatefulSets and Pods (kubectl/pkg/describe printPersistentVolumeClaim).

import type { ObjectMeta, PersistentVolumeClaim, Pod } from '../../cluster/api/generated/types.ts';
import { accessModesText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { byText, head, labels, labelsAndAnnotations, listText, multiline, row } from './metadata.ts';
import type { Page } from './page.ts';
import { dateText, type Writer } from './writer.ts';

type Claim = Pick<PersistentVolumeClaim, 'metadata' | 'spec'> & Partial<Pick<PersistentVolumeClaim, 'status'>>;

/** The annotation of old wins over the field. */
export const storageClassOf = ({ metadata, spec }: { readonly metadata: ObjectMeta; readonly spec?: { readonly storageClassName?: string } }): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';

/** `full`: a claim that lives, not a template. */
export function claimLines(w: Writer, claim: Claim, full: boolean): void {
  const { metadata, spec, status = {} } = claim;
  if (full) head(w, metadata);
  w.write(0, `StorageClass:\t${storageClassOf(claim)}\n`);
  if (full) w.write(0, metadata.deletionTimestamp ? `Status:\tTerminating (lasts ${w.age(metadata.deletionTimestamp)})\n` : `Status:\t${status.phase ?? ''}\n`);
  w.write(0, `Volume:\t${spec.volumeName ?? ''}\n`);
  labelsAndAnnotations(w, metadata);
  if (full) w.write(0, `Finalizers:\t${listText(metadata.finalizers)}\n`);
  const bound = Boolean(spec.volumeName);
  w.write(0, `Capacity:\t${bound ? (status.capacity?.['storage'] ?? '0') : ''}\n`);
  w.write(0, `Access Modes:\t${bound ? accessModesText(status.accessModes) : ''}\n`);
  if (spec.volumeMode !== undefined) w.write(0, `VolumeMode:\t${spec.volumeMode}\n`);
  if (!spec.dataSource) return;
  w.write(0, 'DataSource:\n');
  if (spec.dataSource.apiGroup !== undefined) w.write(1, `APIGroup:\t${spec.dataSource.apiGroup}\n`);
  w.write(1, `Kind:\t${spec.dataSource.kind}\n`);
  w.write(1, `Name:\t${spec.dataSource.name}\n`);
}

export function claimTemplates(w: Writer, templates: readonly PersistentVolumeClaim[] | undefined): void {
  if (!templates?.length) return w.write(0, 'Volume Claims:\t<none>\n');
  w.write(0, 'Volume Claims:\n');
  for (const claim of templates) {
    w.write(1, `Name:\t${claim.metadata.name}\n`);
    w.write(1, `StorageClass:\t${storageClassOf(claim)}\n`);
    labels(w, 'Labels', claim.metadata.labels, '  ');
    labels(w, 'Annotations', claim.metadata.annotations, '  ');
    w.write(1, `Capacity:\t${claim.spec.resources?.requests?.['storage'] ?? '<default>'}\n`);
    w.write(1, `Access Modes:\t${listText(claim.spec.accessModes)}\n`);
  }
}

/** The Pods that mount a claim, once for each mount, and those that own it. */
function usersOf(claim: PersistentVolumeClaim, pods: readonly Pod[]): Pod[] {
  const users = pods.flatMap((pod) => (pod.spec.volumes ?? []).filter((v) => v.persistentVolumeClaim?.claimName === claim.metadata.name).map(() => pod));
  for (const owner of claim.metadata.ownerReferences ?? []) {
    const pod = owner.kind === 'Pod' ? pods.find((p) => p.metadata.uid === owner.uid) : undefined;
    if (pod && !users.includes(pod)) users.push(pod);
  }
  return users;
}

export function* describeClaim(page: Page, claim: PersistentVolumeClaim): Op<void> {
  const pods = yield* page.pods(claim.metadata.namespace ?? '');
  claimLines(page, claim, true);
  multiline(page, 'Used By', usersOf(claim, pods).map((pod) => pod.metadata.name).sort(byText));
  const conditions = claim.status?.conditions ?? [];
  if (conditions.length > 0) {
    page.write(0, 'Conditions:\n');
    page.write(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage\n');
    page.write(1, '----\t------\t-----------------\t------------------\t------\t-------\n');
    for (const c of conditions) {
      page.write(1, row(`${c.type} `, `${c.status} `, `${dateText(c.lastProbeTime)} `, `${dateText(c.lastTransitionTime)} `, `${c.reason ?? ''} `, c.message));
    }
  }
  yield* page.events(claim);
}
