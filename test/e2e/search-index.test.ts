/** The index of searches, turned on and off through GraphQL. */
import { expect, test } from 'vitest';
import { startTestGateway } from '../kit/gateway.ts';

interface Answer {
  readonly events: { readonly totalCount: number; readonly nodes: { readonly eventId: string }[] };
  readonly eventAggregates: { readonly nodes: { readonly count: number }[] };
}

const ASK = `query($workspace: String!, $filter: EventFilter!) {
  events(workspace: $workspace, first: 100, filter: $filter) { totalCount nodes { eventId } }
  eventAggregates(workspace: $workspace, input: { timeframe: { last: "P1D" }, filter: $filter }) {
    nodes { count }
  }
}`;
const FILTERS = [{ search: 'needle' }, { sources: ['shop'] }];
/** It ends with a whole block, so the index reaches it. */
const HEAD = 47;

test('an index that is turned on and off changes no answer, and answers while it is on', async () => {
  await using gateway = await startTestGateway();
  const { slug: workspace, key } = await gateway.workspace();
  const events = Array.from({ length: HEAD }, (_, at) => ({
    ...{ id: `e${at}`, type: 'said', source: at % 9 === 0 ? 'shop' : 'app' },
    payload: { text: at % 7 === 0 ? 'a needle' : 'hay' },
  }));
  await gateway.data(
    `mutation($workspace: String!, $events: [EventInput!]!) {
      recordEvents(input: { workspace: $workspace, events: $events }) { recordedCount }
    }`,
    { workspace, events },
    key,
  );
  const ask = () =>
    Promise.all(
      FILTERS.map(async filter => {
        const answer = await gateway.data<Answer>(ASK, { workspace, filter }, key);
        const { totalCount, nodes } = answer.events;
        const counts = answer.eventAggregates.nodes.map(({ count }) => count);
        return { ids: nodes.map(({ eventId }) => eventId), totalCount, counts };
      }),
    );
  const turn = (searchIndex: boolean) =>
    gateway.data(
      `mutation($slug: String!, $searchIndex: Boolean!) {
        updateWorkspace(input: { slug: $slug, searchIndex: $searchIndex }) { workspace { searchIndex } }
      }`,
      { slug: workspace, searchIndex },
    );
  const place = async () => {
    const found = await gateway.data<{ workspace: object }>(
      `query($slug: String!) { workspace(slug: $slug) { searchIndexPosition headPosition } }`,
      { slug: workspace },
      key,
    );
    return found.workspace;
  };

  const scanned = await ask();
  expect(scanned.map(({ ids }) => ids.length)).toEqual([7, 6]);
  expect(scanned.map(({ totalCount, counts }) => [totalCount, counts])).toEqual([
    [7, [7]],
    [6, [6]],
  ]);
  expect(await place()).toEqual({ searchIndexPosition: null, headPosition: HEAD });

  await turn(true);
  await expect
    .poll(place, { timeout: 30_000 })
    .toEqual({ searchIndexPosition: HEAD, headPosition: HEAD });
  expect(await ask()).toEqual(scanned);

  // Only one without terms finds nothing: so it is the index that answers.
  await gateway.db.upkeep.query(`update search_blocks set terms = '{}'`);
  const none = { ids: [], totalCount: 0, counts: [] };
  expect(await ask()).toEqual([none, none]);

  await turn(false);
  expect(await ask()).toEqual(scanned);
  expect(await place()).toEqual({ searchIndexPosition: null, headPosition: HEAD });
});
