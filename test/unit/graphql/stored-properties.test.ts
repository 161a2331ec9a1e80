import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventProperty } from '../../../src/core/event.ts';
import { prepareEvent } from '../../../src/core/prepare-event.ts';
import { storedProperties } from '../../../src/core/stored-properties.ts';
import { toEventInput, type GraphQLEventInput } from '../../../src/graphql/event-input.ts';

const context = {
  door: 'GRAPHQL',
  now: () => new Date(0),
  newId: () => 'made',
} as const;

/** What is read back of an event's properties after it was prepared for the log. */
function recorded(input: Omit<GraphQLEventInput, 'type'>): EventProperty[] {
  const { event, problems } = prepareEvent(toEventInput({ type: 't', ...input }), context);
  expect(problems).toEqual([]);
  return storedProperties(event!);
}

const inferred = (payload: string) => storedProperties({ payload, propertyTypes: null });

describe('typed properties', () => {
  test('come back as they were recorded: every type, every digit', () => {
    const properties = [
      { boolean: { name: 'b', value: false } },
      { date: { name: 'd', value: new Date('2026-02-28T12:00:00.5Z') } },
      { double: { name: 'whole', value: 5 } },
      { double: { name: 'tenth', value: 0.1 } },
      { float: { name: 'f', value: 1.5 } },
      { integer: { name: 'i', value: -2_147_483_648 } },
      { long: { name: 'l', value: '9223372036854775807' } },
      { long: { name: 'small', value: '7' } },
      { string: { name: 's', value: 'a"b\\c\n☃' } },
    ];
    expect(recorded({ properties })).toEqual([
      { name: 'b', type: 'BOOLEAN', values: ['false'] },
      { name: 'd', type: 'DATE', values: ['2026-02-28T12:00:00.500Z'] },
      { name: 'whole', type: 'DOUBLE', values: ['5'] },
      { name: 'tenth', type: 'DOUBLE', values: ['0.1'] },
      { name: 'f', type: 'FLOAT', values: ['1.5'] },
      { name: 'i', type: 'INTEGER', values: ['-2147483648'] },
      { name: 'l', type: 'LONG', values: ['9223372036854775807'] },
      { name: 'small', type: 'LONG', values: ['7'] },
      { name: 's', type: 'STRING', values: ['a"b\\c\n☃'] },
    ]);
  });

  test('several values under one name become a list, of one type or of several', () => {
    const properties = [
      { long: { name: 'n', value: '1' } },
      { long: { name: 'n', value: '9223372036854775807' } },
      { string: { name: 'mixed', value: 'x' } },
      { integer: { name: 'mixed', value: 1 } },
    ];
    expect(recorded({ properties })).toEqual([
      { name: 'n', type: 'LONG', values: ['1', '9223372036854775807'] },
      { name: 'mixed', type: 'STRING', values: ['x'] },
      { name: 'mixed', type: 'INTEGER', values: ['1'] },
    ]);
  });

  test('stand beside the payload, whose types are inferred', () => {
    const properties = [{ long: { name: 'id', value: '5' } }];
    expect(recorded({ payload: { id2: 5, __proto__x: 'y' }, properties })).toEqual([
      { name: 'id2', type: 'INTEGER', values: ['5'] },
      { name: '__proto__x', type: 'STRING', values: ['y'] },
      { name: 'id', type: 'LONG', values: ['5'] },
    ]);
  });

  test('any long, text, boolean and instant comes back exactly', () => {
    const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(long, fc.string(), fc.boolean(), fc.integer(), (l, s, b, ms) => {
        const date = new Date(ms);
        const text = s.replaceAll('\0', '').toWellFormed();
        const properties = [
          { long: { name: 'l', value: String(l) } },
          { string: { name: 's', value: text } },
          { boolean: { name: 'b', value: b } },
          { date: { name: 'd', value: date } },
        ];
        const values = recorded({ properties }).map(({ values: [value] }) => value);
        expect(values).toEqual([String(l), text, String(b), date.toISOString()]);
      }),
    );
  });
});

describe('a payload without marks', () => {
  test.each([
    ['2147483647', 'INTEGER', ['2147483647']],
    ['2147483648', 'LONG', ['2147483648']],
    ['9223372036854775808', 'DOUBLE', ['9223372036854775808']],
    ['1.10', 'DOUBLE', ['1.10']],
    ['0.12345678901234567890123', 'DOUBLE', ['0.12345678901234567890123']],
    ['1E+2', 'DOUBLE', ['1E+2']],
    ['true', 'BOOLEAN', ['true']],
    [String.raw`"a\"}]\\"`, 'STRING', ['a"}]\\']],
    ['null', 'JSON', ['null']],
    ['{"a" : [1, "x y"]}', 'JSON', ['{"a":[1,"x y"]}']],
    ['[]', 'JSON', ['[]']],
    ['[1, 2]', 'INTEGER', ['1', '2']],
    ['[1, 3000000000]', 'LONG', ['1', '3000000000']],
    ['[3000000000, 1]', 'LONG', ['3000000000', '1']],
    ['[1, 0.5, 3000000000]', 'DOUBLE', ['1', '0.5', '3000000000']],
    ['["a", "b,]"]', 'STRING', ['a', 'b,]']],
    ['[true, false]', 'BOOLEAN', ['true', 'false']],
    ['[1, "a"]', 'JSON', ['[1,"a"]']],
    ['[1, null]', 'JSON', ['[1,null]']],
    ['[[1], [2]]', 'JSON', ['[[1],[2]]']],
    ['[{"a": "]"}]', 'JSON', ['[{"a":"]"}]']],
  ])('%s is inferred as %s', (literal, type, values) => {
    const property = { name: 'p', type, values };
    expect(inferred(`{"p":${literal}}`)).toEqual([property]);
    const beside = inferred(`{ "a": 1 , "p" : ${literal} , "z": "}" }`);
    expect(beside[1]).toEqual(property);
    expect(beside[2]).toEqual({ name: 'z', type: 'STRING', values: ['}'] });
  });

  test('any JSON object gives its keys, and values that read back as what they were', () => {
    const key = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), fc.boolean(), (payload, spaced) => {
        const text = JSON.stringify(payload, null, spaced ? 1 : 0);
        const properties = inferred(text);
        expect(properties.map(({ name }) => name)).toEqual(Object.keys(payload));
        for (const { name, type, values } of properties) {
          if (type === 'JSON') expect(values).toEqual([JSON.stringify(payload[name])]);
          if (type === 'STRING') expect(values).toEqual([payload[name]].flat());
        }
      }),
    );
  });

  test('names choose properties, also such as objects inherit', () => {
    const payload = '{"constructor":1,"__proto__":2,"a":3}';
    const names = (wanted: string[]) =>
      storedProperties({ payload, propertyTypes: {} }, wanted).map(({ name }) => name);
    expect(names(['__proto__', 'constructor', 'missing'])).toEqual(['constructor', '__proto__']);
    expect(names([])).toEqual([]);
    expect(inferred('{}')).toEqual([]);
  });
});
