import { Button } from './button.tsx';

/** Which page of a list; null and absent are the same. */
export interface PageArgs {
  readonly first?: number;
  readonly after?: string | null;
  readonly last?: number;
  readonly before?: string | null;
}

interface PagerProps {
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly onPage: (place: { after: string | null } | { before: string | null }) => void;
}

/** On and back; nothing where all of the list is there. */
export function Pager({ pageInfo, onPage }: PagerProps) {
  const { hasNextPage, hasPreviousPage, startCursor, endCursor } = pageInfo;
  if (!hasNextPage && !hasPreviousPage) return null;
  return (
    <nav className="pager actions" aria-label="Pages of the list">
      <Button
        icon="back"
        disabled={!hasPreviousPage}
        onClick={() => onPage({ before: startCursor })}
      >
        Previous
      </Button>
      <Button disabled={!hasNextPage} onClick={() => onPage({ after: endCursor })}>
        Next
      </Button>
    </nav>
  );
}
