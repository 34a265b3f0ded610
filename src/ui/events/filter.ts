// Which events are shown.

import { create } from 'zustand';

interface EventFilter {
  readonly query: string;
  readonly warningsOnly: boolean;
}

export const useEventFilter = create<EventFilter>()(() => ({ query: '', warningsOnly: false }));
