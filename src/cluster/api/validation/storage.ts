// Claims, volumes and storage classes (pkg/apis/core, storage validation).

import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../generated/types.ts';
import { semanticEqual } from '../meta.ts';
import { compareQuantity, parseQuantity } from '../quantity.ts';
import { goDifference } from './diff.ts';
import { type Errors, forbiddenField, IMMUTABLE, invalidValue, notSupported, required } from './errors.ts';
import { checkLabelSelector } from './meta.ts';
import { labelKeyErrors, subdomain1123Errors } from './names.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];

function checkAccessModes(errors: Errors, modes: readonly string[] | undefined): void {
  if ((modes ?? []).length === 0) errors.add(required('spec.accessModes', 'at least 1 access mode is required'));
  for (const mode of modes ?? []) if (!ACCESS_MODES.includes(mode)) errors.add(notSupported('spec.accessModes', mode, ACCESS_MODES));
  if (modes?.includes('ReadWriteOncePod') && modes.length > 1) {
    errors.add(forbiddenField('spec.accessModes', 'may not use ReadWriteOncePod with other access modes'));
  }
}

function checkStorage(errors: Errors, field: string, amount: string | undefined): void {
  if (amount === undefined) errors.add(required(field));
  else if (parseQuantity(amount).nanos <= 0n) errors.add(invalidValue(field, amount, 'must be greater than zero'));
}

export function checkClaim(errors: Errors, { spec }: PersistentVolumeClaim): void {
  checkLabelSelector(errors, 'spec.selector', spec.selector);
  checkAccessModes(errors, spec.accessModes);
  checkStorage(errors, 'spec.resources[storage]', spec.resources?.requests?.storage);
  if (spec.storageClassName) errors.rule('spec.storageClassName', spec.storageClassName, subdomain1123Errors(spec.storageClassName));
  errors.oneOfIfSet('spec.volumeMode', spec.volumeMode, VOLUME_MODES);
}

const CLAIM_KEPT = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

export function checkClaimUpdate(errors: Errors, claim: PersistentVolumeClaim, old: PersistentVolumeClaim): void {
  if (claim.spec === old.spec) return;
  const mask = ({ spec }: PersistentVolumeClaim): object => ({
    ...spec,
    resources: old.spec.resources,
    volumeAttributesClassName: null,
    ...((old.spec.volumeName ?? '') === '' ? { volumeName: null } : {}),
    ...(old.spec.storageClassName === undefined ? { storageClassName: null } : {}),
  });
  if (!semanticEqual(mask(claim), mask(old))) {
    errors.add(forbiddenField('spec', `${CLAIM_KEPT}\n${goDifference('core.PersistentVolumeClaimSpec', old.spec, claim.spec)}`));
  }
  const [size, before] = [claim.spec.resources?.requests?.storage, old.spec.resources?.requests?.storage];
  if (size === undefined || before === undefined || size === before) return;
  if (old.status.phase !== 'Bound') {
    errors.add(forbiddenField('spec', `${CLAIM_KEPT}\n${goDifference('core.PersistentVolumeClaimSpec', old.spec, claim.spec)}`));
  } else if (compareQuantity(size, before) < 0 && compareQuantity(size, claim.status.capacity?.storage ?? before) <= 0) {
    errors.add(forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  }
}

const NO_SOURCE = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

export function checkVolume(errors: Errors, { spec }: PersistentVolume): void {
  checkAccessModes(errors, spec.accessModes);
  if (Object.keys(spec.capacity ?? {}).length === 0) errors.add(required('spec.capacity'));
  else checkStorage(errors, 'spec.capacity[storage]', spec.capacity?.storage);
  errors.oneOfIfSet('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']);
  const sources = Object.keys(spec).filter((key) => !NO_SOURCE.has(key));
  if (sources.length === 0) errors.add(required('spec', 'must specify a volume type'));
  for (const key of sources.slice(1)) errors.add(forbiddenField(`spec.${key}`, 'may not specify more than 1 volume type'));
  if (spec.hostPath !== undefined) errors.needed('spec.hostPath.path', spec.hostPath.path);
  if (spec.local !== undefined && spec.nodeAffinity === undefined) {
    errors.add(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  }
  errors.oneOfIfSet('spec.volumeMode', spec.volumeMode, VOLUME_MODES);
}

export function checkVolumeUpdate(errors: Errors, volume: PersistentVolume, old: PersistentVolume): void {
  if (volume.spec === old.spec) return;
  const source = ({ spec }: PersistentVolume): object => Object.fromEntries(Object.entries(spec).filter(([key]) => !NO_SOURCE.has(key)));
  if (!semanticEqual(source(volume), source(old))) {
    const diff = goDifference('core.PersistentVolumeSource', source(old), source(volume));
    errors.add(forbiddenField('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${diff}`));
  }
  if (volume.spec.volumeMode !== old.spec.volumeMode) errors.add(invalidValue('spec.volumeMode', volume.spec.volumeMode, IMMUTABLE));
}

export function checkStorageClass(errors: Errors, c: StorageClass): void {
  if (errors.needed('provisioner', c.provisioner)) errors.rule('provisioner', c.provisioner, labelKeyErrors(c.provisioner.toLowerCase()));
  errors.oneOfIfSet('reclaimPolicy', c.reclaimPolicy, ['Delete', 'Retain']);
  errors.oneOf('volumeBindingMode', c.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
}

export function checkStorageClassUpdate(errors: Errors, c: StorageClass, old: StorageClass): void {
  if (!semanticEqual(c.parameters, old.parameters)) errors.add(forbiddenField('parameters', 'updates to parameters are forbidden.'));
  if (c.provisioner !== old.provisioner) errors.add(forbiddenField('provisioner', 'updates to provisioner are forbidden.'));
  if (c.reclaimPolicy !== old.reclaimPolicy) errors.add(forbiddenField('reclaimPolicy', 'updates to reclaimPolicy are forbidden.'));
  if (c.volumeBindingMode !== old.volumeBindingMode) errors.add(invalidValue('volumeBindingMode', c.volumeBindingMode, IMMUTABLE));
}
