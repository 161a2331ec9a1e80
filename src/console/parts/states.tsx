/** What stands where something will be, is not, or could not be had. */
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { problemOf, type Problem } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <div className="state" role="status">
      <span className="spinner" aria-hidden="true" />
      <p>{what}…</p>
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  /** What to do about it. */
  readonly children?: ReactNode;
}

export function Empty({ title, children }: EmptyProps) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

interface FailedProps {
  readonly error: CombinedError | Problem;
  readonly onRetry?: () => void;
}

export function Failed({ error, onRetry }: FailedProps) {
  const { title, advice } = 'graphQLErrors' in error ? problemOf(error) : error;
  return (
    <div className="state" role="alert">
      <Icon name="warning" />
      <h2>{title}</h2>
      <p>{advice}</p>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** Something to know beside the page's content. */
export function Notice({
  tone = 'plain',
  children,
}: {
  tone?: 'plain' | 'good' | 'warn' | 'bad';
  children: ReactNode;
}) {
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}
