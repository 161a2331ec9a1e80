import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EventInput, StoredEvent } from '../../../src/core/event.ts';
import { prepareEvent } from '../../../src/core/prepare-event.ts';
import { decodeEvent } from '../../../src/doors/logspace/decode.ts';
import { encodeEvent } from '../../../src/doors/logspace/encode.ts';
import { parseInstant } from '../../../src/doors/logspace/instant.ts';
import {
  JsonReader,
  WireNumber,
  WireObject,
  type WireJson,
} from '../../../src/doors/logspace/json-reader.ts';
import { parseJson, writeJson } from '../../../src/doors/logspace/json.ts';

function bodyOf(agent: string): string {
  const raw = readFileSync(`test/fixtures/doors/logspace/${agent}.http`, 'utf8');
  return raw.slice(raw.indexOf('\r\n\r\n') + 4);
}

function decoded(text: string): EventInput {
  const { input, problems } = decodeEvent(new JsonReader(text));
  expect(problems).toEqual([]);
  return input;
}

/** The event as the log would keep it. */
function stored(input: EventInput): StoredEvent {
  const now = () => new Date(0);
  const { event, problems } = prepareEvent(input, { door: 'LOGSPACE', now, newId: () => 'made' });
  expect(problems).toEqual([]);
  const prepared = event!;
  const place = { workspaceId: 1, position: 1, recordedAt: now(), redactedAt: null };
  return {
    ...prepared,
    ...place,
    definitionId: 1,
    category: null,
    wire: JSON.parse(JSON.stringify(prepared.wire)),
  };
}

/** Comparable: numbers by value, members in the order of their names, one name's in their own. */
function canonical(value: WireJson): unknown {
  if (value instanceof WireNumber) {
    return /^-?\d+$/.test(value.literal) ? BigInt(value.literal) : Number(value.literal) + 0;
  }
  if (!(value instanceof WireObject)) {
    return Array.isArray(value) ? value.map(canonical) : value;
  }
  const members = value.names.map((name, at) => [name, canonical(value.values[at]!)] as const);
  return members.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
}

const mapNames = ['boolean', 'date', 'double', 'float', 'integer', 'long', 'string'] as const;
type MapName = (typeof mapNames)[number];

const instant = fc
  .date({
    min: new Date('1000-01-01T00:00:00Z'),
    max: new Date('9998-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  .chain(date => {
    const iso = date.toISOString();
    const [seconds, millis] = [iso.slice(0, 19), iso.slice(20, 23)];
    return fc.constantFrom(iso, `${seconds}Z`, `${seconds}.${millis}456Z`, `${seconds}.5+02:00`);
  });
const text = fc
  .string({ unit: 'grapheme', minLength: 0, maxLength: 12 })
  .map(t => t.replaceAll('\0', ''));
const name = fc.oneof(
  fc.constantFrom('a', 'b', '__proto__', 'constructor', 'x y', 'ä"\\/~', '7'),
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }),
);
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => String(value + 0)),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '1.0E21', '4', '0.10'),
);
const literals: Record<MapName, fc.Arbitrary<string>> = {
  boolean: fc.boolean().map(String),
  date: instant.map(iso => JSON.stringify(iso)),
  double,
  float: double,
  integer: fc.integer().map(String),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  string: text.map(value => JSON.stringify(value)),
};

/** Members of a map as an agent of any version would write them, repeated names included. */
function members(map: MapName): fc.Arbitrary<string> {
  const value = fc.oneof(
    literals[map],
    fc.array(literals[map], { maxLength: 3 }).map(all => `[${all.join(',')}]`),
  );
  const member = fc.tuple(name, value).map(([key, json]) => `${JSON.stringify(key)}:${json}`);
  return fc.array(member, { maxLength: 4 }).map(all => `{${all.join(',')}}`);
}

const wireEvent = fc
  .record(
    {
      id: fc.uuid(),
      type: fc.string({ unit: 'grapheme-ascii', minLength: 1 }).filter(t => t.trim() !== ''),
      system: text,
      'agent-id': fc.string({ unit: 'grapheme-ascii', minLength: 1 }).filter(t => t.trim() !== ''),
      timestamp: instant,
      pid: text,
      gid: text,
      marker: text,
    },
    { requiredKeys: ['id', 'system', 'agent-id', 'timestamp'] },
  )
  .chain(texts =>
    fc
      .record(Object.fromEntries(mapNames.map(map => [map, members(map)])), { requiredKeys: [] })
      .map(maps => {
        const parts = [
          ...Object.entries(texts).map(
            ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
          ),
          ...Object.entries(maps).map(([map, json]) => `"${map}-properties":${json as string}`),
        ];
        return `{${parts.join(',')}}`;
      }),
  );

describe('an event decoded and encoded again', () => {
  test('LS-T-1 is what an agent sent, whatever its version', () => {
    fc.assert(
      fc.property(wireEvent, sent => {
        const came = encodeEvent(stored(decoded(sent)), 'sent');
        expect(canonical(parseJson(came))).toEqual(canonical(parseJson(sent)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('has in the form of 0.3 every value under its name and type, in arrays', () => {
    fc.assert(
      fc.property(wireEvent, sent => {
        const form = encodeEvent(stored(decoded(sent)));
        expect(canonical(parseJson(form))).toEqual(
          canonical(asForm03(parseJson(sent) as WireObject)),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(['agent-0.2.0', 'agent-0.3.2', 'agent-master'])('is what %s sent', agent => {
    const events = parseJson(bodyOf(agent)) as readonly WireObject[];
    for (const event of events) {
      const input = decoded(writeJson(event));
      expect(canonical(parseJson(encodeEvent(stored(input), 'sent')))).toEqual(canonical(event));
    }
  });
});

/** The oracle: one list a name, dates in UTC with milliseconds, non-finite numbers as text. */
function asForm03(event: WireObject): WireObject {
  const form = new WireObject();
  const add = (target: WireObject, key: string, value: WireJson) => {
    target.names.push(key);
    target.values.push(value);
  };
  event.names.forEach((key, at) => {
    const value = event.values[at]!;
    if (key === 'timestamp') add(form, key, parseInstant(value as string)!.toISOString());
    else if (!(value instanceof WireObject)) add(form, key, value);
    else if (value.names.length > 0) {
      const map = new WireObject();
      for (const each of new Set(value.names)) {
        const all = value.names.flatMap(
          (n, i) => (n === each ? value.values[i]! : []) as WireJson[],
        );
        add(
          map,
          each,
          all.map(item => scalar03(key, item)),
        );
      }
      add(form, key, map);
    }
  });
  return form;
}

function scalar03(map: string, item: WireJson): WireJson {
  if (map === 'date-properties') return parseInstant(item as string)!.toISOString();
  if (!(item instanceof WireNumber)) return item;
  return Number.isFinite(Number(item.literal)) ? item : item.literal;
}

const WHOLE = '{"id":"e","system":"s","agent-id":"a","timestamp":"2015-05-18T14:07:00Z"';

test('the envelope takes what has a column', () => {
  const rest =
    ',"type":"t","pid":"p","gid":"g","marker":"m","long-properties":{"l":[9223372036854775807]}}';
  expect(decoded(WHOLE + rest)).toEqual({
    id: 'e',
    type: 't',
    occurredAt: new Date('2015-05-18T14:07:00Z'),
    source: 's',
    subject: 'a',
    parentId: 'p',
    groupId: 'g',
    properties: [{ name: 'l', type: 'LONG', values: ['9223372036854775807'], isList: true }],
    wire: { marker: 'm', timestamp: '2015-05-18T14:07:00Z' },
  });
});

test('an event without a type has the type of its agent, and none when it is read', () => {
  const input = decoded(`${WHOLE}}`);
  expect(input.type).toBe('a');
  expect(encodeEvent(stored(input))).not.toContain('"type"');
});

test.each([
  ['integer-properties', '4.7', '4'],
  ['integer-properties', '-4.7', '-4'],
  ['integer-properties', '1e3', '1000'],
  ['long-properties', '1.5E3', '1500'],
  ['string-properties', '4.70', '4.70'],
  ['string-properties', '9223372036854775808', '9223372036854775808'],
])('%s takes %s as %s', (map, literal, value) => {
  const { properties } = decoded(`${WHOLE},"${map}":{"x":${literal}}}`);
  expect(properties?.[0]?.values).toEqual([value]);
});

test.each([
  ['5', 'EVENT_INVALID', ''],
  ['{"id":"e","system":"s","agent-id":"a"}', 'FIELD_REQUIRED', '/timestamp'],
  [`${WHOLE},"foo~/":1}`, 'FIELD_UNKNOWN', '/foo~0~1'],
  [`${WHOLE},"pid":1}`, 'FIELD_INVALID', '/pid'],
  [`${WHOLE},"id":"f"}`, 'FIELD_REPEATED', '/id'],
  [`${WHOLE},"marker":"\\u0000"}`, 'TEXT_INVALID', '/marker'],
  [`${WHOLE},"float-properties":[]}`, 'FIELD_INVALID', '/float-properties'],
  [`${WHOLE},"string-properties":{"x":true}}`, 'PROPERTY_INVALID', '/string-properties/x'],
  [
    `${WHOLE},"string-properties":{"x":"${'a'.repeat(32_769)}"}}`,
    'PROPERTY_INVALID',
    '/string-properties/x',
  ],
  [
    `${WHOLE},"date-properties":{"x":"2015-02-30T00:00:00Z"}}`,
    'PROPERTY_INVALID',
    '/date-properties/x',
  ],
  [
    `${WHOLE},"boolean-properties":{"x":[true,[true]]}}`,
    'PROPERTY_INVALID',
    '/boolean-properties/x',
  ],
  [`${WHOLE},"double-properties":{"x":"NaN"}}`, 'PROPERTY_INVALID', '/double-properties/x'],
])('%.60s has the problem %s at %s, and is kept as it came', (sent, code, pointer) => {
  const { input, problems } = decodeEvent(new JsonReader(sent));
  expect(problems.map(problem => [problem.code, problem.pointer])).toEqual([[code, pointer]]);
  const { sent: kept } = input.wire as { sent: string };
  expect(canonical(parseJson(kept))).toEqual(canonical(parseJson(sent)));
});

test('an integer beyond 32 bits and a long beyond 64 are the core’s to refuse', () => {
  const sent = `${WHOLE},"integer-properties":{"i":2147483648},"long-properties":{"l":9223372036854775808}}`;
  const context = { door: 'LOGSPACE', now: () => new Date(), newId: () => 'x' } as const;
  const { problems } = prepareEvent(decoded(sent), context);
  expect(problems.map(({ code, pointer }) => [code, pointer])).toEqual([
    ['PROPERTY_INVALID', '/properties/0'],
    ['PROPERTY_INVALID', '/properties/1'],
  ]);
});

test('whatever the element, there is an input and a reason', () => {
  fc.assert(
    fc.property(fc.json(), sent => {
      const { input, problems } = decodeEvent(new JsonReader(sent));
      expect(problems.length).toBeGreaterThan(0);
      expect(typeof input.type).toBe('string');
    }),
  );
});

test.each([
  ['2015-05-18T14:07:00Z', '2015-05-18T14:07:00.000Z'],
  ['2015-05-18T14:07:00.1239Z', '2015-05-18T14:07:00.123Z'],
  ['2015-05-18T14:07:00+02:30', '2015-05-18T11:37:00.000Z'],
  ['2015-05-18T14:07Z', '2015-05-18T14:07:00.000Z'],
  ['2015-05-18T14:07:00', null],
  ['2015-13-18T14:07:00Z', null],
  ['2015-05-18T14:07:60Z', null],
  ['2015-05-18T14:07:00+24:00', null],
  ['2015-05-18', null],
])('%s is the instant %s', (written, iso) => {
  expect(parseInstant(written)?.toISOString() ?? null).toBe(iso);
});
