// Volumes: one block of lines for each sort of source, of Pods and of PersistentVolumes (kubectl/pkg/describe describeVolumes).

import type { LocalObjectReference, PersistentVolumeSpec, ProjectedVolumeSource, SecretReference, Volume } from '../../cluster/api/generated/types.ts';
import { quantityValue } from '../../cluster/api/quantity.ts';
import { goPrint } from '../print/json.ts';
import { claimLines } from './claims.ts';
import { listText, sortedKeys, type StringMap } from './metadata.ts';
import type { Writer } from './writer.ts';

/** A line below `Type:`: what stands before the tab (its colon with it) and its value. */
type Line = readonly [title: string, value: unknown];

const yes = (value: boolean | undefined): boolean => value ?? false;

function block(w: Writer, type: string, lines: readonly Line[]): void {
  w.write(2, `Type:\t${type}\n${lines.map(([title, value]) => `    ${title}\t${typeof value === 'object' ? goPrint(value) : (value ?? '')}\n`).join('')}`);
}

/** A pointer to a reference, as %v prints it. */
const localReference = (ref: LocalObjectReference | undefined): string => (ref ? `&LocalObjectReference{Name:${ref.name ?? ''},}` : 'nil');
const secretReference = (ref: SecretReference | undefined): string => (ref ? `&SecretReference{Name:${ref.name ?? ''},Namespace:${ref.namespace ?? ''},}` : 'nil');
const reference = (ref: LocalObjectReference | SecretReference | undefined, persistent: boolean): string => (persistent ? secretReference(ref) : localReference(ref));

/** What Pods and PersistentVolumes have in common, or nearly. */
type Source = Omit<Volume, 'name' | 'azureFile' | 'cephfs' | 'cinder' | 'csi' | 'flexVolume' | 'glusterfs' | 'iscsi' | 'rbd' | 'scaleIO' | 'storageos'> &
  Partial<{ readonly [Key in 'azureFile' | 'cephfs' | 'cinder' | 'csi' | 'flexVolume' | 'glusterfs' | 'iscsi' | 'rbd' | 'scaleIO' | 'storageos']: Volume[Key] | PersistentVolumeSpec[Key] }> &
  Pick<PersistentVolumeSpec, 'local'>;

type Print<Key extends keyof Source> = (w: Writer, source: NonNullable<Source[Key]>, persistent: boolean) => void;

const simple =
  <T>(type: string, lines: (source: T) => readonly Line[]) =>
  (w: Writer, source: T): void =>
    block(w, type, lines(source));

/** In the order in which kubectl looks for them. */
const PRINTERS: { readonly [Key in keyof Source]-?: Print<Key> } = {
  hostPath: simple('HostPath (bare host directory volume)', (s) => [['Path:', s.path], ['HostPathType:', s.type ?? '<none>']]),
  emptyDir: simple("EmptyDir (a temporary directory that shares a pod's lifetime)", (s) => [
    ['Medium:', s.medium],
    ['SizeLimit:', quantityValue(s.sizeLimit) > 0 ? s.sizeLimit : '<unset>'],
  ]),
  gcePersistentDisk: simple('GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)', (s) => [
    ['PDName:', s.pdName],
    ['FSType:', s.fsType],
    ['Partition:', s.partition ?? 0],
    ['ReadOnly:', yes(s.readOnly)],
  ]),
  awsElasticBlockStore: simple('AWSElasticBlockStore (a Persistent Disk resource in AWS)', (s) => [
    ['VolumeID:', s.volumeID],
    ['FSType:', s.fsType],
    ['Partition:', s.partition ?? 0],
    ['ReadOnly:', yes(s.readOnly)],
  ]),
  gitRepo: simple('GitRepo (a volume that is pulled from git when the pod is created)', (s) => [['Repository:', s.repository], ['Revision:', s.revision]]),
  secret: simple('Secret (a volume populated by a Secret)', (s) => [['SecretName:', s.secretName], ['Optional:', yes(s.optional)]]),
  configMap: simple('ConfigMap (a volume populated by a ConfigMap)', (s) => [['Name:', s.name], ['Optional:', yes(s.optional)]]),
  nfs: simple('NFS (an NFS mount that lasts the lifetime of a pod)', (s) => [['Server:', s.server], ['Path:', s.path], ['ReadOnly:', yes(s.readOnly)]]),
  iscsi: (w, s, persistent) =>
    block(w, "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)", [
      ['TargetPortal:', s.targetPortal],
      ['IQN:', s.iqn],
      ['Lun:', s.lun],
      ['ISCSIInterface', s.iscsiInterface],
      ['FSType:', s.fsType],
      ['ReadOnly:', yes(s.readOnly)],
      ['Portals:', listText(s.portals)],
      ['DiscoveryCHAPAuth:', yes(s.chapAuthDiscovery)],
      ['SessionCHAPAuth:', yes(s.chapAuthSession)],
      ['SecretRef:', reference(s.secretRef, persistent)],
      ['InitiatorName:', s.initiatorName ?? '<none>'],
    ]),
  glusterfs: (w, s, persistent) =>
    block(w, "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)", [
      ['EndpointsName:', s.endpoints],
      ...(persistent ? [['EndpointsNamespace:', (s as { endpointsNamespace?: string }).endpointsNamespace ?? '<unset>'] as const] : []),
      ['Path:', s.path],
      ['ReadOnly:', yes(s.readOnly)],
    ]),
  persistentVolumeClaim: simple('PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)', (s) => [
    ['ClaimName:', s.claimName],
    ['ReadOnly:', yes(s.readOnly)],
  ]),
  ephemeral: (w, s) => {
    block(w, 'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)', []);
    if (s.volumeClaimTemplate) claimLines(w.nested(2), { metadata: { name: '', ...s.volumeClaimTemplate.metadata }, spec: s.volumeClaimTemplate.spec }, false);
  },
  rbd: (w, s, persistent) =>
    block(w, "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)", [
      ['CephMonitors:', listText(s.monitors)],
      ['RBDImage:', s.image],
      ['FSType:', s.fsType],
      ['RBDPool:', s.pool],
      ['RadosUser:', s.user],
      ['Keyring:', s.keyring],
      ['SecretRef:', reference(s.secretRef, persistent)],
      ['ReadOnly:', yes(s.readOnly)],
    ]),
  quobyte: simple("Quobyte (a Quobyte mount on the host that shares a pod's lifetime)", (s) => [['Registry:', s.registry], ['Volume:', s.volume], ['ReadOnly:', yes(s.readOnly)]]),
  downwardAPI: (w, s) => {
    w.write(2, 'Type:\tDownwardAPI (a volume populated by information about the pod)\n    Items:\n');
    for (const { fieldRef, resourceFieldRef, path } of s.items ?? []) {
      if (fieldRef) w.write(3, `${fieldRef.fieldPath} -> ${path}\n`);
      if (resourceFieldRef) w.write(3, `${resourceFieldRef.resource} -> ${path}\n`);
    }
  },
  azureDisk: simple('AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)', (s) => [
    ['DiskName:', s.diskName],
    ['DiskURI:', s.diskURI],
    ['Kind: ', s.kind],
    ['FSType:', s.fsType],
    ['CachingMode:', s.cachingMode],
    ['ReadOnly:', yes(s.readOnly)],
  ]),
  vsphereVolume: simple('vSphereVolume (a Persistent Disk resource in vSphere)', (s) => [
    ['VolumePath:', s.volumePath],
    ['FSType:', s.fsType],
    ['StoragePolicyName:', s.storagePolicyName],
  ]),
  cinder: (w, s, persistent) =>
    block(w, 'Cinder (a Persistent Disk resource in OpenStack)', [
      ['VolumeID:', s.volumeID],
      ['FSType:', s.fsType],
      ['ReadOnly:', yes(s.readOnly)],
      ['SecretRef:', reference(s.secretRef, persistent)],
    ]),
  photonPersistentDisk: simple('PhotonPersistentDisk (a Persistent Disk resource in photon platform)', (s) => [['PdID:', s.pdID], ['FSType:', s.fsType]]),
  portworxVolume: simple('PortworxVolume (a Portworx Volume resource)', (s) => [['VolumeID:', s.volumeID]]),
  scaleIO: (w, s, persistent) => {
    const secret = s.secretRef as SecretReference | undefined;
    block(w, 'ScaleIO (a persistent volume backed by a block device in ScaleIO)', [
      ['Gateway:', s.gateway],
      ['System:', s.system],
      ['Protection Domain:', s.protectionDomain],
      ['Storage Pool:', s.storagePool],
      ['Storage Mode:', s.storageMode],
      ['VolumeName:', s.volumeName],
      ...(persistent ? ([['SecretName:', secret?.name], ['SecretNamespace:', secret?.namespace]] as const) : []),
      ['FSType:', s.fsType],
      ['ReadOnly:', yes(s.readOnly)],
    ]);
  },
  local: simple('LocalVolume (a persistent volume backed by local storage on a node)', (s) => [['Path:', s.path]]),
  cephfs: (w, s, persistent) =>
    block(w, "CephFS (a CephFS mount on the host that shares a pod's lifetime)", [
      ['Monitors:', listText(s.monitors)],
      ['Path:', s.path],
      ['User:', s.user],
      ['SecretFile:', s.secretFile],
      ['SecretRef:', reference(s.secretRef, persistent)],
      ['ReadOnly:', yes(s.readOnly)],
    ]),
  storageos: simple('StorageOS (a StorageOS Persistent Disk resource)', (s) => [
    ['VolumeName:', s.volumeName],
    ['VolumeNamespace:', s.volumeNamespace],
    ['FSType:', s.fsType],
    ['ReadOnly:', yes(s.readOnly)],
  ]),
  fc: simple('FC (a Fibre Channel disk)', (s) => [
    ['TargetWWNs:', (s.targetWWNs ?? []).join(', ')],
    ['LUN:', s.lun ?? '<none>'],
    ['FSType:', s.fsType],
    ['ReadOnly:', yes(s.readOnly)],
  ]),
  azureFile: (w, s, persistent) =>
    block(w, 'AzureFile (an Azure File Service mount on the host and bind mount to the pod)', [
      ['SecretName:', s.secretName],
      ...(persistent ? [['SecretNamespace:', (s as { secretNamespace?: string }).secretNamespace] as const] : []),
      ['ShareName:', s.shareName],
      ['ReadOnly:', yes(s.readOnly)],
    ]),
  flexVolume: (w, s, persistent) =>
    block(w, 'FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)', [
      ['Driver:', s.driver],
      ['FSType:', s.fsType],
      ['SecretRef:', reference(s.secretRef, persistent)],
      ['ReadOnly:', yes(s.readOnly)],
      ['Options:', goPrint(s.options ?? {})],
    ]),
  flocker: simple('Flocker (a Flocker volume mounted by the Flocker agent)', (s) => [['DatasetName:', s.datasetName], ['DatasetUUID:', s.datasetUUID]]),
  projected: (w, s) => projected(w, s),
  csi: (w, s, persistent) => {
    block(w, 'CSI (a Container Storage Interface (CSI) volume source)', [
      ['Driver:', s.driver],
      ['FSType:', s.fsType],
      ...(persistent ? [['VolumeHandle:', (s as { volumeHandle?: string }).volumeHandle] as const] : []),
      ['ReadOnly:', yes(s.readOnly)],
    ]);
    attributes(w, s.volumeAttributes);
  },
  image: simple('Image (a container image or OCI artifact)', (s) => [['Reference:', s.reference], ['PullPolicy:', s.pullPolicy]]),
};

function projected(w: Writer, { sources }: ProjectedVolumeSource): void {
  block(w, 'Projected (a volume that contains injected data from multiple sources)', []);
  for (const { secret, downwardAPI, configMap, serviceAccountToken } of sources ?? []) {
    if (secret) w.write(2, `SecretName:\t${secret.name ?? ''}\n    Optional:\t${yes(secret.optional)}\n`);
    else if (downwardAPI) w.write(2, 'DownwardAPI:\ttrue\n');
    else if (configMap) w.write(2, `ConfigMapName:\t${configMap.name ?? ''}\n    Optional:\t${yes(configMap.optional)}\n`);
    else if (serviceAccountToken) w.write(2, `TokenExpirationSeconds:\t${serviceAccountToken.expirationSeconds ?? 3600}\n`);
  }
}

const LONGEST = 140;

function attributes(w: Writer, map: StringMap | undefined): void {
  w.write(2, 'VolumeAttributes:\t');
  const keys = sortedKeys(map);
  if (keys.length === 0) return w.line('<none>');
  for (const [i, key] of keys.entries()) {
    if (i > 0) {
      w.write(2, '');
      w.write(2, '\t');
    }
    const line = `${key}=${map?.[key]}`;
    w.write(2, line.length > LONGEST ? `${line.slice(0, LONGEST)}...\n` : `${line}\n`);
  }
}

/** The source of a volume, whichever it is. */
export function volumeSource(w: Writer, source: Source, persistent: boolean): void {
  for (const key in PRINTERS) {
    const given = source[key as keyof Source];
    if (given !== undefined) return (PRINTERS[key as keyof Source] as (w: Writer, source: unknown, persistent: boolean) => void)(w, given, persistent);
  }
  w.write(1, '<unknown>\n');
}

export function volumes(w: Writer, list: readonly Volume[] | undefined, space = ''): void {
  if (!list?.length) return w.write(0, `${space}Volumes:\t<none>\n`);
  w.write(0, `${space}Volumes:\n`);
  for (const volume of list) {
    w.write(1, `${space === '' ? '' : ' '}${volume.name}:\n`);
    volumeSource(w, volume, false);
  }
}
