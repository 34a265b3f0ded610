// Behaviour that a Pod's author declares in an annotation, in place of the image's own program. On a real cluster the
// annotation means nothing. Who makes a program of it is told by `provideBehavior`: nothing needs it while a cluster boots.

import type { Program } from '../machine/process.ts';
import { BEHAVIOR } from './container-hints.ts';

/** Makes the program that behaves as `declared` (JSON) says; what it leaves open is `image`'s. */
export type BehaviorMaker = (declared: string, image: Program) => Program;

let maker: BehaviorMaker | null = null;

export function provideBehavior(given: BehaviorMaker): void {
  maker = given;
}

/** The program of a container's first process. */
export function programOf(image: Program, annotations: Readonly<Record<string, string>>): Program {
  const declared = annotations[BEHAVIOR];
  return declared === undefined || maker === null ? image : maker(declared, image);
}
