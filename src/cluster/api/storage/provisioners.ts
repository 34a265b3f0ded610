// What became of the volume plug-ins that were part of Kubernetes itself, as of 1.36: those of clouds stand for their CSI driver
// (csi-translation-lib), others were removed, a few remain.

import type { PersistentVolumeSpec, Volume } from '../generated/types.ts';

/** In-tree provisioner → CSI driver. */
export const MIGRATED: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
};

/** A volume of a cloud as its CSI driver knows it. */
export interface Translated {
  readonly driver: string;
  readonly handle: string;
  readonly readOnly: boolean;
}

type Source = PersistentVolumeSpec | Volume;

/** The CSI volume that an in-tree source of a cloud stands for; undefined for all others. */
export function translate(source: Source): Translated | undefined {
  const { awsElasticBlockStore: ebs, azureDisk, azureFile, cinder, gcePersistentDisk: pd, portworxVolume: px, vsphereVolume: vsphere } = source;
  if (ebs) return { driver: 'ebs.csi.aws.com', handle: ebs.volumeID.slice(ebs.volumeID.lastIndexOf('/') + 1), readOnly: ebs.readOnly === true };
  if (azureDisk) return { driver: 'disk.csi.azure.com', handle: azureDisk.diskURI, readOnly: azureDisk.readOnly === true };
  if (azureFile) return { driver: 'file.csi.azure.com', handle: `#${azureFile.secretName}#${azureFile.shareName}#`, readOnly: azureFile.readOnly === true };
  if (cinder) return { driver: 'cinder.csi.openstack.org', handle: cinder.volumeID, readOnly: cinder.readOnly === true };
  if (pd) return { driver: 'pd.csi.storage.gke.io', handle: `projects/UNSPECIFIED/zones/UNSPECIFIED/disks/${pd.pdName}`, readOnly: pd.readOnly === true };
  if (px) return { driver: 'pxd.portworx.com', handle: px.volumeID, readOnly: px.readOnly === true };
  if (vsphere) return { driver: 'csi.vsphere.vmware.com', handle: vsphere.volumePath, readOnly: false };
  return undefined;
}
