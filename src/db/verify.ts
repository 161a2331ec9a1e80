/**
 * Checks the invariants of a database, workspace by workspace, each in one snapshot: positions
 * are dense from the tail to the head and rise with time, each event has its one key, every key
 * its event, and the rollups equal a recount. It reads everything, which takes minutes for millions.
 */
import { type ColumnName, columnsOf, type Row, sqlText } from './columns.ts';
import type { Connection, Pool } from './connection.ts';
import {
  consumers,
  deliveries,
  eventCounts,
  eventDefinitions,
  eventKeys,
  events,
  workspaceMarks,
  workspaces,
} from './schema.ts';
import { newestHead } from './stored-workspace.ts';
import { transaction } from './transaction.ts';

const e = columnsOf(events, 'e');
const k = columnsOf(eventKeys, 'k');
const d = columnsOf(eventDefinitions, 'd');
const m = columnsOf(workspaceMarks, 'm');
const c = columnsOf(eventCounts, 'c');
const r = columnsOf(eventCounts, 'r');
const q = columnsOf(eventCounts, 'q');
const consumer = columnsOf(consumers, 'consumer');
const open = columnsOf(deliveries, 'open');
const WORKSPACE = columnsOf(workspaces);
const EVENT = columnsOf(events);
const MARKS = columnsOf(workspaceMarks);
const COUNTS = columnsOf(eventCounts);

export interface Violation {
  readonly workspace: string;
  readonly rule: string;
  readonly detail: string;
}

export interface VerifiedWorkspace {
  readonly workspace: string;
  readonly events: number;
  readonly head: number;
}

export interface Verification {
  readonly workspaces: readonly VerifiedWorkspace[];
  readonly violations: readonly Violation[];
}

type WorkspaceRow = Row<typeof workspaces, 'id' | 'slug'>;

export async function verify(
  upkeep: Pool,
  onWorkspace: (verified: VerifiedWorkspace) => void = () => {},
): Promise<Verification> {
  const workspaces: VerifiedWorkspace[] = [];
  const violations: Violation[] = [];
  const all = await upkeep.query<WorkspaceRow>(
    sqlText`select ${WORKSPACE.id}, ${WORKSPACE.slug} from workspaces order by ${WORKSPACE.id}`,
  );
  for (const { id, slug } of all) {
    await transaction(
      upkeep,
      async connection => {
        // Everything is read. A plan by outdated statistics, which looks up rows one by one, would
        // take hours instead of seconds.
        await connection.query('set local enable_nestloop = off');
        for (const [rule, sql] of Object.entries(RULES)) {
          const found = await connection.query<{ detail: string }>(sql, [id]);
          for (const { detail } of found) violations.push({ workspace: slug, rule, detail });
        }
        const verified = await measure(connection, slug, id);
        workspaces.push(verified);
        onWorkspace(verified);
      },
      { isolation: 'repeatable read', readOnly: true },
    );
  }
  return { workspaces, violations };
}

async function measure(
  connection: Connection,
  workspace: string,
  id: number,
): Promise<VerifiedWorkspace> {
  const [row] = await connection.query<{ events: number; head: number }>(
    sqlText`select count(*) as events, ${HEAD} as head from events where ${EVENT.workspace_id} = $1`,
    [id],
  );
  return { workspace, events: row?.events ?? 0, head: row?.head ?? 0 };
}

const HEAD = sqlText`coalesce((select head from (${newestHead(sqlText`$1`)}) newest), 0)`;
const TAIL = sqlText`(select coalesce(min(${MARKS.tail}), 1) from workspace_marks where ${MARKS.workspace_id} = $1)`;
const FOLDED = sqlText`(select coalesce(min(${MARKS.folded}), 0) from workspace_marks where ${MARKS.workspace_id} = $1)`;

/** The key that an event id has, as `eventKey` in core makes it. */
const keyOf = (eventId: ColumnName) => sqlText`case
  when ${eventId} ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
  then ${eventId}::uuid
  else substr(encode(sha256(convert_to(${eventId}, 'UTF8')), 'hex'), 1, 32)::uuid end`;

/**
 * Each finds violations, at most a few examples. Rows below the tail count as removed, even if their
 * partition still exists.
 */
const RULES: Readonly<Record<string, string>> = {
  'positions are dense': sqlText`
    select format('%s: expected %s', ${EVENT.position}, expected) as detail from (
      select ${EVENT.position}, ${TAIL} + row_number() over (order by ${EVENT.position}) - 1 as expected
      from events where ${EVENT.workspace_id} = $1 and ${EVENT.position} >= ${TAIL}) p
    where ${EVENT.position} <> expected order by ${EVENT.position} limit 5`,
  'the head is the newest position': sqlText`
    select format('head %s, newest position %s', ${HEAD}, newest) as detail from (
      select coalesce(max(${EVENT.position}), ${TAIL} - 1) as newest from events where ${EVENT.workspace_id} = $1) n
    where newest <> ${HEAD}`,
  'recordedAt rises with position': sqlText`
    select format('position %s: %s after %s', ${EVENT.position}, ${EVENT.recorded_at}, before) as detail from (
      select ${EVENT.position}, ${EVENT.recorded_at}, lag(${EVENT.recorded_at}) over (order by ${EVENT.position}) as before
      from events where ${EVENT.workspace_id} = $1) p
    where ${EVENT.recorded_at} < before limit 5`,
  'each event has its key': sqlText`
    select format('position %s, id %s', ${e.position}, ${e.event_id}) as detail
    from events e left join event_keys k on ${k.workspace_id} = ${e.workspace_id}
      and ${k.key} = ${keyOf(e.event_id)}
    where ${e.workspace_id} = $1 and ${e.position} >= ${TAIL}
      and (${k.position} is distinct from ${e.position} or ${k.recorded_at} <> ${e.recorded_at}) limit 5`,
  'each key has its event': sqlText`
    select format('key %s, position %s', ${k.key}, ${k.position}) as detail
    from event_keys k left join events e on ${e.workspace_id} = ${k.workspace_id}
      and ${e.position} = ${k.position} and ${e.recorded_at} = ${k.recorded_at}
    where ${k.workspace_id} = $1 and ${k.position} >= ${TAIL} and ${e.position} is null limit 5`,
  'each event has its definition': sqlText`
    select format('position %s, definition %s', ${e.position}, ${e.definition_id}) as detail
    from events e left join event_definitions d
      on ${d.workspace_id} = ${e.workspace_id} and ${d.id} = ${e.definition_id}
    where ${e.workspace_id} = $1 and ${d.id} is null limit 5`,
  'no rollup is ahead of the log': `
    select format('folded %s, head %s', ${FOLDED}, ${HEAD}) as detail where ${FOLDED} > ${HEAD}`,
  'nothing is removed before it is counted': `
    select format('tail %s, folded %s', ${TAIL}, ${FOLDED}) as detail where ${TAIL} > ${FOLDED} + 1`,
  'every expiry is known to be due': sqlText`
    select format('position %s expires %s, the next is %s', ${e.position}, ${e.expires_at}, ${m.expires_next})
      as detail
    from events e join workspace_marks m on ${m.workspace_id} = ${e.workspace_id}
    where ${e.workspace_id} = $1 and ${e.expires_at} is not null and ${e.expired_at} is null
      and ${e.position} >= ${m.tail} and ${e.position} <= ${m.folded}
      and (${m.expires_next} is null or ${m.expires_next} > ${e.expires_at}) limit 5`,
  'what is emptied is empty': sqlText`
    select format('position %s', ${EVENT.position}) as detail from events
    where ${EVENT.workspace_id} = $1 and (${EVENT.expired_at} is not null or ${EVENT.redacted_at} is not null)
      and (${EVENT.payload} <> '{}' or ${EVENT.wire} is not null or ${EVENT.property_types} is not null or num_nonnulls(
        ${EVENT.source}, ${EVENT.subject}, ${EVENT.actor}, ${EVENT.description}, ${EVENT.icon}, ${EVENT.client_ip}, ${EVENT.parent_id}, ${EVENT.group_id}, ${EVENT.success}) > 0)
    limit 5`,
  // Rollups still count events that retention removed, so they may only be higher.
  'quarter hours equal a recount': sqlText`
    select format('%s, definition %s, door %s: %s counted, %s there',
      coalesce(${c.bucket}, ${r.bucket}), coalesce(${c.definition_id}, ${r.definition_id}),
      coalesce(${c.door}, ${r.door}), coalesce(${c.count}, 0), coalesce(${r.count}, 0)) as detail
    from (select * from event_counts where ${COUNTS.workspace_id} = $1 and ${COUNTS.grain} = 2) c
    full join (
      select date_bin('15 minutes', ${EVENT.occurred_at}, '2000-01-01T00:00:00Z') as ${COUNTS.bucket},
        ${EVENT.definition_id}, ${EVENT.door}, count(*) as ${COUNTS.count}
      from events where ${EVENT.workspace_id} = $1 and ${EVENT.position} <= ${FOLDED} group by 1, 2, 3
    ) r using (${COUNTS.bucket}, ${EVENT.definition_id}, ${EVENT.door})
    where case when ${TAIL} = 1 then coalesce(${c.count}, 0) <> coalesce(${r.count}, 0)
      else coalesce(${c.count}, 0) < coalesce(${r.count}, 0) end
    limit 5`,
  'days add up to quarter hours': sqlText`
    select format('definition %s, door %s: %s in days, %s in quarter hours',
      ${COUNTS.definition_id}, ${COUNTS.door}, days, quarters) as detail
    from (
      select ${COUNTS.definition_id}, ${COUNTS.door},
        coalesce(sum(${COUNTS.count}) filter (where ${COUNTS.grain} = 3), 0) as days,
        coalesce(sum(${COUNTS.count}) filter (where ${COUNTS.grain} = 2), 0) as quarters
      from event_counts where ${COUNTS.workspace_id} = $1 group by 1, 2) s
    where days <> quarters limit 5`,
  // Open deliveries lie between the settled position and the scanned one.
  'consumers keep their place': sqlText`
    select format('%s: settled %s, scanned %s, head %s', ${consumer.name}, ${consumer.settled}, ${consumer.scanned}, ${HEAD}) as detail
    from consumers consumer where ${consumer.workspace_id} = $1
      and (${consumer.settled} > ${consumer.scanned} or ${consumer.scanned} > ${HEAD})
    union all
    select format('%s: open at %s, settled %s, scanned %s', ${consumer.name}, ${open.position}, ${consumer.settled}, ${consumer.scanned})
    from deliveries open left join consumers consumer
      on ${consumer.workspace_id} = ${open.workspace_id} and ${consumer.id} = ${open.consumer_id}
    where ${open.workspace_id} = $1 and (${consumer.id} is null
      or ${open.parked_at} is null and (${open.position} <= ${consumer.settled} or ${open.position} > ${consumer.scanned}))
    limit 5`,
  'definitions count their events': sqlText`
    select format('%s: %s counted, %s in quarter hours', ${d.name}, ${d.event_count}, ${q.count}) as detail
    from event_definitions d cross join lateral (
      select coalesce(sum(${COUNTS.count}), 0) as ${COUNTS.count} from event_counts c
      where ${c.workspace_id} = $1 and ${c.grain} = 2 and ${c.definition_id} = ${d.id}) q
    where ${d.workspace_id} = $1 and ${d.event_count} <> ${q.count} limit 5`,
};
