// The controllers of storage, for a host to provide once its cluster runs.

import { AttachDetachController } from './attachdetach.ts';
import type { ControllerContext } from './context.ts';
import { EphemeralVolumes } from './ephemeral.ts';
import { VolumeBinder } from './persistentvolume-binder.ts';
import { VolumeExpander } from './volume-expand.ts';

export const storageControllers = {
  binder: (context: ControllerContext) => new VolumeBinder(context),
  'attach-detach': (context: ControllerContext) => new AttachDetachController(context),
  expander: (context: ControllerContext) => new VolumeExpander(context),
  ephemeral: (context: ControllerContext) => new EphemeralVolumes(context),
} as const;
