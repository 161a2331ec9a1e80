import { expect, test } from 'vitest';
import type { AggregateQuery } from '../../../src/core/aggregate.ts';
import type { EventFilter } from '../../../src/core/filter.ts';
import { conditionsOf } from '../../../src/core/meter-filter.ts';
import { findMeter, meterFor } from '../../../src/core/meter-plan.ts';
import { checkMeter, type Meter, type NewMeter } from '../../../src/core/meter.ts';

const QUERY: AggregateQuery = {
  filter: null,
  timeframe: { last: 1_000 },
  granularity: 'DAY',
  timeZone: null,
  groupBy: [],
  measures: [],
  fill: 'NONE',
  orderBy: 'BUCKET',
};

const A_METER: Meter = {
  workspaceId: 1,
  id: 1,
  name: 'a',
  filter: null,
  filterText: null,
  groupBy: [],
  measures: [],
  seriesMax: 10,
  seriesCount: 1,
  isOverflowed: false,
  isCut: false,
  setAside: [],
  folded: 0,
  target: 0,
  isActive: true,
  fault: null,
  failedAt: null,
  createdAt: new Date(0),
};

const of = (path: string, name: 'SUM' | 'AVG' | 'P50' | 'P99' | 'UNIQUE' = 'SUM') => ({
  function: name,
  payloadPath: [path],
  dimension: null,
});

function answers(query: Partial<AggregateQuery>, meter: Partial<Meter>): boolean {
  return findMeter({ ...QUERY, ...query }, [{ ...A_METER, ...meter }]) !== null;
}

const textOf = (filter: EventFilter) => [...(conditionsOf(filter)?.all.keys() ?? [])].sort();

test.each<[EventFilter, EventFilter]>([
  [
    { types: ['a', 'b'], sources: ['x'] },
    { and: [{ sources: ['x'] }, { types: ['b', 'a', 'a'] }] },
  ],
  [
    { payload: [{ path: ['a'], exists: true, equals: 1 }] },
    {
      payload: [
        { path: ['a'], equals: 1 },
        { path: ['a'], exists: true },
      ],
    },
  ],
  [
    { or: [{ types: ['a'] }, { actors: ['b', 'c'] }] },
    { or: [{ actors: ['c', 'b'] }, { and: [{ types: ['a'] }] }] },
  ],
  [
    { not: { types: ['a'], sources: ['b'] } },
    { not: { and: [{ sources: ['b'] }, { types: ['a'] }] } },
  ],
  [{ search: 'one two' }, { search: 'two  ONE' }],
  [{ types: null, and: [] }, {}],
])('%j and %j say the same', (one, other) => {
  expect(textOf(one)).toEqual(textOf(other));
});

test.each<[EventFilter, EventFilter]>([
  [{ types: ['a'] }, { types: ['a', 'b'] }],
  [{ types: [] }, {}],
  [{ or: [] }, {}],
  [{ search: ' ' }, {}],
  [{ payload: [{ path: ['a'], equals: null }] }, { payload: [{ path: ['a'], exists: true }] }],
  [{ payload: [{ path: ['a'], equals: 1 }] }, { payload: [{ path: ['a'], equals: '1' }] }],
  [{ not: { types: ['a'] } }, { types: ['a'] }],
])('%j and %j say different things', (one, other) => {
  expect(textOf(one)).not.toEqual(textOf(other));
});

test('time is taken out of a filter, and no meter answers where it stands within or and not', () => {
  const from = new Date(5);
  const filter = {
    and: [{ occurredAt: { from } }, { types: ['a'] }],
    occurredAt: { to: new Date(9) },
  };
  expect(conditionsOf(filter)).toMatchObject({ range: { from: 5, to: 9 } });
  expect(textOf(filter)).toEqual(textOf({ types: ['a'] }));
  expect(conditionsOf({ not: { or: [{ occurredAt: { from } }] } })).toBeNull();
  expect(answers({ filter: { or: [{ occurredAt: { from } }] } }, {})).toBe(false);
});

test('a meter answers its own question, with its groups or fewer', () => {
  const groupBy = [{ dimension: 'ACTOR' as const }, { payloadPath: ['a', 'b'] }];
  expect(answers({ groupBy }, { groupBy })).toBe(true);
  expect(answers({ groupBy: groupBy.slice(1) }, { groupBy })).toBe(true);
  expect(answers({}, { groupBy })).toBe(true);
  expect(answers({ groupBy: [{ dimension: 'SOURCE' }] }, { groupBy })).toBe(false);
  expect(answers({ groupBy: [{ payloadPath: ['a'] }] }, { groupBy })).toBe(false);
  expect(
    answers({ groupBy: [{ dimension: 'CATEGORY' }] }, { groupBy: [{ dimension: 'TYPE' }] }),
  ).toBe(true);
});

test('a filter on what a meter groups by is answered, and any other is not', () => {
  const filter = { sources: ['x'] };
  const groupBy = [{ dimension: 'ACTOR' as const }, { payloadPath: ['at'] }];
  const ask = (more: EventFilter) =>
    answers({ filter: { and: [filter, more] } }, { filter, groupBy });
  expect(ask({ actors: ['a'] })).toBe(true);
  expect(ask({ not: { or: [{ actors: ['a'] }] } })).toBe(true);
  expect(ask({ payload: [{ path: ['at'], in: ['x', '1', 1, 'true', true] }] })).toBe(true);
  // The group "1" has the text and the number.
  expect(ask({ payload: [{ path: ['at'], in: ['1'] }] })).toBe(false);
  expect(ask({ payload: [{ path: ['at'], in: [1] }] })).toBe(false);
  expect(ask({ payload: [{ path: ['at'], equals: 'x' }] })).toBe(false);
  expect(ask({ payload: [{ path: ['other'], in: ['x'] }] })).toBe(false);
  expect(ask({ subjects: ['a'] })).toBe(false);
  expect(ask({ or: [{ actors: ['a'] }, { subjects: ['a'] }] })).toBe(false);
  expect(answers({}, { filter, groupBy })).toBe(false);
});

test('measures of the same numbers answer each other; sketches only who takes them', () => {
  const measures = [of('n'), of('n', 'P99')];
  expect(answers({ measures: [of('n', 'AVG')] }, { measures })).toBe(true);
  expect(answers({ measures: [of('m')] }, { measures })).toBe(false);
  expect(answers({ measures: [of('n', 'P50')] }, { measures })).toBe(false);
  expect(answers({ measures: [of('n', 'P50')], approximate: true }, { measures })).toBe(true);
  expect(answers({ measures: [of('n', 'UNIQUE')], approximate: true }, { measures })).toBe(false);
  expect(answers({ measures: [of('n', 'AVG')] }, { measures, setAside: [1] })).toBe(false);
  expect(answers({ measures: [] }, { measures, setAside: [1] })).toBe(true);
});

test('one that is filled, of minutes or vague answers nothing; the one with the fewest groups does', () => {
  expect(answers({}, { isActive: false })).toBe(false);
  const groupBy = [{ dimension: 'ACTOR' as const }];
  for (const vague of [{ isOverflowed: true }, { isCut: true }]) {
    expect(answers({ groupBy }, { groupBy, ...vague })).toBe(false);
    expect(answers({ groupBy, approximate: true }, { groupBy, ...vague })).toBe(true);
    expect(answers({}, { groupBy, ...vague })).toBe(true);
  }
  const many = { ...A_METER, id: 2, groupBy, seriesCount: 900 };
  const few = { ...A_METER, id: 3, groupBy, seriesCount: 9 };
  expect(findMeter({ ...QUERY, groupBy }, [many, few])?.meter.id).toBe(3);
});

test('the meter that would answer a question does answer it', () => {
  const questions: Partial<AggregateQuery>[] = [
    {},
    { groupBy: [{ dimension: 'ACTOR' }, { payloadPath: ['order', 'currency'] }] },
    {
      filter: {
        and: [
          { types: ['a'] },
          { payload: [{ path: ['a'], equals: 1 }] },
          { not: { actors: ['x'] } },
        ],
      },
    },
    { filter: { and: [{ types: ['a'] }, { types: ['b', 'a'] }] } },
    { filter: { sources: ['x'], occurredAt: { from: new Date(5) } } },
    {
      measures: [
        of('n'),
        of('n', 'P99'),
        { function: 'COUNT', payloadPath: null, dimension: null },
      ],
    },
  ];
  for (const question of questions) {
    const meter = meterFor({ ...QUERY, ...question });
    expect(meter).not.toBeNull();
    expect(answers({ ...question, approximate: true }, meter as NewMeter)).toBe(true);
  }
  expect(meterFor({ ...QUERY, granularity: 'MINUTE' })).toBeNull();
  expect(meterFor({ ...QUERY, filter: { categories: ['a'] } })).toBeNull();
  const four = (['ACTOR', 'SOURCE', 'SUBJECT', 'TYPE'] as const).map(dimension => ({ dimension }));
  expect(meterFor({ ...QUERY, groupBy: four })).toBeNull();
});

test.each<[Partial<NewMeter>, string]>([
  [{ name: '' }, 'name'],
  [{ name: 'a\0' }, 'name'],
  [{ seriesMax: 0 }, 'seriesMax'],
  [{ seriesMax: 1e9 }, 'seriesMax'],
  [
    { filter: { or: [{ occurredAt: { from: new Date(1) } }] } },
    'filter.or[0] expects no occurredAt',
  ],
  [{ filter: { not: { categories: ['a'] } } }, 'filter.not expects no categories'],
  [{ filter: { eventIds: ['a'] } }, 'filter expects no eventIds'],
  [
    { filter: { sources: Array.from({ length: 900 }, (_, i) => `source number ${i}`) } },
    'bytes of JSON',
  ],
  [{ groupBy: Array.from({ length: 4 }, () => ({ dimension: 'TYPE' as const })) }, 'groupBy'],
  [{ measures: [{ function: 'UNIQUE', payloadPath: null, dimension: 'CATEGORY' }] }, 'measures[0]'],
  [{ measures: Array.from({ length: 11 }, (_, i) => of(`n${i}`)) }, 'measures'],
])('a meter of %j is refused by name', (part, name) => {
  const meter = { name: 'm', filter: null, groupBy: [], measures: [], seriesMax: 5, ...part };
  expect(() => checkMeter(meter)).toThrow(
    expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringContaining(name) }),
  );
});
