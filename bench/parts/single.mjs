/**
 * Single-event mutations over 16 connections, beside PostGraphile 5 that inserts into a like table
 * of the same database, and a Yoga server whose mutation does nothing; and the same spread over
 * 1,000 workspaces.
 */
import { anEvent, isRecorded, RECORD_ONE, RECORD_ONE_IN } from '../harness/events.mjs';
import { load, post } from '../harness/http.mjs';
import { likeTable } from '../harness/like-table.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway, startPeer } from '../harness/processes.mjs';
import { alternate, median } from '../harness/rounds.mjs';
import { settle } from '../harness/settle.mjs';

const CONNECTIONS = 16;
const WORKSPACES = 1_000;

export const about =
  'single-event mutations: PostGraphile, an empty Yoga mutation, 1,000 workspaces';

export async function run({ rounds, seconds = 4 }) {
  const pg = await startPostgres();
  await likeTable(pg.db);
  await pg.db.upkeep.query(
    `insert into workspaces (slug, name) select 'w-' || n, 'W' from generate_series(1, $1::int) n`,
    [WORKSPACES],
  );
  const gateway = await startGateway({ databaseUrl: pg.url });
  const postgraphile = await startPeer('postgraphile', pg.url);
  const yoga = await startPeer('yoga');

  async function ours(next) {
    const { perSecond, times } = await load(gateway.port, {
      ...{ connections: CONNECTIONS, seconds, isOk: isRecorded },
      next,
    });
    await settle(pg);
    return { perSecond, times };
  }
  const peer = async (port, next, isOk) =>
    (await load(port, { connections: CONNECTIONS, seconds, next, isOk })).perSecond;
  const one = () => post('/graphql', { query: RECORD_ONE, variables: { event: anEvent() } });
  let at = 0;
  const inMany = () => {
    const workspace = `w-${(at++ % WORKSPACES) + 1}`;
    return post('/graphql', { query: RECORD_ONE_IN, variables: { workspace, event: anEvent() } });
  };
  await discover(gateway.port);
  const times = [];
  const results = await alternate(rounds, {
    gateway: async () => {
      const measured = await ours(one);
      times.push(...measured.times);
      return measured.perSecond;
    },
    'gateway, 1,000 workspaces': async () => (await ours(inMany)).perSecond,
    PostGraphile: () =>
      peer(postgraphile.port, createEvent, answer => answer.includes('"eventId"')),
    'empty Yoga mutation': () => peer(yoga.port, one, isRecorded),
  });
  for (const { stop } of [gateway, postgraphile, yoga, pg]) await stop();
  const [value, many, created, empty] = Object.values(results).map(median);
  const single = { what: 'single events', value, unit: '/s', samples: results };
  const spread = { ...single, what: 'single events, 1,000 workspaces', value: many };
  return [
    { ...single, beside: 'PostGraphile createEvent', peer: created, reach: '≥ 2' },
    { ...single, beside: 'empty Yoga mutation', peer: empty, reach: '≥ 0.8' },
    { ...spread, beside: 'one workspace', peer: value, reach: '≥ 0.8' },
  ];
}

/** Every workspace learns its types before anything is measured. */
async function discover(port) {
  const requests = [];
  for (let n = 1; n <= WORKSPACES; n++) {
    for (let type = 0; type < 20; type++) {
      const variables = { workspace: `w-${n}`, event: { ...anEvent(), type: `area.${type}` } };
      requests.push(post('/graphql', { query: RECORD_ONE_IN, variables }));
    }
  }
  await load(port, { connections: 64, next: () => requests.pop(), isOk: isRecorded });
}

const CREATE_EVENT = `mutation ($input: CreateEventInput!) {
  createEvent(input: $input) { event { eventId } } }`;

function createEvent() {
  const { id, payload, ...event } = anEvent();
  const input = { event: { eventId: id, payload: JSON.stringify(payload), ...event } };
  return post('/graphql', { query: CREATE_EVENT, variables: { input } });
}
