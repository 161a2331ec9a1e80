/**
 * Keeps the newest attempts of each webhook, and since when all of them failed. Those that end at
 * about the same time share a statement. Its commit need not be durable: nothing depends on it.
 */
import { sql } from 'drizzle-orm';
import { RequestBatcher } from '../consume/request-batcher.ts';
import { sleep } from '../core/isomorphic.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Webhook, WebhookAttempt } from '../core/webhook.ts';
import { columnsOf } from '../db/columns.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { webhookAttempts, webhooks } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { toGatewayError } from '../db/sqlstate.ts';

const w = columnsOf(webhooks);
const a = columnsOf(webhookAttempts);

export type NewAttempt = Omit<WebhookAttempt, 'number' | 'consumerId'> & {
  /** Whether it says that the receiver is well, or not. */
  readonly isTest: boolean;
};

export interface Noted {
  readonly number: number;
  /** Since when nothing succeeded, where that is too long; null else. */
  readonly failingTooLongSince: Date | null;
}

export interface AttemptLog {
  /** Null where the webhook is no more. @throws GatewayError UNAUTHENTICATED, SERVICE_UNAVAILABLE */
  note(attempt: NewAttempt): Promise<Noted | null>;
}

interface NotedRow {
  readonly attempt_count: number;
  readonly since: Date | null;
}

/** What ends within this time is noted together. */
const GATHER_MS = 50;

/** @param actor who asks for the attempts; null: the gateway itself */
export function createAttemptLog(
  write: Connection,
  { workspaceId, consumerId }: Pick<Webhook, 'workspaceId' | 'consumerId'>,
  actor: Actor | null = null,
): AttemptLog {
  const lane = onBehalfOf(workspaceId, write);
  const turns = new RequestBatcher<NewAttempt, Noted | null>({
    sizeOf: () => 1,
    sizeMax: LIMITS.webhookAttemptsMax,
    mayShare: () => true,
    async run(attempts) {
      const statement = noteSql({ workspaceId, consumerId, attempts, actor });
      const [row] = await rows<NotedRow>(lane, statement).catch((error: unknown) => {
        throw toGatewayError(error, 'write');
      });
      if (row === undefined) return attempts.map(() => null);
      const first = row.attempt_count - attempts.length + 1;
      return attempts.map((_, at) => ({ number: first + at, failingTooLongSince: row.since }));
    },
  });
  let gathering: Promise<void> | null = null;
  return {
    async note(attempt) {
      gathering ??= sleep(GATHER_MS).then(() => void (gathering = null));
      await gathering;
      return turns.ask(attempt);
    },
  };
}

interface Noting {
  readonly workspaceId: number;
  readonly consumerId: number;
  readonly attempts: readonly NewAttempt[];
  readonly actor: Actor | null;
}

const KEPT = LIMITS.webhookAttemptsMax;

function noteSql({ workspaceId, consumerId, attempts, actor }: Noting) {
  const real = attempts.filter(({ isTest }) => !isTest);
  const succeeded = real.findLastIndex(({ error }) => error === null);
  const failedAt = real[succeeded + 1]?.at ?? null;
  const before = succeeded === -1 ? w.failing_since : sql`null`;
  const list = (texts: readonly (string | number | null)[]) =>
    arrayLiteral(texts.map(text => String(text ?? '')));
  const { webhookFailingDaysMax: days } = LIMITS;
  return sql`
    with counted as (
      update webhooks set ${w.attempt_count} = ${w.attempt_count} + ${attempts.length}::int,
        ${w.failing_since} = coalesce(${before}, ${failedAt}::timestamptz),
        ${w.previous_secret} = case when ${w.previous_valid_until} > now() then ${w.previous_secret} end
      where ${w.workspace_id} = ${workspaceId} and ${w.consumer_id} = ${consumerId}
      returning ${w.attempt_count}, ${w.failing_since} as since
    ), given as (
      select asked.*, k.attempt_count - ${attempts.length}::int + asked.place as place_of_all
      from counted k cross join unnest(
        ${list(attempts.map(({ at }) => at.toISOString()))}::text::timestamptz[],
        ${list(attempts.map(({ eventId }) => eventId))}::text::text[],
        ${list(attempts.map(({ position }) => position))}::text::bigint[],
        ${list(attempts.map(({ attempt }) => attempt))}::text::int[],
        ${list(attempts.map(({ status }) => status))}::text::text[],
        ${list(attempts.map(({ error }) => error))}::text::text[],
        ${list(attempts.map(({ durationMs }) => durationMs))}::text::int[],
        ${list(attempts.map(({ response }) => (response === null ? null : `=${response}`)))}::text::text[]
      ) with ordinality as asked (at, event, log_place, try, status_text, error_text, ms, answer, place)
    ), kept as (
      insert into webhook_attempts (${a.workspace_id}, ${a.consumer_id}, ${a.slot}, ${a.number},
        ${a.attempted_at}, ${a.event_id}, ${a.position}, ${a.attempt}, ${a.status}, ${a.error},
        ${a.duration_ms}, ${a.response})
      select ${workspaceId}::int, ${consumerId}::int, mod(asked.place_of_all, ${KEPT})::int,
        asked.place_of_all, asked.at, asked.event, asked.log_place, asked.try,
        nullif(asked.status_text, '')::int, nullif(asked.error_text, ''), asked.ms,
        case when asked.answer <> '' then substr(asked.answer, 2) end
      from given asked
      on conflict (${a.workspace_id}, ${a.consumer_id}, ${a.slot}) do update set
        ${a.number} = excluded.${a.number}, ${a.attempted_at} = excluded.${a.attempted_at},
        ${a.event_id} = excluded.${a.event_id}, ${a.position} = excluded.${a.position},
        ${a.attempt} = excluded.${a.attempt}, ${a.status} = excluded.${a.status},
        ${a.error} = excluded.${a.error}, ${a.duration_ms} = excluded.${a.duration_ms},
        ${a.response} = excluded.${a.response}
      where excluded.${a.number} > webhook_attempts.${a.number}
    )
    select k.attempt_count, set_config('synchronous_commit', 'off', true),
      require_key(${actor?.keyId ?? null}::int, ${actor?.scope ?? null}::text),
      case when k.since < now() - make_interval(days => ${days}) then k.since end as since
    from counted k`;
}
