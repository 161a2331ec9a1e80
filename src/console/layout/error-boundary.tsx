import { Component, type ReactNode } from 'react';
import { Failed } from '../parts/states.tsx';

/** A fault of this page's own, or a piece of it that could not be loaded. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    const problem = {
      code: 'PAGE',
      title: 'This page could not be shown',
      advice: 'Load it again. If that does not help, the browser’s console says more.',
    };
    return <Failed error={problem} onRetry={() => location.reload()} />;
  }
}
