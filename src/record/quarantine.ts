import { hash } from 'node:crypto';
import { uuidOf } from '../core/event-key.ts';
import { DOORS, type Door, type EventInput, type EventProblem } from '../core/event.ts';
import { writeExact } from '../core/exact-json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import { storableJson } from '../core/text.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { quarantinedEvents } from '../db/schema.ts';

const QUARANTINED = columnsOf(quarantinedEvents);

export interface QuarantineItem {
  readonly input: EventInput;
  readonly problems: readonly EventProblem[];
  /** For an event without an id, the one that its receipt names. */
  readonly madeId?: string | undefined;
}

/** The workspace, the door, and who sent the events. Null: the gateway itself. */
export interface QuarantineTarget {
  readonly workspaceId: number;
  readonly door: Door;
  readonly actor: Actor | null;
}

/**
 * Puts events into quarantine as they came, with their problems. An event with an id is kept once,
 * however often it is sent. Characters that Postgres cannot store are replaced, because an
 * acknowledged event must not be lost.
 */
export async function quarantine(
  write: Connection,
  { workspaceId, door, actor }: QuarantineTarget,
  items: readonly QuarantineItem[],
): Promise<void> {
  if (items.length === 0) return;
  const rows = items.map(item => {
    const { contentId: _id, ...event } = item.input;
    const { problems } = item;
    return { id: keptBy(item), event, problems, expires: expiryOf(event) };
  });
  await write.query(
    sqlText`with allowed as materialized (select require_key($4::int, $5::text))
     insert into quarantined_events (${QUARANTINED.workspace_id}, ${QUARANTINED.id}, ${QUARANTINED.door}, ${QUARANTINED.event}, ${QUARANTINED.problems}, ${QUARANTINED.expires_at})
     select $1, coalesce(kept.id, gen_random_uuid()), $2, kept.event, kept.problems, kept.expires
     from allowed, json_to_recordset($3::text::json)
       as kept (id uuid, event jsonb, problems jsonb, expires timestamptz)
     on conflict (${QUARANTINED.workspace_id}, ${QUARANTINED.id}) do nothing`,
    [workspaceId, DOORS[door], storableJson(rows), actor?.keyId ?? null, actor?.scope ?? null],
    { tenant: workspaceId },
  );
}

/** The same for a retry. For an event without an id, the id that it will be recorded with. */
function keptBy({ input, madeId }: QuarantineItem): string | undefined {
  if (input.id == null) return madeId;
  return uuidOf(hash('sha256', input.contentId ?? writeExact(input), 'hex'));
}

/** Null also for a time that Postgres cannot store, which may be the event's problem. */
function expiryOf({ expiresAt }: EventInput): Date | null {
  const year = expiresAt?.getUTCFullYear() ?? NaN;
  return year >= LIMITS.yearMin && year <= LIMITS.yearMax ? (expiresAt as Date) : null;
}
