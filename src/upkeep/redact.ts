/**
 * Redaction empties events for good and keeps their places, types, times and ids, so that
 * positions stay dense and counts stay true. The content hash is removed too, because content could
 * be guessed from it. So are the salt of the event's leaf in the tree, its terms in the search index,
 * and names in meters. Quarantined events of the same subject, actor or id are deleted.
 *
 * It works in batches, each in its own transaction. If it is interrupted, some events are already
 * empty, and the caller repeats it. It ends where the log ended when it began.
 */
import { randomUUID } from 'node:crypto';
import { auditIsKept, isAudit } from '../core/audit.ts';
import { GatewayError } from '../core/errors.ts';
import { eventKey } from '../core/event-key.ts';
import type { Actor } from '../core/principal.ts';
import { REDACTION_TYPE, writePositions } from '../core/redaction-acts.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Param, Pool } from '../db/client.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import { eventKeys, events, meterSeries, quarantinedEvents, workspaces } from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import { newestHead } from '../db/stored-workspace.ts';
import { lockTree } from '../evidence/log-rows.ts';
import { forgetSalts } from '../evidence/removal.ts';
import { forgetTerms } from '../search/removal.ts';
import { BATCH_SETTINGS_SQL, WITHOUT_CONTENT } from './removal.ts';

const e = columnsOf(events, 'e');
const c = columnsOf(events, 'c');
const k = columnsOf(eventKeys, 'k');
const EVENT = columnsOf(events);
const EVENT_KEY = columnsOf(eventKeys);
const WORKSPACE = columnsOf(workspaces);
const QUARANTINED = columnsOf(quarantinedEvents);
const SERIES = columnsOf(meterSeries);

/** Which events: those that match any of the given fields. */
export interface Redaction {
  readonly subject?: string | null | undefined;
  readonly actor?: string | null | undefined;
  /** At most REDACTED_IDS_MAX. */
  readonly eventIds?: readonly string[] | null | undefined;
}

export interface RedactOptions {
  readonly audited: AuditedTransaction;
  /** Who redacts: checked before each batch is committed. Null: the gateway itself. */
  readonly actor: Actor | null;
  /** Counts measures of what is about to be emptied. */
  readonly fold: (workspaceId: number) => Promise<void>;
  /** After each batch: how many events it emptied. */
  readonly onEmptied?: (events: number) => void;
}

export const REDACTED_IDS_MAX = 10_000;
const BATCH_EVENTS = 1_000;

/**
 * How many events were emptied, without those that were empty before.
 * @throws GatewayError BAD_USER_INPUT when nothing is chosen, or too many ids; UNAUTHENTICATED when
 * the acting key was revoked or has expired: the batches before were committed; FORBIDDEN in the
 * workspace of the audit
 */
export async function redact(
  upkeep: Pool,
  workspaceId: number,
  redaction: Redaction,
  { audited, actor, fold, onEmptied = () => {} }: RedactOptions,
): Promise<number> {
  checkRedaction(redaction);
  if (isAudit(workspaceId)) throw auditIsKept('redacted');
  const place = { workspaceId, actor, audited, groupId: randomUUID() };
  let emptied = 0;
  try {
    await fold(workspaceId);
    for await (const events of batches(upkeep, place, redaction)) {
      emptied += events;
      onEmptied(events);
    }
    return emptied;
  } catch (error) {
    throw toGatewayError(error, 'write');
  }
}

function checkRedaction({ subject, actor, eventIds }: Redaction): void {
  if (subject == null && actor == null && eventIds == null) {
    const message = 'Expected at least one of subject, actor and eventIds.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  if (eventIds != null && eventIds.length > REDACTED_IDS_MAX) {
    const message = `eventIds expects at most ${REDACTED_IDS_MAX} ids, but got ${eventIds.length}. Redact them in parts.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
}

/** Where events are emptied, and by whom. */
interface Place {
  readonly workspaceId: number;
  readonly actor: Actor | null;
  readonly audited: AuditedTransaction;
  /** Of the redaction, in the audit. */
  readonly groupId: string;
}

async function* batches(upkeep: Pool, place: Place, redaction: Redaction): AsyncGenerator<number> {
  for (const field of ['subject', 'actor'] as const) {
    const value = redaction[field];
    if (value != null) yield* batchesBy(upkeep, place, { field, value });
  }
  const keys = (redaction.eventIds ?? []).map(eventKey);
  for (const some of parts(keys)) {
    const params = [place.workspaceId, JSON.stringify(some)];
    const rows = await empty(upkeep, place, { by: 'eventIds', statement: REDACT_KEYS_SQL, params });
    yield countOf(rows);
  }
  await purgeQuarantined(upkeep, place, redaction);
}

interface By {
  readonly field: 'subject' | 'actor';
  readonly value: string;
}

async function* batchesBy(
  upkeep: Pool,
  place: Place,
  { field, value }: By,
): AsyncGenerator<number> {
  const { workspaceId } = place;
  const [row] = await upkeep.query<{ head: number }>(newestHead(sqlText`$1`), [workspaceId]);
  const head = row?.head ?? 0;
  // Emptied events leave entries in the index behind: each batch begins after the previous one.
  for (let after = 0, isMore = true; isMore;) {
    const params = [workspaceId, value, after, head, BATCH_EVENTS];
    const rows = await empty(upkeep, place, { by: field, statement: redactBySql(field), params });
    isMore = rows.length === BATCH_EVENTS;
    after = Math.max(after, ...rows.map(({ position }) => position));
    yield countOf(rows);
  }
  await forgetSeries(upkeep, workspaceId, { field, value });
}

/**
 * Meter groups of this subject or actor lose the name, like their events. So does the key of the
 * group: it was made from the name, which could be guessed from it.
 */
async function forgetSeries(
  upkeep: Connection,
  workspaceId: number,
  { field, value }: By,
): Promise<void> {
  await upkeep.query(
    sqlText`update meter_series set ${SERIES.source} = null, ${SERIES.subject} = null,
       ${SERIES.actor} = null, ${SERIES.success} = null, ${SERIES.value_1} = null,
       ${SERIES.value_2} = null, ${SERIES.value_3} = null, ${SERIES.key} = gen_random_uuid()
     where ${SERIES.workspace_id} = $1 and ${SERIES[field]} = $2`,
    [workspaceId, value],
  );
}

/** Null if it was emptied or removed before. */
type EmptiedRow = Row<typeof events, 'position'> & { event_id: string | null };

const EMPTIED = sqlText`
  emptied as (
    update events e set ${EVENT.redacted_at} = now(), ${WITHOUT_CONTENT}
    from chosen c
    where ${e.workspace_id} = $1 and ${e.position} = ${c.position} and ${e.recorded_at} = ${c.recorded_at}
      and ${e.redacted_at} is null
    returning ${e.position}, ${e.event_id}
  )
  select ${c.position}, ${e.event_id} from chosen c left join emptied e on ${e.position} = ${c.position}`;

export const redactBySql = (field: By['field']) => sqlText`
  with chosen as materialized (
    select ${EVENT.position}, ${EVENT.recorded_at} from events
    where ${EVENT.workspace_id} = $1 and ${EVENT[field]} = $2 and ${EVENT.position} > $3 and ${EVENT.position} <= $4
    order by ${EVENT.position} limit $5
  ), ${EMPTIED}`;

export const REDACT_KEYS_SQL = sqlText`
  with chosen as materialized (
    select ${k.position}, ${k.recorded_at}
    from json_array_elements_text($2::text::json) as given (key)
    join event_keys k on ${k.workspace_id} = $1 and ${k.key} = given.key::uuid
  ), ${EMPTIED}`;

function countOf(rows: readonly EmptiedRow[]): number {
  return rows.filter(({ event_id }) => event_id !== null).length;
}

interface Batch {
  readonly by: By['field'] | 'eventIds';
  readonly statement: string;
  readonly params: readonly Param[];
}

/** One batch: events, their keys and the count that tells other gateways, together. */
function empty(
  upkeep: Pool,
  { workspaceId, actor, audited, groupId }: Place,
  { by, statement, params }: Batch,
): Promise<EmptiedRow[]> {
  const work = async (connection: Connection, deed: Deed) => {
    await connection.query(BATCH_SETTINGS_SQL);
    await lockTree(connection, workspaceId);
    const rows = await connection.query<EmptiedRow>(statement, params);
    const emptied = rows.filter(({ event_id }) => event_id !== null);
    const ids = emptied.flatMap(({ event_id }) => event_id ?? []);
    if (ids.length > 0) {
      await forgetHashes(connection, workspaceId, ids);
      const positions = emptied.map(({ position }) => position);
      await forgetSalts(connection, workspaceId, positions);
      await forgetTerms(connection, workspaceId, positions);
      await countRedaction(connection, workspaceId);
      // The field by which events were chosen, never its value: that has to be forgotten.
      const facts = {
        by,
        count: ids.length,
        firstPosition: Math.min(...positions),
        lastPosition: Math.max(...positions),
        positions: writePositions(positions),
        // A slug may change, an id does not.
        workspaceId,
      };
      await deed.record({ type: REDACTION_TYPE, subject: null, workspaceId, facts, groupId });
    }
    return rows;
  };
  return audited(upkeep, work, { actor, tenant: workspaceId });
}

async function forgetHashes(
  connection: Connection,
  workspaceId: number,
  ids: readonly string[],
): Promise<void> {
  await connection.query(
    sqlText`update event_keys k set ${EVENT_KEY.hash} = '00000000-0000-0000-0000-000000000000'
     from json_array_elements_text($2::text::json) as given (key)
     where ${k.workspace_id} = $1 and ${k.key} = given.key::uuid`,
    [workspaceId, JSON.stringify(ids.map(eventKey))],
  );
}

/** Notifications may be lost, so every gateway reads this counter together with the head. */
async function countRedaction(connection: Connection, workspaceId: number): Promise<void> {
  await connection.query(
    sqlText`update workspaces set ${WORKSPACE.redactions} = ${WORKSPACE.redactions} + 1 where ${WORKSPACE.id} = $1`,
    [workspaceId],
  );
}

/** One that came without an id would be recorded by the id that it is kept by. */
async function purgeQuarantined(
  upkeep: Pool,
  place: Place,
  { subject = null, actor = null, eventIds }: Redaction,
): Promise<void> {
  const params = [place.workspaceId, subject, actor, JSON.stringify(eventIds ?? []), BATCH_EVENTS];
  for (let gone = BATCH_EVENTS; gone === BATCH_EVENTS;) {
    const purge = async (connection: Connection, deed: Deed) => {
      const rows = await connection.query(
        sqlText`delete from quarantined_events where ${QUARANTINED.workspace_id} = $1 and ${QUARANTINED.id} = any (array(
           select ${QUARANTINED.id} from quarantined_events
           where ${QUARANTINED.workspace_id} = $1 and (${QUARANTINED.event} ->> 'subject' = $2 or ${QUARANTINED.event} ->> 'actor' = $3
             or ${QUARANTINED.event} ->> 'id' in (select json_array_elements_text($4::text::json))
             or ${QUARANTINED.id}::text in (select json_array_elements_text($4::text::json)))
           limit $5
         )) returning 1`,
        params,
      );
      if (rows.length > 0) {
        const facts = { by: 'quarantine', count: rows.length };
        const { workspaceId, groupId } = place;
        await deed.record({ type: REDACTION_TYPE, subject: null, workspaceId, facts, groupId });
      }
      return rows.length;
    };
    const { actor, workspaceId: tenant } = place;
    gone = await place.audited(upkeep, purge, { actor, tenant });
  }
}

function* parts<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += BATCH_EVENTS) {
    yield items.slice(start, start + BATCH_EVENTS);
  }
}
