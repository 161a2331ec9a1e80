import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMark } from '../../../src/rollup/fold-mark.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

let gateway: TestGateway;
let slug: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  ({ slug } = await gateway.workspace());
});
afterAll(() => gateway[Symbol.asyncDispose]());

const mark = () => readMark(gateway.db.upkeep);

test('the mark stays while nothing happens', async () => {
  expect(await mark()).toEqual(expect.any(String));
  expect(await mark()).toBe(await mark());
});

test.each([
  [
    'events',
    () => `recordEvent(input: { workspace: "${slug}", event: { type: "a" } }) { __typename }`,
  ],
  [
    'a measure',
    () => `defineEvent(input: { workspace: "${slug}", name: "a", measures: ["n"] }) { __typename }`,
  ],
  [
    'a time zone',
    () => `updateWorkspace(input: { slug: "${slug}", timeZone: "Asia/Tokyo" }) { __typename }`,
  ],
  ['evidence', () => `updateWorkspace(input: { slug: "${slug}", evidence: true }) { __typename }`],
  [
    'a meter',
    () =>
      `createMeter(input: { workspace: "${slug}", name: "m", groupBy: [{ dimension: ACTOR }] }) { __typename }`,
  ],
  [
    'the end of a meter',
    () => `deleteMeter(input: { workspace: "${slug}", meter: "m" }) { __typename }`,
  ],
])('the mark changes with %s, whatever the fold does meanwhile', async (_, field) => {
  const before = await mark();
  await gateway.data(`mutation { ${field()} }`);
  expect(await mark()).not.toBe(before);
});

test('there is no mark while something that failed is to be tried again', async () => {
  await gateway.db.upkeep.query(
    `insert into upkeep_faults (workspace_id, step, message, retry_at)
     select id, 'FOLD', 'broken', now() from workspaces where slug = $1`,
    [slug],
  );
  expect(await mark()).toBeNull();
  await gateway.db.upkeep.query('delete from upkeep_faults');
  expect(await mark()).not.toBeNull();
});
