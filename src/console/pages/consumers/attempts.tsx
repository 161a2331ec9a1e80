import { useWorkspace } from '../../layout/workspace.tsx';
import { formatCount, formatDuration } from '../../parts/format.ts';
import { Ago, Badge } from '../../parts/labels.tsx';
import { Card } from '../../parts/page.tsx';
import { Link } from '../../router/link.tsx';
import { eventPath } from './address.ts';
import type { Attempt } from './documents.ts';

/** The newest requests of a webhook, and what came of them. */
export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  return (
    <Card title="Recent attempts">
      {attempts.length === 0 ? (
        <p className="card-body muted">Nothing was sent yet.</p>
      ) : (
        <ul className="consumer-log">
          {attempts.map(attempt => (
            <AttemptItem key={attempt.id} attempt={attempt} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function AttemptItem({ attempt }: { attempt: Attempt }) {
  const { slug } = useWorkspace();
  const { at, eventId, position, status, error, durationMs, response } = attempt;
  return (
    <li>
      <div className="delivery">
        <p className="delivery-head">
          <Badge tone={error === null ? 'good' : 'bad'}>{status ?? 'no answer'}</Badge>
          {position === 0 ? (
            <span>Test event</span>
          ) : (
            <Link href={eventPath(slug, eventId)}>{eventId}</Link>
          )}
          <span className="muted">
            attempt {formatCount(attempt.attempt)}, <Ago at={at} />, took{' '}
            {formatDuration(durationMs)}
          </span>
        </p>
        {error !== null && <p className="reason">{error}</p>}
        <Answer response={response} />
      </div>
    </li>
  );
}

/** The first bytes of what a receiver answered. It is a stranger's text, and never more than that. */
export function Answer({ response }: Pick<Attempt, 'response'>) {
  if (response === null || response === '') return null;
  return (
    <details>
      <summary>Answer</summary>
      <pre className="answer" tabIndex={0}>
        {response}
      </pre>
    </details>
  );
}

export function outcomeOf({
  status,
  error,
  durationMs,
}: Pick<Attempt, 'status' | 'error' | 'durationMs'>): string {
  const took = `in ${formatDuration(durationMs)}`;
  if (error === null) return `delivered ${took}, status ${status ?? 'unknown'}.`;
  return status === null ? `no answer ${took}. ${error}` : `status ${status} ${took}. ${error}`;
}
