// The small sign of a state. Its shape says the state, so that colour never has to.

import type { PodRow } from '../../session/protocol.ts';

export type MarkState = 'ok' | 'progressing' | 'failed' | 'idle' | 'terminating' | 'waiting';

export function podState(pod: PodRow): MarkState {
  if (pod.terminating) return 'terminating';
  if (pod.machine === '' && pod.health === 'progressing') return 'waiting';
  return pod.health;
}

/** Running solid, on its way half full and dashed, waiting hollow and dashed, failed crossed, finished ticked, terminating striped. */
export function Mark({ state, size = 12 }: { readonly state: MarkState; readonly size?: number }) {
  return (
    <svg className={`mark mark-${state}`} width={size} height={size} viewBox="0 0 12 12" aria-hidden="true">
      {state === 'ok' && <circle cx="6" cy="6" r="4.6" fill="currentColor" />}
      {state === 'waiting' && <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.2 1.6" />}
      {state === 'progressing' && (
        <>
          <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.2 1.6" />
          <path d="M6 2.6a3.4 3.4 0 0 1 0 6.8z" fill="currentColor" />
        </>
      )}
      {state === 'failed' && (
        <>
          <rect x="1" y="1" width="10" height="10" rx="1.5" fill="currentColor" />
          <path d="M3.6 3.6l4.8 4.8M8.4 3.6L3.6 8.4" stroke="var(--surface)" strokeWidth="1.7" strokeLinecap="round" />
        </>
      )}
      {state === 'idle' && (
        <>
          <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.3" />
          <path d="M3.7 6.1l1.7 1.7 3-3.4" fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" />
        </>
      )}
      {state === 'terminating' && (
        <>
          <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.3" />
          <path d="M2.2 7.6L7.6 2.2M3.6 9.4L9.4 3.6M6 10.4L10.4 6" stroke="currentColor" strokeWidth="1.2" />
        </>
      )}
    </svg>
  );
}
