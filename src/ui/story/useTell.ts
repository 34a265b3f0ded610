// The sentence for a step as the person sees it: what the record says, or, a phase at a time, what the phase achieved.

import { useCallback } from 'react';
import type { StoryRecord } from '../../session/protocol.ts';
import { useT } from '../i18n/i18n.ts';
import { useUi } from '../state/ui.ts';
import { tell } from './story.ts';

export function useTell(): (record: StoryRecord) => string {
  const t = useT();
  const language = useUi((s) => s.language);
  const level = useUi((s) => s.level);
  return useCallback((record) => (level === 'phase' ? t(`phaseDone.${record.phase}`) : tell(record, language)), [t, language, level]);
}
