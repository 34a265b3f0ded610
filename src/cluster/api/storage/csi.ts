// The messages of the Container Storage Interface (container-storage-interface/spec 1.11) that travel in this cluster, and of the
// kubelet's plug-in registration.

export interface VolumeCapability {
  readonly accessMode: string;
  readonly fsType: string;
  readonly block: boolean;
}

export interface CreateVolumeRequest {
  readonly name: string;
  readonly requiredBytes: number;
  readonly capabilities: readonly VolumeCapability[];
  readonly parameters: Readonly<Record<string, string>>;
}

export interface CsiVolumeInfo {
  readonly volumeId: string;
  readonly capacityBytes: number;
  readonly volumeContext: Readonly<Record<string, string>>;
}

export interface ControllerPublishRequest {
  readonly volumeId: string;
  readonly nodeId: string;
  readonly readOnly: boolean;
  readonly capability: VolumeCapability;
}

export interface ControllerPublishResponse {
  readonly publishContext: Readonly<Record<string, string>>;
}

export interface ControllerExpandRequest {
  readonly volumeId: string;
  readonly requiredBytes: number;
}

export interface ControllerExpandResponse {
  readonly capacityBytes: number;
  readonly nodeExpansionRequired: boolean;
}

export interface NodeStageRequest {
  readonly volumeId: string;
  readonly publishContext: Readonly<Record<string, string>>;
  readonly stagingTargetPath: string;
  readonly capability: VolumeCapability;
  readonly volumeContext: Readonly<Record<string, string>>;
}

export interface NodePublishRequest extends NodeStageRequest {
  readonly targetPath: string;
  readonly readOnly: boolean;
}

export interface NodeExpandRequest {
  readonly volumeId: string;
  readonly volumePath: string;
  readonly requiredBytes: number;
}

export interface NodeInfo {
  readonly nodeId: string;
  /** 0: no limit. */
  readonly maxVolumesPerNode: number;
  /** Node labels that say where its volumes can be; null: anywhere. */
  readonly accessibleTopology: Readonly<Record<string, string>> | null;
}

/** What a driver's registrar answers a kubelet. */
export interface PluginInfo {
  readonly type: 'CSIPlugin';
  readonly name: string;
  /** The driver's own socket. */
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}
