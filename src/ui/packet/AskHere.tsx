// From what is selected to a question: a packet from here, or to here.

import { Send } from 'lucide-react';
import { useUi } from '../state/ui.ts';
import { type PacketState, usePacket } from './store.ts';
import { useWords } from './useWords.ts';

/** `kind` is that of a Pod or a Service; nothing else sends or is sent to. */
export function AskHere({ kind, namespace, name }: { readonly kind: string; readonly namespace: string; readonly name: string }) {
  const w = useWords();
  const set = useUi((s) => s.set);
  if (kind !== 'Pod' && kind !== 'Service') return null;
  const end = `${kind.toLowerCase()}/${namespace}/${name}`;
  const take = (change: Partial<PacketState>): void => {
    usePacket.setState({ ...change, answer: null, shown: false, total: 0 });
    set({ bottomTab: 'packet', bottomOpen: true, phoneTab: 'packet' });
  };
  return (
    <p className="ask-here">
      {kind === 'Pod' && (
        <button type="button" onClick={() => take({ from: end })} data-testid="packet-from-here">
          <Send size={14} aria-hidden="true" />
          {w.fromHere}
        </button>
      )}
      <button type="button" onClick={() => take({ to: end, protocol: '', port: '' })} data-testid="packet-to-here">
        <Send size={14} aria-hidden="true" />
        {w.toHere}
      </button>
    </p>
  );
}
