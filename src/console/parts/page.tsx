import { useSyncExternalStore, type ReactNode } from 'react';

interface PageProps {
  readonly title: ReactNode;
  /** The way back, above the title. */
  readonly above?: ReactNode;
  /** One sentence on what the page is for. */
  readonly lead?: ReactNode;
  /** Buttons at the right of the title. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of a page: its title, what it is for, its content. */
export function PageFrame({ above, title, lead, actions, children }: PageProps) {
  return (
    <div className="page">
      <header className="page-head">
        <div>
          {above}
          <h1>{title}</h1>
          {lead && <p className="lead">{lead}</p>}
        </div>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A part of a page with a title of its own. */
export function Card({ title, actions, children }: Omit<PageProps, 'lead' | 'above'>) {
  return (
    <section className="card">
      <header className="card-head">
        <h2>{title}</h2>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** As in the styles: a phone's width. */
const NARROW = matchMedia('(width < 700px)');

function subscribe(listener: () => void): () => void {
  NARROW.addEventListener('change', listener);
  return () => NARROW.removeEventListener('change', listener);
}

/** Whether the page is as narrow as a phone, where other things come first. */
export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => NARROW.matches);
}
