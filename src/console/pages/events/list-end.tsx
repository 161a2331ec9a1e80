import { Button } from '../../parts/button.tsx';
import { formatCount, formatDateTime } from '../../parts/format.ts';
import { setSearch } from '../../router/router.ts';
import type { Feed } from './feed.ts';
import { READ_MAX, type Rows } from './rows.ts';

/** What follows the oldest row that is there. */
export function ListEnd({ feed, shown }: { feed: Feed; shown: Rows }) {
  if (typeof feed.older === 'object') {
    const { title, advice } = feed.older;
    return (
      <p className="list-end" role="alert">
        {title}. {advice}
        <Button onClick={() => void feed.readOlder(shown)}>Try again</Button>
      </p>
    );
  }
  if (shown.olderAfter === null) {
    return <p className="list-end">No older events fit.</p>;
  }
  const oldest = shown.at(shown.length - 1);
  if (shown.length < READ_MAX || !oldest) return <p className="list-end">Reading older events…</p>;
  const to = new Date(oldest.occurredMs + 1).toISOString();
  return (
    <p className="list-end">
      {formatCount(shown.length)} events are shown.
      <Button onClick={() => setSearch({ span: null, to })}>
        Go on before {formatDateTime(oldest.occurredMs)}
      </Button>
    </p>
  );
}
