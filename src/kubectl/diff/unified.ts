// The hunks of a unified diff as GNU diff prints them.

import { structuredPatch } from 'diff';

const range = (start: number, length: number): string => (length === 1 ? String(start) : `${length === 0 ? start - (start > 0 ? 1 : 0) : start},${length}`);

/** Three lines of context; '' when the texts are equal. */
export function unifiedDiff(before: string, after: string): string {
  const { hunks } = structuredPatch('a', 'b', before, after, '', '', { context: 3 });
  return hunks
    .map((h) => `@@ -${before === '' ? '0,0' : range(h.oldStart, h.oldLines)} +${after === '' ? '0,0' : range(h.newStart, h.newLines)} @@\n${h.lines.join('\n')}\n`)
    .join('');
}
