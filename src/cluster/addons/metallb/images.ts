// MetalLB's images, in any version.

import type { ImageEntry } from '../../images/entry.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { metallbControllerProgram } from './controller.ts';
import { METALLB_IMAGES } from './manifest.ts';
import { speakerProgram } from './speaker.ts';

function image(name: string, program: Program, megabytes: number): ImageEntry {
  const started: Program = function* (os: Os): Op<number | void> {
    yield* os.sleep(250 * MILLISECOND);
    os.process.footprint(28 * 1_048_576, 0.001);
    return yield* program(os);
  };
  return { repository: `${METALLB_IMAGES}/${name}`, tags: (tag) => tag, entrypoint: [`/${name}`], cmd: [], sizeBytes: megabytes * 1_000_000, program: started };
}

export const metallbImages: readonly ImageEntry[] = [image('controller', metallbControllerProgram, 33), image('speaker', speakerProgram, 45)];
