/**
 * Pages of 100 events with 7 fields, beside PostGraphile 5 and the same pages of a like table: one
 * page that all ask for, which the gateway reads for several of them at once, and one of many each time.
 */
import { RECORD_MANY, someEvents } from '../harness/events.mjs';
import { graphql } from '../harness/http.mjs';
import { fillLikeTable, likeTable } from '../harness/like-table.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway, startPeer } from '../harness/processes.mjs';
import { PAGE, rateOf } from '../harness/reads.mjs';
import { alternate, median } from '../harness/rounds.mjs';
import { settle } from '../harness/settle.mjs';

export const about = 'pages of 100 events over 16 connections, beside PostGraphile';

const PEER_PAGE = `query ($after: Cursor) { allEvents(first: 100, orderBy: POSITION_DESC, after: $after) {
  nodes { eventId type occurredAt recordedAt subject actor payload } } }`;
const END = `query ($after: String) {
  page: events(first: 100, after: $after) { pageInfo { endCursor } } }`;
const PEER_END = `query ($after: Cursor) {
  page: allEvents(first: 100, orderBy: POSITION_DESC, after: $after) { pageInfo { endCursor } } }`;
/** More than there are connections. */
const PAGES = 100;

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
  const ours = await pagesOf(gateway.port, END);
  const theirs = await pagesOf(postgraphile.port, PEER_END);
  const results = await alternate(rounds, {
    gateway: () => rateOf(gateway.port, { query: PAGE, seconds }),
    PostGraphile: () => rateOf(postgraphile.port, { query: PEER_PAGE, seconds }),
    'gateway, all different': () => rateOf(gateway.port, { query: PAGE, variables: ours, seconds }),
    'PostGraphile, all different': () =>
      rateOf(postgraphile.port, { query: PEER_PAGE, variables: theirs, seconds }),
  });
  for (const { stop } of [gateway, postgraphile, pg]) await stop();
  const [same, peerSame, different, peerDifferent] = Object.values(results).map(median);
  const measured = { unit: '/s', samples: results, beside: 'PostGraphile', reach: '≥ 2' };
  return [
    { ...measured, what: 'page of 100, 7 fields', value: same, peer: peerSame },
    { ...measured, what: 'the same, all different', value: different, peer: peerDifferent },
  ];
}

/** Variables for as many pages, one behind the other. */
async function pagesOf(port, query) {
  const pages = [{}];
  while (pages.length < PAGES) {
    const { page } = await graphql(port, query, pages.at(-1));
    pages.push({ after: page.pageInfo.endCursor });
  }
  return pages;
}
