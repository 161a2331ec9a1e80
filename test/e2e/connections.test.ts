import { expect, test } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { createTestDatabase } from '../kit/database.ts';
import { startTestGateway } from '../kit/gateway.ts';

const EVERYTHING = `mutation { recordEvents(input: { events: [{ type: "test.step" }] }) {
  receipts { status } } }`;
const READS = [
  '{ events(first: 10) { edges { node { eventId } } } }',
  '{ eventDefinitions(first: 10) { edges { node { name } } } }',
  '{ eventAggregates(input: { timeframe: { last: "PT1H" } }) { count } }',
];

test('a gateway that is busy with everything holds no more connections than are set', async () => {
  await using database = await createTestDatabase();
  await using gateway = await startTestGateway({
    databaseUrl: database.url,
    config: { connectionsMax: 15 },
  });
  const looking = createDatabase({ url: database.url, applicationName: 'looking' });
  // They stay open, so those of the busiest moment are all there.
  const count = async () => {
    const [row] = await looking.probe.query<{ count: number }>(
      `select count(*) from pg_stat_activity
       where datname = current_database() and application_name = 'sluice'`,
    );
    return row!.count;
  };
  const before = await count();
  const asked = Array.from({ length: 60 }, (_, n) => [EVERYTHING, ...READS][n % 4]!);
  const answers = await Promise.all(asked.map(query => gateway.graphql(query)));
  expect(answers.filter(({ data }) => data != null).length).toBeGreaterThan(0);
  const busy = await count();
  await looking.stop();
  expect(busy).toBeLessThanOrEqual(15);
  expect(busy).toBeGreaterThan(before);
});
