/** What stands in the log when a statement fails: all that tells why, and nothing of an event. */
import { buildSchema, graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { factsOfError } from '../../src/observability/error-facts.ts';
import { startChildGateway } from '../kit/child-gateway.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

const CONTENT = 'SECRETPAY';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
});
afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

test('a row that Postgres refuses is told of by SQLSTATE and names, without its content', async () => {
  await using gateway = await startChildGateway(database.url);
  await gateway.graphql(
    `mutation { updateWorkspace(input: { slug: "default", unknownTypes: QUARANTINE }) {
      workspace { id }
    } }`,
  );
  await db.upkeep.query('alter table quarantined_events add constraint never check (false)');
  const told = await gateway.graphql(
    `mutation($event: EventInput!) {
      recordEvent(input: { event: $event }) { receipt { status } }
    }`,
    { event: { type: 'a', source: CONTENT, payload: { note: CONTENT } } },
  );
  expect(told.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  await expect.poll(() => gateway.log()).toContain('"code":"23514"');
  const log = gateway.log();
  expect(log).toContain('violates check constraint');
  expect(log).toContain('"constraint_name":"never"');
  expect(log).toMatch(/"stack":"PostgresError: .*\\n +at /);
  expect(log).not.toContain(CONTENT);
  expect(log).not.toContain('Failing row');
});

describe('an error in the log', () => {
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.unreachable(),
      (error: unknown) => error,
    );
  const written = (error: unknown) => JSON.stringify(factsOfError(error));

  test.each([
    ['uuid', '22P02'],
    ['json', '22P02'],
    ['int', '22P02'],
    ['timestamptz', '22007'],
  ])('has no word of a value that is no %s, and its SQLSTATE %s', async (type, code) => {
    const error = await failure(db.upkeep.query(`select $1::text::${type}`, [`{"${CONTENT}`]));
    expect(error).toMatchObject({ code });
    expect(factsOfError(error)).toMatchObject({
      ...{ type: 'PostgresError', code, routine: expect.any(String) as string },
      stack: expect.stringMatching(/^PostgresError: \(withheld.*\)\n +at /) as string,
    });
    expect(written(error)).not.toContain(CONTENT);
  });

  test('has no word of the row that was there already, but which constraint it is', async () => {
    await db.upkeep.query('create table kept (name text constraint kept_once primary key)');
    const add = () => db.upkeep.query('insert into kept values ($1)', [CONTENT]);
    await add();
    const error = await failure(add());
    expect(factsOfError(error)).toMatchObject({
      ...{ code: '23505', table_name: 'kept', constraint_name: 'kept_once' },
      message: expect.stringContaining('"kept_once"') as string,
    });
    expect(written(error)).not.toContain(CONTENT);
  });

  test('has no word of a text that could not be read, and none of a result', async () => {
    const parse = async () => JSON.parse(CONTENT) as unknown;
    expect(written(await failure(parse()))).not.toContain(CONTENT);
    const { errors } = await graphql({
      ...{ schema: buildSchema('type Query { n: Int }'), source: '{ n }' },
      rootValue: { n: CONTENT },
    });
    expect(errors?.[0]?.message).toContain(CONTENT);
    expect(written(errors?.[0])).not.toContain(CONTENT);
  });

  test('keeps its causes, also those of several', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', port: 5432 });
    const outer = new TypeError('outer', { cause: new AggregateError([refused], 'all failed') });
    expect(factsOfError(outer)).toMatchObject({
      ...{ type: 'TypeError', message: 'outer' },
      cause: {
        ...{ type: 'AggregateError', message: 'all failed' },
        errors: [{ type: 'Error', message: 'connect', code: 'ECONNREFUSED', port: 5432 }],
      },
    });
    const circle: Error = new Error('round');
    circle.cause = circle;
    expect(written(circle)).toContain('round');
  });
});
