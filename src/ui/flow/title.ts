// What a flow is called.

import type { FlowSummary } from '../../session/protocol.ts';
import type { Translate } from '../i18n/i18n.ts';

export function flowTitle(t: Translate, flow: FlowSummary): string {
  const { action, title } = flow;
  if (action.type === 'terminal') return action.keys.trim();
  if (action.type === 'kubectl') return t('flow.kubectl', { argv: action.argv.join(' ') });
  if (action.type === 'wire') return t('flow.wire', { machine: action.to === undefined ? action.machine : `${action.machine} – ${action.to}` });
  return t(action.type === 'apply' ? 'flow.apply' : 'flow.delete', { title });
}
