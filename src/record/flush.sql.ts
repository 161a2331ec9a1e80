/**
 * The flush: one statement that gives many callers' events their positions and stores them.
 *
 * $1 the events as a JSON array, in the order in which positions are given; $2, $3 and
 * $4 the workspaces and ids of the definitions they were validated by, and at which revision; $5
 * and $6 the keys that record them, and by which scope. One row an event: `status` 0 stored
 * now, 1 known with the same content, 2 known with other content. An event without a row was
 * left out: its atomic group (`g`) holds a conflict, or its workspace is gone.
 *
 * The lock is `pg_advisory_xact_lock` in id order, and the newest position the last row of an
 * append-only table. The other exact form, `for no key update` on a row per workspace that each
 * flush updates, was measured beside it (Postgres 15, durable, 24 partitions, two connections;
 * both without counters, which `fold.ts` says more of):
 *
 *                                        advisory, appended       locked row
 *   batches of 1,000, events/s           33,000 to 44,000         41,000 to 42,000
 *   single events, one workspace, /s      1,690 to 1,800           1,660 to 1,780
 *   the same, a snapshot open for 30 s    1,725 → 1,932            1,518 → 1,001, and falling
 *
 * While a snapshot stays open (a pg_dump), each flush leaves a dead version of the row that the
 * next one must walk past; an appended row is found by one descent of the index.
 *
 * An id must not stand twice in one call. 23505 on event_keys means that one is known: nothing is
 * stored, run `FLUSH_SQL` (again, where another process was first).
 *
 * `FLUSH_NEW_SQL` does not look for known events, which nearly always there are none of. The
 * look-up takes a third of a flush's CPU time in Postgres, for one event as for 1,000.
 */
export const FLUSH_SQL = flushSql({
  known: `
known as materialized (
  select i.ord, i.atomic_group, k.position, k.recorded_at, k.hash = i.hash as same
  from input i cross join lateral (
    select k.position, k.recorded_at, k.hash from event_keys k
    where k.workspace_id = i.workspace_id and k.key = i.key limit 1
  ) k
),`,
  isFresh: `
  where i.ord not in (select ord from known)
    and (i.atomic_group is null
      or i.atomic_group not in (select atomic_group from known where not same and atomic_group is not null))`,
  andKnown: `
union all
select ord::int, case when same then 1 else 2 end, position, recorded_at from known`,
});

export const FLUSH_NEW_SQL = flushSql({ known: '', isFresh: '', andKnown: '' });

function flushSql(parts: { known: string; isFresh: string; andKnown: string }): string {
  return `
with input as materialized (
  select * from rows from (json_to_recordset($1::text::json) as (
    w int, k uuid, h uuid, g int, d int, dr smallint, o timestamptz, e timestamptz,
    n boolean, s boolean, i text, sr text, su text, ac text, de text, ic text, ip text,
    pa text, gr text, p jsonb, t jsonb, x jsonb
  )) with ordinality as event (
    workspace_id, key, hash, atomic_group, definition_id, door, occurred_at, expires_at,
    notify, success, event_id, source, subject, actor, description, icon, client_ip,
    parent_id, group_id, payload, property_types, wire, ord)
),${parts.known}
fresh as materialized (
  select i.*, row_number() over (partition by i.workspace_id order by i.ord) as place
  from input i${parts.isFresh}
),
counted as (
  select workspace_id, count(*) as n from fresh group by workspace_id
),
taken as materialized (
  select t.workspace_id, t.head, t.recorded_at
  from (select array_agg(workspace_id order by workspace_id) as ids from counted) c
  cross join lateral take_workspaces_for(
    c.ids, $2::text::int[], $3::text::int[], $4::text::int[], $5::text::int[],
    $6::text::text[]) t
  where c.ids is not null
),
placed as materialized (
  select f.*, t.head + f.place as position, t.recorded_at
  from fresh f join taken t using (workspace_id)
),
headed as (
  insert into workspace_heads (workspace_id, head, recorded_at)
  select workspace_id, t.head + c.n, t.recorded_at from taken t join counted c using (workspace_id)
),
stored as (
  insert into events (
    workspace_id, position, recorded_at, occurred_at, expires_at, definition_id, door, notify,
    success, event_id, source, subject, actor, description, icon, client_ip, parent_id,
    group_id, payload, property_types, wire)
  select workspace_id, position, recorded_at, occurred_at, expires_at, definition_id, door, notify,
    success, event_id, source, subject, actor, description, icon, client_ip, parent_id,
    group_id, payload, property_types, wire
  from placed order by workspace_id, position
),
keyed as (
  insert into event_keys (workspace_id, key, position, recorded_at, hash)
  select workspace_id, key, position, recorded_at, hash from placed order by workspace_id, key
)
select ord::int as ord, 0 as status, position, recorded_at from placed${parts.andKnown}`;
}
