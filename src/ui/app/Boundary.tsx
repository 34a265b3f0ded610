// Keeps a failure inside the panel in which it happened.

import { Component, type ReactNode } from 'react';
import { useT } from '../i18n/i18n.ts';

interface Props {
  readonly name: string;
  readonly children: ReactNode;
}

export class Boundary extends Component<Props, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return <Failed onRetry={() => this.setState({ failed: false })} />;
  }
}

function Failed({ onRetry }: { readonly onRetry: () => void }) {
  const t = useT();
  return (
    <div className="panel-failed" role="alert">
      <p>{t('panels.failed')}</p>
      <button type="button" onClick={onRetry}>
        {t('panels.retry')}
      </button>
    </div>
  );
}
