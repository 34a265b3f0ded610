// The tab of the flow: what it is for while there is none; the steps are loaded with the first flow.

import { FlowPanel, FlowTitle } from '../app/later.tsx';
import { useT } from '../i18n/i18n.ts';
import { usePlayer } from '../state/player.ts';

const useHasFlows = (): boolean => usePlayer((s) => s.flows.length > 0);

export function FlowTab({ withHead = false }: { readonly withHead?: boolean }) {
  const t = useT();
  return useHasFlows() ? <FlowPanel withHead={withHead} /> : <p className="panel-hint">{t('flow.none')}</p>;
}

/** Which flow is being followed. */
export function FlowHead() {
  return useHasFlows() ? <FlowTitle /> : null;
}
