import { formatAgo, formatDateTime } from './format.ts';

/** An instant as "3 minutes ago", with the exact time on hover; a dash for none. */
export function Ago({ at }: { at: string | null | undefined }) {
  if (!at) return <span className="faint">–</span>;
  return (
    <time dateTime={at} title={formatDateTime(at)}>
      {formatAgo(at)}
    </time>
  );
}
