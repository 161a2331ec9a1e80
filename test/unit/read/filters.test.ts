import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredEvent } from '../../../src/core/event.ts';
import { checkFilter } from '../../../src/core/filter-check.ts';
import { compileFilter } from '../../../src/core/filter-matches.ts';
import type { EventFilter, PropertyFilter } from '../../../src/core/filter.ts';
import type { Json } from '../../../src/core/json.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { rows } from '../../../src/db/query.ts';
import {
  eventColumns,
  type EventRow,
  eventSource,
  toStoredEvent,
} from '../../../src/db/stored-event.ts';
import { filterSql } from '../../../src/read/filters.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import {
  createPartitions,
  createWorkspace,
  type EventSeed,
  START,
  storeEvents,
} from './event-rows.ts';

let testDatabase: TestDatabase;
let database: Database;
let workspaces = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  await createPartitions(database.upkeep, []);
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

async function store(seeds: readonly EventSeed[]): Promise<{ id: number; events: StoredEvent[] }> {
  const id = await createWorkspace(database.upkeep, `w${++workspaces}`);
  await storeEvents(database.upkeep, id, seeds);
  const found = await rows<EventRow>(
    database.read,
    sql`select ${eventColumns} from ${eventSource} where e.workspace_id = ${id} order by e.position`,
  );
  return { id, events: found.map(toStoredEvent) };
}

async function positionsBySql(workspaceId: number, filter: EventFilter): Promise<number[]> {
  const found = await rows<{ position: number }>(
    database.read,
    sql`select e.position from ${eventSource}
      where e.workspace_id = ${workspaceId} and ${filterSql(filter, workspaceId)} order by e.position`,
  );
  return found.map(row => row.position);
}

function positionsByPredicate(events: readonly StoredEvent[], filter: EventFilter): number[] {
  const matches = compileFilter(filter);
  return events.filter(event => matches(event)).map(event => event.position);
}

/** Small pools, so that filters and events meet often. */
const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'aB c',
  'é',
  'É',
  'ÄÖ',
  'ß',
  'İ',
  'ı',
  'K',
  '%',
  '_',
  'a%b',
  '\\',
  '\\n',
  '"',
  "'",
  'line\nbreak',
  'tab\there',
  '\u0001',
  '\u001f',
  '\u007f',
  '\u0085',
  '\u2028',
  '\uffff',
  '\ue000',
  '😀',
  '𐀀',
  '￿',
  '👩‍👩‍👧',
  'e\u0301',
  '10',
  '9',
  '1.10',
  'true',
  'null',
  '{"a":1}',
  'user.signup',
  'user',
];
const KEYS = [
  'a',
  'b',
  'A',
  'é',
  '😀',
  '0',
  '1',
  '01',
  '-1',
  '+1',
  ' 1',
  '"',
  '\\',
  'n',
  '__proto__',
  'length',
  'x\ny',
];
const NUMBERS = [
  '0',
  '-0',
  '0.0',
  '1',
  '1.0',
  '1.10',
  '1.1',
  '-1',
  '10',
  '9',
  '1e1',
  '1e21',
  '1e-7',
  '0.1',
  '0.30000000000000004',
  '0.3',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '9223372036854775806',
  '123456789012345678901234567890',
  '123456789012345678901234567890.5',
  '1e300',
  '1e400',
  '-1e400',
  '1e-400',
  '0.1000000000000000055511151231257827',
  '0.10000000000000000555111512312578271',
  '4.35',
  '100',
  '100.000000000000000000000000000000001',
  '1234567.8901234567',
  '5e-324',
  '1.7976931348623157e308',
  '2e-324',
];
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }).map(t => t.replaceAll('\0', '')),
  },
);
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: text },
);
const jsNumber = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...NUMBERS)
      .map(Number)
      .filter(Number.isFinite),
  },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
);
const numberText = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 1, arbitrary: jsNumber.map(String) },
  { weight: 1, arbitrary: fc.tuple(fc.bigInt(), fc.nat()).map(([a, b]) => `${a}.${b}`) },
);

const scalarText = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '[]', '{}'),
  numberText,
  text.map(t => JSON.stringify(t)),
);
const { value: valueText } = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 3, arbitrary: scalarText },
    {
      weight: 1,
      arbitrary: fc.array(tie('value'), { maxLength: 3 }).map(v => `[${v.join(', ')}]`),
    },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map(objectText),
    },
  ),
}));
function objectText(members: readonly (readonly [string, string])[]): string {
  const byKey = new Map(members);
  return `{${[...byKey].map(([k, v]) => `${JSON.stringify(k)}: ${v}`).join(',')}}`;
}

const instant = fc
  .integer({ min: 0, max: 5 })
  .map(n => new Date(START.getTime() + n * 1_000 + (n % 2)));
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 3 });

const seed = fc.record({
  type: text.filter(t => t !== ''),
  category: nullable(text),
  eventId: text,
  occurredAt: instant,
  recordedAt: instant,
  door: fc.integer({ min: 1, max: 3 }),
  notify: fc.boolean(),
  success: nullable(fc.boolean()),
  source: nullable(text),
  subject: nullable(text),
  actor: nullable(text),
  description: nullable(text),
  clientIp: nullable(text),
  parentId: nullable(text),
  groupId: nullable(text),
  payload: fc.array(fc.tuple(key, valueText), { maxLength: 5 }).map(objectText),
});

const json: fc.Arbitrary<Json> = valueText.map(t => JSON.parse(t) as Json).filter(isFinite);
function isFinite(value: Json): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isFinite);
}
const comparable = fc.oneof(jsNumber, text);
const OPERATORS = {
  equals: json,
  notEquals: json,
  in: fc.array(json, { maxLength: 3 }),
  greaterThan: comparable,
  greaterThanOrEqual: comparable,
  lessThan: comparable,
  lessThanOrEqual: comparable,
  contains: text,
  startsWith: text,
  exists: fc.boolean(),
};
const operator = fc.oneof(
  ...Object.entries(OPERATORS).map(([name, operand]) =>
    (operand as fc.Arbitrary<unknown>).map(value => ({ [name]: value })),
  ),
);
const property: fc.Arbitrary<PropertyFilter> = fc
  .tuple(fc.array(key, { minLength: 1, maxLength: 3 }), operator, fc.option(operator, { freq: 4 }))
  .map(([path, one, other]) => ({ path, ...one, ...other }) as PropertyFilter);

const range = fc.record({ from: nullable(instant), to: nullable(instant) });
const list = fc.array(text, { maxLength: 3 });
const search = fc
  .array(fc.oneof(text, fc.constantFrom('N', 'u0001', '1.1', '00', ':', '":', 'ULL', 'SIGN')), {
    maxLength: 2,
  })
  .map(words => words.join(' '));
const FIELDS = {
  eventIds: list,
  types: list,
  typePrefix: text,
  categories: list,
  sources: list,
  sourcePrefix: text,
  subjects: list,
  subjectPrefix: text,
  actors: list,
  groupIds: list,
  parentIds: list,
  doors: fc.subarray(['GRAPHQL', 'IMPORT', 'SPEAKEASY'] as const),
  notify: fc.boolean(),
  success: fc.boolean(),
  successUnknown: fc.boolean(),
  clientIps: list,
  occurredAt: range,
  recordedAt: range,
  search,
};
const field = fc.oneof(
  ...Object.entries(FIELDS).map(([name, value]) =>
    (value as fc.Arbitrary<unknown>).map(v => ({ [name]: v }) as EventFilter),
  ),
);
const { filter } = fc.letrec<{ filter: EventFilter }>(tie => ({
  filter: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    { weight: 2, arbitrary: field },
    {
      weight: 4,
      arbitrary: fc.array(property, { minLength: 1, maxLength: 2 }).map(payload => ({ payload })),
    },
    { weight: 1, arbitrary: fc.array(tie('filter'), { maxLength: 3 }).map(and => ({ and })) },
    { weight: 1, arbitrary: fc.array(tie('filter'), { maxLength: 3 }).map(or => ({ or })) },
    { weight: 1, arbitrary: tie('filter').map(not => ({ not })) },
    { weight: 1, arbitrary: fc.tuple(tie('filter'), field).map(([a, b]) => ({ ...a, ...b })) },
  ),
}));

/** An id stands for one event: whoever comes later with it gets another. */
function withOwnIds(seeds: readonly Omit<EventSeed, 'position'>[]): EventSeed[] {
  const ids = new Set<string>();
  return seeds.map(({ eventId = '', ...seed }, index) => {
    const position = index + 1;
    if (eventId === '' || ids.has(eventId)) return { ...seed, position };
    ids.add(eventId);
    return { ...seed, position, eventId };
  });
}

test('SQL and the live predicate agree on every event and filter', async () => {
  let compared = 0;
  let matched = 0;
  const oneBatch = fc.asyncProperty(
    fc.array(seed, { minLength: 10, maxLength: 30 }),
    fc.array(filter, { minLength: 20, maxLength: 20 }),
    async (seeds, filters) => {
      const { id, events } = await store(withOwnIds(seeds));
      for (const each of filters) {
        checkFilter(each);
        const bySql = await positionsBySql(id, each);
        compared += events.length;
        matched += bySql.length;
        expect({ filter: each, positions: positionsByPredicate(events, each) }).toEqual({
          filter: each,
          positions: bySql,
        });
      }
    },
  );
  const runs = Number(process.env['FILTER_RUNS'] ?? 150);
  await fc.assert(oneBatch, { numRuns: runs, endOnFailure: false });
  // Pools are small enough that both answers come up often.
  expect(matched / compared).toBeGreaterThan(0.05);
  expect(matched / compared).toBeLessThan(0.95);
});

test('every pair of numbers and texts compares alike in SQL and the live predicate', async () => {
  const literals = [...NUMBERS, ...TEXTS.map(t => JSON.stringify(t))];
  const { id, events } = await store(
    literals.map((literal, index) => ({ position: index + 1, payload: `{"v": ${literal}}` })),
  );
  const operands = [...NUMBERS.map(Number).filter(Number.isFinite), ...TEXTS];
  const names = [
    'equals',
    'notEquals',
    'greaterThan',
    'greaterThanOrEqual',
    'lessThan',
    'lessThanOrEqual',
  ];
  // One statement for all operands of an operator: a match is a pair.
  for (const name of names) {
    const filters = operands.map((operand): EventFilter => ({
      payload: [{ path: ['v'], [name]: operand }],
    }));
    const selects = filters.map(
      (each, index) =>
        sql`select ${index}::int as operand, e.position from ${eventSource}
          where e.workspace_id = ${id} and ${filterSql(each, id)}`,
    );
    const found = await rows<{ operand: number; position: number }>(
      database.read,
      sql`${sql.join(selects, sql` union all `)} order by 1, 2`,
    );
    const predicted = filters.flatMap((each, operand) =>
      positionsByPredicate(events, each).map(position => ({ operand, position })),
    );
    expect({ name, pairs: predicted }).toEqual({ name, pairs: found });
  }
});

test('null, absent and empty mean what they say', async () => {
  const payloads = [
    '{}',
    '{"v": null}',
    '{"v": 1}',
    '{"v": "1"}',
    '{"v": []}',
    '{"v": [1, null]}',
    '{"v": {"a": 1}}',
  ];
  const { id, events } = await store(
    payloads.map((payload, index) => ({
      position: index + 1,
      payload,
      success: index === 1 ? false : null,
    })),
  );
  const v = (condition: object): EventFilter => ({
    payload: [{ path: ['v'], ...condition }] as PropertyFilter[],
  });
  const expected: [EventFilter, number[]][] = [
    [{}, [1, 2, 3, 4, 5, 6, 7]],
    [{ types: null, payload: null, and: null, or: null, not: null }, [1, 2, 3, 4, 5, 6, 7]],
    [{ and: [] }, [1, 2, 3, 4, 5, 6, 7]],
    [{ search: ' \t' }, [1, 2, 3, 4, 5, 6, 7]],
    [{ or: [] }, []],
    [{ types: [] }, []],
    [{ doors: [] }, []],
    [{ success: false }, [2]],
    [{ not: { success: false } }, [1, 3, 4, 5, 6, 7]],
    [{ not: { success: true } }, [1, 2, 3, 4, 5, 6, 7]],
    [{ not: { not: { sources: ['a'] } } }, []],
    [v({ exists: true }), [2, 3, 4, 5, 6, 7]],
    [v({ exists: false }), [1]],
    [v({ equals: null }), [2]],
    [v({ notEquals: null }), [3, 4, 5, 6, 7]],
    [v({ in: [null, 1] }), [2, 3]],
    [v({ in: [] }), []],
    [v({ equals: [] }), [5]],
    [v({ equals: [1, null] }), [6]],
    [v({ equals: { a: 1 } }), [7]],
    [v({ contains: '' }), [4]],
    [v({ lessThan: 2 }), [3]],
    [{ occurredAt: { from: new Date('2027-01-01'), to: new Date('2026-01-01') } }, []],
    [{ occurredAt: {} }, [1, 2, 3, 4, 5, 6, 7]],
  ];
  for (const [each, positions] of expected) {
    checkFilter(each);
    expect([each, await positionsBySql(id, each)]).toEqual([each, positions]);
    expect([each, positionsByPredicate(events, each)]).toEqual([each, positions]);
  }
});

test('the words of a search are found in the envelope and in texts, keys and numbers of the payload', async () => {
  const { id, events } = await store([
    { position: 1, type: 'user.signup', description: 'A "new" User', source: 'Web' },
    { position: 2, type: 'order', payload: '{"Total": 4711, "lines": [{"sku": "AB\\nC"}]}' },
    {
      position: 3,
      type: 'order',
      actor: 'bob',
      subject: 'İstanbul',
      payload: '{"ok": true, "gone": null}',
    },
  ]);
  const expected: [string, number[]][] = [
    ['USER', [1]],
    ['"NEW" web', [1]],
    ['order', [2, 3]],
    ['order bob', [3]],
    ['total', [2]],
    ['711', [2]],
    ['ab c', [2]],
    ['bnc', []],
    ['nc', []],
    ['true', []],
    ['null', []],
    ['{', []],
    ['webuser', []],
    ['%', []],
    ['istanbul', []],
    ['İSTANBUL', [3]],
  ];
  for (const [search, positions] of expected) {
    expect([search, await positionsBySql(id, { search })]).toEqual([search, positions]);
    expect([search, positionsByPredicate(events, { search })]).toEqual([search, positions]);
  }
});
