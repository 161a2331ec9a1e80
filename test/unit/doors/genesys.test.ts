import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../../src/core/errors.ts';
import type { EventInput, StoredEvent } from '../../../src/core/event.ts';
import type { DoorRequest } from '../../../src/doors/door.ts';
import { encodeError } from '../../../src/doors/genesys/errors.ts';
import { parseInterval } from '../../../src/doors/genesys/interval.ts';
import { clientKey, createTokens } from '../../../src/doors/genesys/token.ts';
import { pageUri, toOperationalEvent } from '../../../src/doors/genesys/translate.ts';
import { PAYLOAD_FIELDS } from '../../../src/doors/genesys/wire.ts';
import { stored } from './stored.ts';

const NOW = new Date('2026-03-01T12:00:00.123Z');

describe('an event of any door', () => {
  const text = fc.string({ minLength: 1, maxLength: 40 });
  const envelope = fc.record(
    {
      type: text.map(name => name.trim() || 'type'),
      occurredAt: fc.date({ min: new Date('1970-01-01'), max: NOW, noInvalidDate: true }),
      ...{ subject: text, source: text, actor: text, parentId: text, groupId: text },
      payload: fc.record(Object.fromEntries(PAYLOAD_FIELDS.map(name => [name, text])), {
        ...{ requiredKeys: [], noNullPrototype: true },
      }),
    },
    { requiredKeys: ['type', 'occurredAt'], noNullPrototype: true },
  );

  test('shows each field that it has, and leaves the others out', () => {
    fc.assert(
      fc.property(envelope, input => {
        const shown = toOperationalEvent(stored(input as EventInput, 'GRAPHQL'));
        const { eventDefinition, dateCreated, conversation, entityId, entityName, ...others } =
          shown;
        const { entityModifiedBy, parentEntityId, ...payload } = others;
        expect({
          ...{ type: eventDefinition.id, occurredAt: new Date(dateCreated), payload },
          ...{ subject: entityId, source: entityName, actor: entityModifiedBy },
          ...{ parentId: parentEntityId, groupId: conversation?.id },
        }).toEqual({ payload: {}, ...input });
      }),
    );
  });

  test('shows nested values as JSON, and no date that is none', () => {
    const payload =
      '{"previousValue":{"a":[1]},"currentValue":true,"errorCode":null,"dateModified":"soon"}';
    const event = { type: 't', payload, occurredAt: NOW } as StoredEvent;
    const shown = toOperationalEvent({
      ...{ ...event, subject: null, source: null, actor: null, parentId: null, groupId: null },
    });
    expect(shown).toEqual({
      ...{ eventDefinition: expect.anything(), dateCreated: NOW.toISOString() },
      ...{ previousValue: '{"a":[1]}', currentValue: 'true' },
    });
  });
});

describe('intervals', () => {
  test.each([
    ['2026-03-01/2026-03-02', '2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
    [
      '2026-03-01T10:00/2026-03-01T10:00:01.5',
      '2026-03-01T10:00:00.000Z',
      '2026-03-01T10:00:01.500Z',
    ],
    [
      '2026-03-01T10:00:00+02:00/2026-03-01T10:00:00.123456Z',
      '2026-03-01T08:00:00.000Z',
      '2026-03-01T10:00:00.123Z',
    ],
    [
      '2026-03-01T10:00:00-0530/2026-03-01T20:00:00+01',
      '2026-03-01T15:30:00.000Z',
      '2026-03-01T19:00:00.000Z',
    ],
  ])('%s is two instants', (text, start, end) => {
    expect(parseInterval(text)).toEqual({ start: new Date(start), end: new Date(end) });
  });

  test.each([
    '',
    '/',
    '2026-03-01',
    '2026-03-02/2026-03-01',
    '2026-13-01/2027-01-01',
    '2026-03-01/P1D',
  ])('"%s" is none', text => {
    expect(parseInterval(text)).toBeNull();
  });

  test('what toISOString writes is read back to the millisecond', () => {
    const instant = fc.date({
      min: new Date('0001-01-01'),
      max: new Date('9999-12-31'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [start, end] = a <= b ? [a, b] : [b, a];
        expect(parseInterval(`${start.toISOString()}/${end.toISOString()}`)).toEqual({
          start,
          end,
        });
      }),
    );
  });
});

describe('tokens', () => {
  test('a token opens to its key until a day has passed, and never elsewhere or altered', () => {
    let nowMs = NOW.getTime();
    const tokens = createTokens(() => nowMs, randomBytes(32));
    const token = tokens.seal('slc_0123abcd_secret');
    expect(tokens.open(token)).toBe('slc_0123abcd_secret');
    expect(createTokens(() => nowMs, randomBytes(32)).open(token)).toBeNull();
    expect(tokens.open(`${token.slice(0, -4)}AAAA`)).toBeNull();
    expect(tokens.open(token.slice(0, 40))).toBeNull();
    nowMs += tokens.validS * 1_000 - 1;
    expect(tokens.open(token)).not.toBeNull();
    nowMs += 1;
    expect(tokens.open(token)).toBeNull();
  });

  test.each([
    ['slc_0123abcd:slc_0123abcd_secret', 'slc_0123abcd_secret'],
    ['slc_0123abcd:secret', 'slc_0123abcd_secret'],
    ['kept…:kept-credential', 'kept-credential'],
    ['slc_0123abcd:', ''],
    ['other:slc_0123abcd_secret', ''],
    [':slc_0123abcd_secret', ''],
    ['…:slc_0123abcd_secret', ''],
  ])('the client credentials %s mean the key "%s"', (pair, key) => {
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    expect(clientKey({ headers: { authorization } })).toBe(key);
  });

  test('no Basic header is no client', () => {
    expect(clientKey({ headers: {} })).toBeNull();
    expect(clientKey({ headers: { authorization: 'Bearer x' } })).toBeNull();
  });
});

describe('errors', () => {
  const asked = {
    method: 'GET',
    path: '/api/v2/usage/events/definitions',
    headers: {},
  } as DoorRequest;

  test.each([
    ['OVERLOADED', 503, 'service.unavailable', 'Text.'],
    ['SERVICE_UNAVAILABLE', 503, 'service.unavailable', 'Text.'],
    ['QUERY_TOO_EXPENSIVE', 400, 'bad.request', 'Text.'],
    [
      'INTERNAL_SERVER_ERROR',
      500,
      'internal.server.error',
      expect.stringContaining('unexpected condition'),
    ],
    ['TOO_MANY_STREAMS', 429, 'too.many.requests', 'Text.'],
  ] as const)('%s is %d %s', (code, status, vendorCode, message) => {
    const answer = encodeError(new GatewayError(code, 'Text.'), asked);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body as string)).toMatchObject({ status, code: vendorCode, message });
  });

  test('a rate limit says when to come again', () => {
    const { body } = encodeError(
      new GatewayError('RATE_LIMITED', 'Slow.', { retryAfterS: 3 }),
      asked,
    );
    expect(JSON.parse(body as string)).toMatchObject({
      code: 'too.many.requests.retry.after',
      message: 'Rate limit exceeded the maximum. Retry the request in [3] seconds',
      messageWithParams:
        'Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds',
      messageParams: { seconds: '3' },
    });
  });
});

test('a page’s URI is relative, and keeps the page size as it was sent', () => {
  expect(pageUri(new URLSearchParams(), null)).toBe('/api/v2/usage/events/query');
  const given = new URLSearchParams('workspace=acme&pageSize=7&before=x');
  expect(pageUri(given, { after: 'a b' })).toBe(
    '/api/v2/usage/events/query?after=a+b&pageSize=7&workspace=acme',
  );
});
