/** A page of 100 events with 7 fields, beside PostGraphile 5 and the same page of a like table. */
import { RECORD_MANY, someEvents } from '../harness/events.mjs';
import { graphql } from '../harness/http.mjs';
import { fillLikeTable, likeTable } from '../harness/like-table.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway, startPeer } from '../harness/processes.mjs';
import { PAGE, rateOf } from '../harness/reads.mjs';
import { alternate, median } from '../harness/rounds.mjs';
import { settle } from '../harness/settle.mjs';

export const about = 'pages of 100 events over 16 connections, beside PostGraphile';

const PEER_PAGE = `{ allEvents(first: 100, orderBy: POSITION_DESC) {
  nodes { eventId type occurredAt recordedAt subject actor payload } } }`;

export async function run({ rounds, seconds = 3, events = 20_000 }) {
  const pg = await startPostgres();
  const gateway = await startGateway({ databaseUrl: pg.url });
  for (let left = events; left > 0; left -= 1_000) {
    await graphql(gateway.port, RECORD_MANY, { events: someEvents(1_000) });
  }
  await settle(pg);
  await likeTable(pg.db);
  await fillLikeTable(pg.db);
  await pg.db.upkeep.query('analyze');
  const postgraphile = await startPeer('postgraphile', pg.url);
  const results = await alternate(rounds, {
    gateway: () => rateOf(gateway.port, { query: PAGE, seconds }),
    PostGraphile: () => rateOf(postgraphile.port, { query: PEER_PAGE, seconds }),
  });
  for (const { stop } of [gateway, postgraphile, pg]) await stop();
  const [value, peer] = Object.values(results).map(median);
  const measured = { what: 'page of 100, 7 fields', value, unit: '/s', samples: results };
  return [{ ...measured, beside: 'PostGraphile', peer, reach: '≥ 2' }];
}
