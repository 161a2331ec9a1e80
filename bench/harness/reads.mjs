/** The questions that are asked of a log, and how long their answers take. */
import { eventCursors } from '../../dist/core/cursor.js';
import { load, post } from './http.mjs';
import { percentile } from './rounds.mjs';

const FIELDS = 'eventId type occurredAt recordedAt subject actor payload';

/** A page of 100 events with 7 fields. */
export const PAGE = `query ($after: String, $filter: EventFilter) {
  events(first: 100, after: $after, filter: $filter) { nodes { ${FIELDS} } } }`;
export const BY_ID = `query ($id: String!) { event(eventId: $id) { ${FIELDS} } }`;
export const BY_DAY = `query ($from: DateTime!, $to: DateTime!, $zone: TimeZone) {
  eventAggregates(first: 1000, input: {
    timeframe: { between: { from: $from, to: $to } }, granularity: DAY, timeZone: $zone,
    groupBy: [{ dimension: TYPE }] }) { nodes { count } source } }`;

const isAnswer = answer => answer.includes('"data"') && !answer.includes('"errors"');

/** Milliseconds of one question asked again and again, each time with other variables: the median. */
export async function timeOf(port, query, variablesOf, times = 40) {
  // The first ones plan, compile and fill caches.
  const warmUps = 10;
  let left = times + warmUps;
  const next = () =>
    left-- > 0 ? post('/graphql', { query, variables: variablesOf() }) : undefined;
  const measured = await load(port, { connections: 1, next, isOk: isAnswer });
  return percentile(measured.times.slice(warmUps), 0.5);
}

/** Answers a second over so many connections, with each of several variables in turn. */
export async function rateOf(port, { query, variables = [{}], seconds, connections = 16 }) {
  const requests = variables.map(each => post('/graphql', { query, variables: each }));
  let at = 0;
  const { perSecond } = await load(port, {
    ...{ connections, seconds, isOk: isAnswer },
    next: () => requests[at++ % requests.length],
  });
  return perSecond;
}

const DEFAULT_WORKSPACE = `(select id from workspaces where slug = 'default')`;

/** A cursor so many events behind the head of the default workspace. */
export async function cursorAt({ db }, depth) {
  const [row] = await db.read.query(
    `select e.workspace_id, e.position, e.recorded_at, i.epoch from events e, installation i
     where e.workspace_id = ${DEFAULT_WORKSPACE} and e.position = (
       select max(head) from workspace_heads where workspace_id = ${DEFAULT_WORKSPACE}) - $1::int`,
    [depth],
  );
  if (row === undefined) throw new Error(`the log has fewer than ${depth} events`);
  const place = { position: row.position, recordedAt: row.recorded_at };
  return eventCursors(row.epoch, row.workspace_id).encodePosition(place);
}

/** Ids of so many events of the default workspace, from anywhere in its log. */
export async function someIds({ db }, count) {
  const rows = await db.read.query(
    `select e.event_id from events e where e.workspace_id = ${DEFAULT_WORKSPACE}
       and e.position in (
         select 1 + floor(random() * (select max(head) - 1 from workspace_heads
           where workspace_id = ${DEFAULT_WORKSPACE}))::bigint from generate_series(1, $1::int))`,
    [count],
  );
  return rows.map(row => row.event_id);
}
