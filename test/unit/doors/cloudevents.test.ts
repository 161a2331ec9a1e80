import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { contentHash } from '../../../src/core/content-hash.ts';
import type { GatewayError } from '../../../src/core/errors.ts';
import type { EventInput } from '../../../src/core/event.ts';
import { parseExact, writeExact, type ExactObject } from '../../../src/core/exact-json.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { readEvents } from '../../../src/doors/cloudevents/modes.ts';
import { decode, decodeAgain, encode } from '../../../src/doors/cloudevents/translate.ts';
import type { CloudEvent } from '../../../src/doors/cloudevents/wire.ts';
import type { DoorRequest } from '../../../src/doors/door.ts';
import { stored } from './stored.ts';

function request(headers: Record<string, string>, body: string | Buffer = ''): DoorRequest {
  const bytes = Buffer.from(body);
  return {
    ...{
      method: 'POST',
      path: '/cloudevents',
      origin: 'http://127.0.0.1',
      requestId: 'r',
      params: {},
      query: new URLSearchParams(),
    },
    repeatedHeaders: () => [],
    ...{ headers, body: bytes, json: () => parseExact(bytes.toString()) },
  };
}

function structured(body: unknown, type = 'application/cloudevents+json'): DoorRequest {
  return request({ 'content-type': type }, typeof body === 'string' ? body : JSON.stringify(body));
}

/** As this door decoded an event before data that is an object was the payload. */
function formerInput(event: CloudEvent): EventInput {
  const { id, source, type, subject, time, specversion: _version, ...others } = event;
  const { data, data_base64, datacontenttype, dataschema, ...extensions } = others;
  const beside = { data, data_base64, datacontenttype, dataschema };
  const given = Object.entries(beside).filter(([name]) => Object.hasOwn(event, name));
  const both = `${String(source)} ${String(id)}`;
  const isLong = Buffer.byteLength(both) > LIMITS.eventIdBytesMax;
  const indexable = (text: unknown) =>
    typeof text === 'string' && Buffer.byteLength(text) <= LIMITS.indexedTextBytesMax ? text : null;
  const occurredAt = time === undefined ? null : new Date(time as string);
  const sent = {
    ...(isLong ? { id, source } : {}),
    ...(subject !== undefined && indexable(subject) === null ? { subject } : {}),
    ...(occurredAt !== null && occurredAt.toISOString() !== time ? { time } : {}),
  };
  const wire = {
    ...(Object.keys(sent).length === 0 ? {} : { sent }),
    ...(time === undefined ? { absent: ['time'] } : {}),
  };
  return {
    id: isLong ? `ce-${createHash('sha256').update(both).digest('hex')}` : both,
    type: type as string,
    source: indexable(source),
    subject: indexable(subject),
    occurredAt,
    wire: Object.keys(wire).length === 0 ? null : (wire as JsonObject),
    payload: {
      ...(Object.fromEntries(given) as ExactObject),
      ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    },
  };
}

const MINIMAL = { specversion: '1.0', id: '1', source: '/s', type: 't' };
const BINARY = {
  ...{ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' },
  'content-type': 'application/json',
};

const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
  .filter(each => !each.includes('\0') && each.trim() !== '');
const isStorable = (value: unknown) => !/\\u0000|\\ud/.test(JSON.stringify(value));
const extension = fc.oneof(text, fc.boolean(), fc.integer());
const data = fc.oneof(
  fc.record({ data: fc.jsonValue({ maxDepth: 3 }).filter(isStorable) }),
  fc.record({ data_base64: fc.base64String({ maxLength: 40 }) }),
  fc.constant({}),
);
const attributes = fc.record(
  {
    specversion: fc.constant('1.0'),
    id: text,
    source: fc.oneof(fc.webUrl(), text.map(encodeURIComponent)),
    type: text,
    subject: text,
    time: fc.constantFrom('2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123456+02:00'),
    datacontenttype: fc.constantFrom('application/json', 'text/plain', 'image/png'),
    dataschema: fc.webUrl(),
    extone: extension,
    ext2: extension,
  },
  { requiredKeys: ['specversion', 'id', 'source', 'type'] },
);

function roundTrip(body: string): unknown {
  const [event] = readEvents(structured(body));
  return JSON.parse(writeExact(encode(stored(decode(event!), 'CLOUDEVENTS'), 'acme')));
}

describe('the translation of CloudEvents', () => {
  test('CE-T-1 gives every event back as it came', () => {
    fc.assert(
      fc.property(attributes, data, (attributes, data) => {
        const sent = JSON.stringify({ ...attributes, ...data });
        expect(roundTrip(sent)).toEqual(JSON.parse(sent));
      }),
      { numRuns: 300 },
    );
  });

  test.for([
    [{ data: { total: 5 } }, { total: 5 }],
    [{ data: { data: { extensions: {} } } }, { data: { extensions: {} } }],
    [{ data: {} }, {}],
    [{}, {}],
    [{ data: [1] }, { data: [1] }],
    [{ data: null }, { data: null }],
    [{ data_base64: 'AP8=' }, { data_base64: 'AP8=' }],
  ] as const)(
    'data that is an object is the payload, and is given back as it came: %j',
    ([given, payload]) => {
      const about = { datacontenttype: 'application/json', dataschema: 'https://a/b', ext: 'x' };
      const event = { ...MINIMAL, ...about, ...given } as CloudEvent;
      expect(decode(event).payload).toEqual(payload);
      expect(roundTrip(JSON.stringify(event))).toEqual(event);
    },
  );

  test('CE-T-2 gives every event back that was recorded in the former form', () => {
    fc.assert(
      fc.property(attributes, data, (attributes, data) => {
        const sent = JSON.stringify({ ...attributes, ...data });
        const [event] = readEvents(structured(sent));
        const given = encode(stored(formerInput(event!), 'CLOUDEVENTS'), 'acme');
        expect(JSON.parse(writeExact(given))).toEqual(JSON.parse(sent));
      }),
      { numRuns: 300 },
    );
  });

  test('CE-T-3 tells a retry of an event that was recorded in the former form', () => {
    fc.assert(
      fc.property(attributes, data, (attributes, data) => {
        const [event] = readEvents(structured({ ...attributes, ...data }));
        expect(contentHash(decode(event!))).toBe(contentHash(formerInput(event!)));
        const other = decode({ ...event!, type: `${String(event!['type'])}.other` });
        expect(contentHash(other)).not.toBe(contentHash(formerInput(event!)));
      }),
      { numRuns: 300 },
    );
  });

  test('what was kept aside in the former form is decoded again', () => {
    fc.assert(
      fc.property(attributes, data, (attributes, data) => {
        const [event] = readEvents(structured({ ...attributes, ...data }));
        const now = decode(event!);
        expect(decodeAgain(formerInput(event!))).toEqual(now);
        expect(decodeAgain({ ...now, contentId: undefined })).toEqual(now);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps every digit of the numbers in data', () => {
    const sent =
      '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":[12345678901234567890,0.1234567890123456789],"b":1.7e308}}';
    const [event] = readEvents(structured(sent));
    const given = writeExact(encode(stored(decode(event!), 'CLOUDEVENTS'), 'acme'));
    expect(given).toContain(
      '"data":{"a":[12345678901234567890,0.1234567890123456789],"b":1.7e+308}',
    );
  });

  test('knows an event by its source and id', () => {
    const ids = ['/a', '/b'].map(source => decode({ ...MINIMAL, source }).id);
    expect(ids).toEqual(['/a 1', '/b 1']);
    const long = { ...MINIMAL, source: `/${'s'.repeat(300)}` };
    expect(decode(long).id).toMatch(/^ce-[0-9a-f]{64}$/);
    expect(decode(long).id).not.toBe(decode({ ...long, id: '2' }).id);
  });

  test('tells a retry without a time from another event', () => {
    expect(decode(MINIMAL).occurredAt).toBeNull();
  });

  test('gives the events of other doors as CloudEvents', () => {
    const event = stored(
      {
        ...{ id: 'e1', type: 'login', source: 'Vienna edge', subject: 'edge-7', actor: 'ada' },
        ...{ success: false, occurredAt: new Date('2026-01-02T03:04:05.000Z'), groupId: 'g' },
        payload: { a: 1 },
      },
      'GRAPHQL',
    );
    expect(encode(event, 'acme')).toEqual({
      ...{ specversion: '1.0', id: 'e1', source: 'Vienna%20edge', type: 'login' },
      ...{ subject: 'edge-7', time: '2026-01-02T03:04:05.000Z', actor: 'ada', groupid: 'g' },
      ...{ success: false, datacontenttype: 'application/json', data: { a: 1 } },
    });
    expect(encode({ ...event, source: null }, 'acme')['source']).toBe('/acme');
  });

  test('says of a redacted event that it is one', () => {
    const redacted = { redactedAt: new Date(0), payload: '{}', source: null, wire: null };
    const event = { ...stored(decode({ ...MINIMAL, data: 1 }), 'CLOUDEVENTS'), ...redacted };
    expect(encode(event, 'acme')).toMatchObject({
      ...MINIMAL,
      redactedtime: '1970-01-01T00:00:00.000Z',
    });
    expect(encode(event, 'acme')).not.toHaveProperty('data');
  });
});

describe('the content modes of CloudEvents', () => {
  test.each<[string, Record<string, string>, string | Buffer, CloudEvent]>([
    ['JSON', {}, '{"a":null}', { data: { a: null }, datacontenttype: 'application/json' }],
    ['no data', {}, '', { datacontenttype: 'application/json' }],
    ['text', { 'content-type': 'text/plain' }, '12', { data: '12', datacontenttype: 'text/plain' }],
    [
      ...(['bytes', { 'content-type': 'image/png' }, Buffer.from([0, 255])] as const),
      { data_base64: 'AP8=', datacontenttype: 'image/png' },
    ],
    [
      ...(['latin1', { 'content-type': 'text/plain;charset=latin1' }, 'x'] as const),
      { data_base64: 'eA==', datacontenttype: 'text/plain;charset=latin1' },
    ],
    [
      ...([
        'headers',
        { 'ce-subject': '"a \\"b\\" %E2%82%AC"', 'ce-ext': '100% %25FF' },
        '1',
      ] as const),
      { data: 1, subject: 'a "b" €', ext: '100% %FF', datacontenttype: 'application/json' },
    ],
  ])('binary mode takes %s', (_what, headers, body, expected) => {
    expect(readEvents(request({ ...BINARY, ...headers }, body))).toEqual([
      { ...MINIMAL, ...expected },
    ]);
  });

  test('structured and batched mode take events as they stand, null for absent', () => {
    const event = { ...MINIMAL, data: null, subject: null };
    const expected = { ...MINIMAL, data: null };
    expect(readEvents(structured(event))).toEqual([expected]);
    const batch = structured([event, MINIMAL], 'application/cloudevents-batch+json; charset=utf-8');
    expect(readEvents(batch)).toEqual([expected, MINIMAL]);
    expect(readEvents(structured([], 'application/cloudevents-batch+json'))).toEqual([]);
  });

  test.each<[string, DoorRequest, string]>([
    ['another version', structured({ ...MINIMAL, specversion: '0.3' }), 'BAD_USER_INPUT'],
    ['no id', structured({ ...MINIMAL, id: undefined }), 'BAD_USER_INPUT'],
    ['an empty source', structured({ ...MINIMAL, source: '' }), 'BAD_USER_INPUT'],
    ['a source with a space', structured({ ...MINIMAL, source: 'a b' }), 'BAD_USER_INPUT'],
    [
      'a time without a zone',
      structured({ ...MINIMAL, time: '2026-01-02T03:04:05' }),
      'BAD_USER_INPUT',
    ],
    ['data twice', structured({ ...MINIMAL, data: 1, data_base64: '' }), 'BAD_USER_INPUT'],
    ['base64 that is none', structured({ ...MINIMAL, data_base64: '*' }), 'BAD_USER_INPUT'],
    ['an odd attribute name', structured({ ...MINIMAL, 'my-ext': 1 }), 'BAD_USER_INPUT'],
    ['an object as an extension', structured({ ...MINIMAL, ext: {} }), 'BAD_USER_INPUT'],
    ['an integer of 64 bits as one', structured({ ...MINIMAL, ext: 2 ** 40 }), 'BAD_USER_INPUT'],
    [
      'a batch that is none',
      structured(MINIMAL, 'application/cloudevents-batch+json'),
      'BAD_USER_INPUT',
    ],
    [
      'another format',
      structured(MINIMAL, 'application/cloudevents+avro'),
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['no CloudEvent at all', structured({}, 'application/json'), 'UNSUPPORTED_MEDIA_TYPE'],
  ])('refuse %s', (_what, given, code) => {
    expect(() => readEvents(given)).toThrow(
      expect.objectContaining<Partial<GatewayError>>({ code: code as never }),
    );
  });
});
