/** OTLP logs ↔ events, in both formats. Bytes are written by the library's own encoder. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GatewayError } from '../../../src/core/errors.ts';
import type { StoredEvent } from '../../../src/core/event.ts';
import { parseExact, writeExact, type ExactJson } from '../../../src/core/exact-json.ts';
import { readBatch } from '../../../src/doors/otlp/batch.ts';
import { jsonFormat } from '../../../src/doors/otlp/json.ts';
import { protobufFormat } from '../../../src/doors/otlp/protobuf.ts';
import { encode } from '../../../src/doors/otlp/translate.ts';
import { logsRequest } from './otlp-proto.ts';
import { stored } from './stored.ts';

type Json = Record<string, unknown>;

function readJson(request: unknown) {
  return readBatch(jsonFormat(() => parseExact(JSON.stringify(request)) as ExactJson));
}

function readProtobuf(request: Json) {
  return readBatch(protobufFormat(logsRequest(request)));
}

function requestOf(record: Json, resource?: Json, scope?: Json): Json {
  return {
    resourceLogs: [
      {
        ...(resource === undefined ? {} : { resource }),
        scopeLogs: [{ ...(scope === undefined ? {} : { scope }), logRecords: [record] }],
      },
    ],
  };
}

/** As the database gives it back: the keys of objects in its own order. */
async function roundTrip(batch: ReturnType<typeof readJson>): Promise<unknown> {
  const { events } = await batch;
  const event = stored(events[0]!, 'OTLP');
  const payload = writeExact(reordered(parseExact(event.payload)));
  return JSON.parse(writeExact(encode({ ...event, payload } satisfies StoredEvent)));
}

function reordered(value: ExactJson): ExactJson {
  if (typeof value !== 'object' || value === null || 'literal' in value) return value;
  if (Array.isArray(value)) return value.map(reordered);
  const members = Object.entries(value).toSorted(
    ([a], [b]) => a.length - b.length || (a < b ? 1 : -1),
  );
  return Object.fromEntries(members.map(([key, each]) => [key, reordered(each as ExactJson)]));
}

const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter(each => !each.includes('\0') && each.isWellFormed());
const name = fc.oneof(
  text.filter(each => each !== ''),
  fc.constantFrom('body', 'severityNumber', 'resource', 'scope', 'event.name', '__proto__', 'a.b'),
);
const bytes = fc.uint8Array({ maxLength: 9 }).map(each => Buffer.from(each).toString('base64'));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const double = fc
  .double()
  .map(each => (Object.is(each, -0) || !Number.isFinite(each) ? String(each) : each));
const { value } = fc.letrec<{ value: Json; attributes: Json[] }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: fc.oneof(int64, fc.constantFrom('0', '5', '-1')) }),
    fc.record({ doubleValue: fc.oneof(double, fc.constantFrom(0, 5, 0.1, 1e300, '-0', 'NaN')) }),
    fc.record({ bytesValue: bytes }),
    fc.constantFrom({}, { arrayValue: {} }, { kvlistValue: {} }),
    fc
      .array(tie('value'), { minLength: 1, maxLength: 3 })
      .map(values => ({ arrayValue: { values } })),
    tie('attributes').map(values => ({ kvlistValue: { values } })),
  ),
  attributes: fc.uniqueArray(fc.record({ key: name, value: tie('value') }), {
    ...{ minLength: 1, maxLength: 4, selector: ({ key }) => key },
  }),
})) as { value: fc.Arbitrary<Json> };
const attributes = fc
  .uniqueArray(fc.record({ key: name, value }), {
    ...{ minLength: 1, maxLength: 6, selector: ({ key }) => key },
  })
  .map(all => all.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
const nanos = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String);
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: 1, maxLength: bytes }).map(each => Buffer.from(each).toString('hex'));
const record = fc.record(
  {
    timeUnixNano: fc.oneof(nanos, fc.constant('1767322245678000000')),
    observedTimeUnixNano: nanos,
    severityNumber: fc.integer({ min: 1, max: 24 }),
    severityText: text.filter(each => each !== ''),
    body: value,
    attributes,
    droppedAttributesCount: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    flags: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    traceId: hex(16),
    spanId: hex(8),
    eventName: text.filter(each => each.trim() !== ''),
  },
  { requiredKeys: [] },
);
const resource = fc.record(
  {
    attributes,
    droppedAttributesCount: fc.integer({ min: 1, max: 9 }),
    entityRefs: fc.constant([{ type: 'service', idKeys: ['service.name'] }]),
  },
  { requiredKeys: [] },
);
const scope = fc.record(
  { name: text.filter(each => each !== ''), version: fc.constant('1'), attributes },
  { requiredKeys: [] },
);

/** Attributes in the order of their keys, at every depth. */
function sorted(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given;
  if (Array.isArray(given)) {
    const all = given.map(sorted) as Json[];
    if (!all.every(each => typeof each === 'object' && 'key' in each)) return all;
    return all.toSorted((a, b) => (String(a['key']) < String(b['key']) ? -1 : 1));
  }
  return Object.fromEntries(Object.entries(given).map(([key, each]) => [key, sorted(each)]));
}

describe('the translation of OTLP', () => {
  test.each([
    ['JSON', readJson],
    ['protobuf', readProtobuf],
  ])(
    'OTLP-T-1 gives every record back as it came, with its resource and scope, by %s',
    async (_, read) => {
      await fc.assert(
        fc.asyncProperty(
          record,
          fc.option(resource, { nil: undefined }),
          fc.option(scope, { nil: undefined }),
          async (record, resource, scope) => {
            const expected = sorted({
              ...record,
              ...(resource === undefined ? {} : { resource }),
              ...(scope === undefined ? {} : { scope }),
            });
            expect(await roundTrip(read(requestOf(record, resource, scope)))).toEqual(
              JSON.parse(JSON.stringify(expected)),
            );
          },
        ),
        { numRuns: 300 },
      );
    },
  );

  test('OTLP-T-2 gives the same record the same id, in either format and whatever the order of its attributes', async () => {
    const [a, b] = ['a', 'b'].map(key => ({ key, value: { intValue: '1' } }));
    const both = { eventName: 'e', attributes: [a, b] };
    const turned = { attributes: [b, a], eventName: 'e' };
    const idOf = async (batch: ReturnType<typeof readJson>) => (await batch).events[0]!.id;
    const id = await idOf(readJson(requestOf(both)));
    expect(id).toMatch(/^otlp-[0-9a-f]{64}$/);
    expect(await idOf(readProtobuf(requestOf(turned)))).toBe(id);
    expect(await idOf(readJson(requestOf(both, {})))).not.toBe(id);
    expect(await idOf(readJson(requestOf(both, undefined, { name: 's' })))).not.toBe(id);
    expect(await idOf(readJson(requestOf({ ...both, flags: 1 })))).not.toBe(id);
  });

  test('OTLP-T-3 reads or refuses whatever bytes come, and names what it refuses', async () => {
    const whole = logsRequest(requestOf(FULL, { attributes: FULL.attributes }, { name: 's' }));
    const spoilt = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255), end: fc.nat(40) });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map(each => Buffer.from(each)),
      fc.array(spoilt, { minLength: 1, maxLength: 3 }).map(faults => {
        const copy = Buffer.from(whole);
        for (const { at, byte } of faults) copy[at] = byte;
        return copy.subarray(0, copy.length - faults[0]!.end);
      }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, each => isReadOrRefused(readBatch(protobufFormat(each)))),
      { numRuns: 2_000 },
    );
    const json = fc.oneof(fc.jsonValue(), fc.jsonValue().map(requestOfJson));
    await fc.assert(
      fc.asyncProperty(json, each => isReadOrRefused(readJson(each))),
      { numRuns: 1_000 },
    );
  });

  test.each<[string, unknown]>([
    ['/attributes/0/value', { attributes: [{ key: 'k', value: 1 }] }],
    ['/attributes', { attributes: {} }],
    ['/body/intValue', { body: { intValue: '9223372036854775808' } }],
    ['/body/intValue', { body: { intValue: 1.5 } }],
    ['/body/doubleValue', { body: { doubleValue: 'x' } }],
    ['/body/doubleValue', { body: { doubleValue: '1e400' } }],
    ['/body/doubleValue', { body: { doubleValue: '-1e-400' } }],
    ['/body/bytesValue', { body: { bytesValue: '*' } }],
    ['/body', { body: { intValue: '1', boolValue: true } }],
    ['/traceId', { traceId: 'W47/95gDgQPSabYzgT/GDA==' }],
    ['/timeUnixNano', { timeUnixNano: -1 }],
    ['/flags', { flags: 4_294_967_296 }],
    ['/severityNumber', { severityNumber: 'SEVERITY_NUMBER_INFO' }],
    ['/eventName', { eventName: 7 }],
    ['', []],
  ])('refuses a record in JSON for what stands at %s alone', async (pointer, record) => {
    const { events, places } = await readJson(requestOf(record as Json));
    expect(events).toMatchObject([{ unreadable: [{ code: 'RECORD_INVALID', pointer }] }]);
    expect(places).toEqual(['/resourceLogs/0/scopeLogs/0/logRecords/0']);
  });

  test('refuses the records of a resource or a scope that can’t be read', async () => {
    const bad = { attributes: [{ key: 1 }] };
    expect((await readJson(requestOf({}, bad))).events).toMatchObject([
      { unreadable: [{ pointer: '/resource/attributes/0/key' }] },
    ]);
    expect((await readJson(requestOf({}, {}, bad))).events).toMatchObject([
      { unreadable: [{ pointer: '/scope/attributes/0/key' }] },
    ]);
  });

  test.each([[7], [[]], [{ resourceLogs: {} }], [{ resourceLogs: [{ scopeLogs: [1] }] }]])(
    'refuses the whole of %j',
    async request => {
      await expect(readJson(request)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    },
  );
});

const FULL = {
  ...{ timeUnixNano: '1767322245678901234', severityNumber: 9, severityText: 'INFO', flags: 1 },
  ...{ eventName: 'e', body: { stringValue: 'b' }, traceId: 'ab'.repeat(16), spanId: 'ab' },
  attributes: [
    { key: 'n', value: { intValue: '-5' } },
    { key: 'd', value: { doubleValue: 1.5 } },
    { key: 'l', value: { arrayValue: { values: [{ boolValue: true }, {}] } } },
    { key: 'o', value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } } },
  ],
};

/** Something at any of the places of a request. */
function requestOfJson(value: unknown): unknown {
  return requestOf({ body: value, attributes: [{ key: 'k', value }] }, value as Json);
}

async function isReadOrRefused(batch: ReturnType<typeof readJson>): Promise<void> {
  const read = await batch.catch((error: unknown) => {
    expect((error as GatewayError).code).toMatch(/^(BAD_REQUEST|PAYLOAD_TOO_LARGE)$/);
    return null;
  });
  for (const { unreadable, id } of read?.events ?? []) {
    if (unreadable === undefined) expect(id).toMatch(/^otlp-/);
    else expect(unreadable[0]).toMatchObject({ severity: 'ERROR', code: expect.any(String) });
  }
}
