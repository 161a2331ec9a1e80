import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  JsonFault,
  WireNumber,
  WireObject,
  type WireJson,
} from '../../../src/doors/logspace/json-reader.ts';
import { parseJson, writeJson } from '../../../src/doors/logspace/json.ts';

/** What `JSON.parse` would make of it. */
function asParsed(value: WireJson): unknown {
  if (value instanceof WireNumber) return Number(value.literal);
  if (value instanceof WireObject) {
    return Object.fromEntries(value.names.map((name, at) => [name, asParsed(value.values[at]!)]));
  }
  return Array.isArray(value) ? value.map(asParsed) : value;
}

function faultOf(text: string): JsonFault {
  try {
    parseJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(JsonFault);
    return error as JsonFault;
  }
  throw new Error(`no fault in ${text}`);
}

const json = () => fc.oneof(fc.json(), fc.json({ noUnicodeString: false } as object));
const spaced = fc
  .tuple(fc.jsonValue(), fc.integer({ min: 0, max: 4 }))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

test('what is JSON reads as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.oneof(json(), spaced), text => {
      expect(asParsed(parseJson(text))).toEqual(JSON.parse(text));
    }),
    { numRuns: 2_000 },
  );
});

test('what is no JSON is refused as JSON.parse refuses it, but for NaN and the infinities', () => {
  const alphabet = [...'{}[]:,"\\ntu0f1-+.eE \t\n', 'true', 'false', 'null', '"a"', '\u0001', 'é'];
  const soup = fc.array(fc.constantFrom(...alphabet), { maxLength: 12 }).map(all => all.join(''));
  const cut = fc
    .tuple(spaced, fc.nat(), fc.constantFrom('', ...alphabet))
    .map(([text, at, put]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + 1);
    });
  fc.assert(
    fc.property(fc.oneof(soup, cut), text => {
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        faultOf(text);
        return;
      }
      expect(asParsed(parseJson(text))).toEqual(expected);
    }),
    { numRuns: 5_000 },
  );
});

test('any text is read or refused with its own error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      try {
        parseJson(text);
      } catch (error) {
        expect(error).toBeInstanceOf(JsonFault);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a text written from what was read is read as the same', () => {
  fc.assert(
    fc.property(json(), text => {
      const value = parseJson(text);
      expect(parseJson(writeJson(value))).toEqual(value);
    }),
  );
});

test('numbers keep every digit, also those that JSON has no form for', () => {
  const literals = '9223372036854775807 -9223372036854775808 1.0E21 NaN Infinity -Infinity 4.70 -0';
  const values = parseJson(`[${literals.replaceAll(' ', ',')}]`) as WireNumber[];
  expect(values.map(({ literal }) => literal).join(' ')).toBe(literals);
});

test('repeated keys are kept in their order', () => {
  const object = parseJson('{"s":"x","t":1,"s":"y"}') as WireObject;
  expect(object.names).toEqual(['s', 't', 's']);
  expect(object.values).toEqual(['x', new WireNumber('1'), 'y']);
});

test.each([
  ['[1,]', 3, 'expected a value, but got "]"'],
  ['{"a":1', 6, 'expected "," or "}", but got the end'],
  ['{a:1}', 1, 'expected a name in quotes, but got "a"'],
  ['[] x', 3, 'expected the end, but got "x"'],
  ['-NaN', 0, 'expected a value, but got "-"'],
  ['"\\x"', 0, 'expected a string without unknown escapes, but got "\\""'],
])('%s is refused at %i with what was expected', (text, offset, message) => {
  const fault = faultOf(text);
  expect([fault.offset, fault.message]).toEqual([offset, message]);
});

test('depth is bounded', () => {
  expect(() => parseJson('['.repeat(64) + ']'.repeat(64))).not.toThrow();
  expect(faultOf('['.repeat(100_000)).message).toContain('at most 64 levels');
});

test('long texts are read in time that grows with their length alone', () => {
  // With the square of it, one of these would take hours.
  const hard = [
    `[${'"\\u0041",'.repeat(500_000)}1]`,
    `{${'"a":1,'.repeat(500_000)}"a":1}`,
    '1'.repeat(4_000_000),
    `"${'a'.repeat(4_000_000)}`,
    ' '.repeat(4_000_000),
  ];
  const readOrRefused = hard.map(text => {
    try {
      return typeof parseJson(text);
    } catch {
      return 'refused';
    }
  });
  expect(readOrRefused).toHaveLength(hard.length);
});
