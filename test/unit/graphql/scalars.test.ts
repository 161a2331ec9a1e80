import { graphql, parseValue, type GraphQLError, type GraphQLScalarType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { parseExact } from '../../../src/core/exact-json.ts';
import { exactNumber } from '../../../src/core/exact-number.ts';
import { schema } from '../../../src/graphql/schema.ts';

const scalar = (name: string) => schema.getType(name) as GraphQLScalarType;

/** What a scalar makes of a value and of the same as a literal, or the code of its refusal. */
function read(name: string, value: unknown): unknown {
  return outcome(() => scalar(name).parseValue(value));
}
function readLiteral(name: string, literal: string, variables?: Record<string, unknown>): unknown {
  return outcome(() => scalar(name).parseLiteral(parseValue(literal), variables));
}
function outcome(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    return (error as GraphQLError).extensions['code'];
  }
}

describe('DateTime', () => {
  test.each([
    ['2026-02-28T23:59:59Z', '2026-02-28T23:59:59.000Z'],
    ['2026-02-28t23:59:59z', '2026-02-28T23:59:59.000Z'],
    ['2024-02-29T00:00:00+00:00', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T12:00:00-00:00', '2000-02-29T12:00:00.000Z'],
    ['2026-01-01T00:30:00+05:45', '2025-12-31T18:45:00.000Z'],
    ['2026-12-31T23:59:59-23:59', '2027-01-01T23:58:59.000Z'],
    ['2026-01-01T00:00:00.1Z', '2026-01-01T00:00:00.100Z'],
    ['2026-01-01T00:00:00.1239999999Z', '2026-01-01T00:00:00.123Z'],
    ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0099-06-01T00:00:00Z', '0099-06-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is read as %s', (text, utc) => {
    expect(scalar('DateTime').serialize(read('DateTime', text))).toBe(utc);
    expect(readLiteral('DateTime', JSON.stringify(text))).toEqual(new Date(utc));
  });

  test.each([
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2016-12-31T23:59:60Z',
    '2026-01-01T00:00:00',
    '2026-01-01',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+99:99',
    '2026-01-01T00:00:00+0100',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '10000-01-01T00:00:00Z',
    '-0001-01-01T00:00:00Z',
    'infinity',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '２026-01-01T00:00:00Z',
    '',
  ])('%j is refused', text => {
    expect(read('DateTime', text)).toBe('BAD_USER_INPUT');
    expect(readLiteral('DateTime', JSON.stringify(text))).toBe('BAD_USER_INPUT');
  });

  test.each([[1_767_225_600], [true], [['2026-01-01T00:00:00Z']], [{}]])('%j is refused', value => {
    expect(read('DateTime', value)).toBe('BAD_USER_INPUT');
    expect(readLiteral('DateTime', JSON.stringify(value))).toBe('BAD_USER_INPUT');
  });
});

describe('TimeZone', () => {
  test.each([
    ['Europe/Vienna', 'Europe/Vienna'],
    ['europe/vienna', 'Europe/Vienna'],
    ['UTC', 'UTC'],
    ['utc', 'UTC'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ])('%s is kept as %s', (text, name) => {
    const kept = String(read('TimeZone', text));
    expect(kept.toLowerCase()).toBe(name.toLowerCase());
    expect(readLiteral('TimeZone', JSON.stringify(text))).toBe(kept);
  });

  test.each(['Mars/Olympus', '+02:00', '', 'Europe/Vienna\0', '../etc/passwd', 7])(
    '%j is refused',
    value => expect(read('TimeZone', value)).toBe('BAD_USER_INPUT'),
  );
});

describe('Duration', () => {
  test.each([
    ['PT15M', 900_000],
    ['P30D', 2_592_000_000],
    ['P1DT2H3M4.5S', 93_784_500],
    ['P2W', 1_209_600_000],
    ['PT0,001S', 1],
    ['PT0S', 0],
    ['P36525D', 3_155_760_000_000],
  ])('%s is %d ms', (text, ms) => expect(read('Duration', text)).toBe(ms));

  test.each(['P', 'PT', 'P1DT', 'P1Y', 'P1M', '15M', '-PT1M', 'P36525DT1S', 'pt1m', 900])(
    '%j is refused',
    value => expect(read('Duration', value)).toBe('BAD_USER_INPUT'),
  );
});

describe('JSON and JSONObject', () => {
  test.each([
    [
      '{a: 1, b: [true, null, "x"], c: {d: -1.5e3}}',
      { a: 1, b: [true, null, 'x'], c: { d: -1500 } },
    ],
    ['{}', {}],
  ])('the literal %s is that value', (literal, value) => {
    expect(readLiteral('JSONObject', literal)).toEqual(value);
    expect(readLiteral('JSON', literal)).toEqual(value);
  });

  test('a literal may hold variables; a field whose variable is not given is left out', () => {
    const value = readLiteral('JSONObject', '{a: $a, b: [$b], c: $c}', { a: 1, b: 'x' });
    expect(value).toEqual({ a: 1, b: ['x'] });
  });

  test('__proto__ is a key like any other', () => {
    const value = readLiteral('JSONObject', '{__proto__: {polluted: true}}') as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each(['[1]', '"text"', '1', 'null', 'true'])('%s is JSON but no JSONObject', literal => {
    expect(readLiteral('JSONObject', literal)).toBe('BAD_USER_INPUT');
    expect(readLiteral('JSON', literal)).toEqual(JSON.parse(literal));
    expect(read('JSONObject', JSON.parse(literal))).toBe('BAD_USER_INPUT');
  });

  test('a name without quotes, which is no JSON, is refused', () => {
    expect(readLiteral('JSON', '{a: RED}')).toBe('BAD_USER_INPUT');
  });

  test.each(['9007199254740993', '-0.1234567890123456789', '12345678901234567890e-9'])(
    'the literal %s keeps every digit',
    literal => {
      expect(readLiteral('JSON', literal)).toEqual(exactNumber(literal));
      expect(readLiteral('JSONObject', `{n: [${literal}]}`)).toEqual({ n: [exactNumber(literal)] });
    },
  );

  test('a long number is no object', () => {
    expect(read('JSONObject', exactNumber('9007199254740993'))).toBe('BAD_USER_INPUT');
  });
});

describe('Float', () => {
  test('is the nearest double, however many digits come', () => {
    expect(read('Float', exactNumber('0.1234567890123456789'))).toBe(0.12345678901234568);
    expect(readLiteral('Float', '0.1234567890123456789')).toBe(0.12345678901234568);
    expect([read('Float', 1), readLiteral('Float', '1')]).toEqual([1, 1]);
  });
  test.each(['1e400', '-1e400', '"1"', 'null', 'true', '[1]'])('%s is refused', literal => {
    expect(readLiteral('Float', literal)).toBe('BAD_USER_INPUT');
    expect(read('Float', parseExact(literal))).toBe('BAD_USER_INPUT');
  });
});

describe('SafeInt', () => {
  test.each([0, -1, 9_007_199_254_740_991])('%d is read', value => {
    expect(read('SafeInt', value)).toBe(value);
    expect(readLiteral('SafeInt', String(value))).toBe(value);
  });
  test.each([2 ** 53, 0.5, '1', null, true])('%j is refused', value => {
    expect(read('SafeInt', value)).toBe('BAD_USER_INPUT');
  });
});

describe('a refused value', () => {
  const query =
    'query ($t: DateTime!) { events(filter: { occurredAt: { from: $t } }) { nodes { id } } }';

  test('says what was expected and what came, without a long value', async () => {
    expect(() => scalar('DateTime').parseValue('x'.repeat(10_000))).toThrow(
      /^DateTime expects an RFC 3339 instant.{1,150}, but got "x{39}….$/s,
    );
  });

  test('carries BAD_USER_INPUT as a variable and as a literal', async () => {
    const byVariable = await graphql({ schema, source: query, variableValues: { t: 'soon' } });
    expect(byVariable.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT' });
    const source = query.replace('($t: DateTime!)', '').replace('$t', '"soon"');
    const byLiteral = await graphql({ schema, source });
    expect(byLiteral.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT' });
    expect(byLiteral.errors?.[0]?.locations).toHaveLength(1);
  });
});
