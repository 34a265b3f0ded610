import type { ESTree } from 'vite';

export interface Parts {
  readonly kept: string;
  readonly late: string;
  localOf(exported: string): string | undefined;
  isLate(local: string): boolean;
}

export const MISSED: string;

export function split(
  text: string,
  program: ESTree.Program,
  ran: (start: number, end: number) => boolean,
  wantedElsewhere: Iterable<string>,
  file: string,
): Parts;
