import type { ReactNode } from 'react';

interface FigureProps {
  readonly title: string;
  readonly value: ReactNode;
  /** What the value means, or how it came about. */
  readonly note?: ReactNode;
}

/** One number that counts, with its name above and a note beneath. */
export function Figure({ title, value, note }: FigureProps) {
  return (
    <div className="figure">
      <dt>{title}</dt>
      <dd>
        <span className="value">{value}</span>
        {note !== undefined && <span className="note">{note}</span>}
      </dd>
    </div>
  );
}

/** Figures beside each other, as many as fit. */
export function Figures({ children }: { children: ReactNode }) {
  return <dl className="figures">{children}</dl>;
}
