// The volume plugins of the default profile, for a host to provide once its cluster runs.

import type { Client } from '../../client/client.ts';
import type { StorageObjects } from '../storage-objects.ts';
import type { VolumePlugins } from '../volume-plugins.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';
import { volumeBinding } from './volume-binding.ts';
import { volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

export const volumePlugins = (objects: StorageObjects, client: Client): VolumePlugins => ({
  VolumeRestrictions: volumeRestrictions(objects),
  NodeVolumeLimits: nodeVolumeLimits(objects),
  VolumeBinding: volumeBinding(objects, client),
  VolumeZone: volumeZone(objects),
});
