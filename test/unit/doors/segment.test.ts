import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentHash } from '../../../src/core/content-hash.ts';
import { prepareEvent } from '../../../src/core/prepare-event.ts';
import { decode, encode } from '../../../src/doors/segment/translate.ts';
import { CALLS, readBatch, readMessage } from '../../../src/doors/segment/wire.ts';
import { anyBag, anyId, anyInstant, anyJson, anyText, overTheWire } from './arbitraries.ts';
import { stored } from './stored.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');
const maybe = fc.oneof(anyBag, fc.constant(null));

/** Well-formed, with whatever may come beside what is needed. */
const message = fc
  .record(
    {
      type: fc.constantFrom(...CALLS),
      ...{ userId: anyId, groupId: anyId, previousId: anyId },
      event: anyText.filter(each => each.trim() !== ''),
      ...{
        messageId: fc.oneof(anyId, fc.constant('')),
        anonymousId: fc.option(anyId),
        name: fc.oneof(anyId, fc.constant(null)),
      },
      ...{ properties: maybe, traits: maybe, context: maybe, integrations: maybe },
      ...{ timestamp: anyInstant, originalTimestamp: anyInstant, sentAt: anyInstant },
      ...{ channel: anyJson, _metadata: anyJson },
    },
    { requiredKeys: ['type', 'userId', 'groupId', 'previousId', 'event'] },
  )
  .map(overTheWire);

const read = (sent: unknown, receivedMs = NOW_MS) => {
  const [message] = [...readBatch({ batch: [sent] }, 0)];
  return decode(message!, receivedMs);
};
const decoded = (sent: unknown, receivedMs?: number) => read(sent, receivedMs).input;

describe('the translation of Segment', () => {
  test('SEG-T-1 gives every message back as it came', () => {
    fc.assert(
      fc.property(message, sent => {
        expect(encode(stored(decoded(sent), 'SEGMENT'))).toEqual(sent);
      }),
      { numRuns: 500 },
    );
  });

  test('SEG-T-2 takes any JSON for an event or one to be kept aside', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom('', [], {}, 1e300, null, 'x'.repeat(300)));
    const any = fc
      .tuple(message, fc.dictionary(fc.constantFrom(...FIELDS), odd))
      .map(([sent, others]) => ({ ...sent, ...others }));
    fc.assert(
      fc.property(fc.oneof(any, odd), sent => {
        const context = {
          door: 'SEGMENT',
          now: () => new Date(NOW_MS),
          newId: () => 'made',
        } as const;
        const { input, problem } = read(sent);
        const { event, problems } = prepareEvent(input, context);
        expect(event === null).toBe(problems.length > 0);
        if (problem === null && problems.length > 0) expect(problems[0]?.pointer).not.toBe('/type');
      }),
      { numRuns: 500 },
    );
  });

  test('SEG-T-3 knows a retry by all but the time of sending, and takes the key out', () => {
    const sent = { type: 'track', userId: 'u', event: 'e', messageId: 'm', timestamp: AT };
    const one = decoded({ ...sent, sentAt: '2026-01-02T03:04:06Z', writeKey: 'k' });
    const again = decoded({ ...sent, sentAt: '2026-01-02T03:05:06Z' }, NOW_MS + 60_500);
    expect(one.occurredAt).not.toEqual(again.occurredAt);
    expect(contentHash(one)).toBe(contentHash(again));
    expect(contentHash(decoded({ ...sent, event: 'f' }))).not.toBe(contentHash(one));
    expect(JSON.stringify(one)).not.toContain('writeKey');
  });

  test('takes the call of a path for the type', () => {
    const sent = readMessage({ type: 'track', userId: 'u', traits: { a: 1 } }, 10, 'identify');
    expect(decode(sent, NOW_MS).input).toMatchObject({ type: 'identify', payload: { a: 1 } });
  });

  test.each([
    ['2015-12-02T00:30:08.276Z', '2015-12-02T00:30:08.276Z'],
    ['2015-12-02t01:30:08+01:00', '2015-12-02T00:30:08.000Z'],
    ['2015-12-02T00:30:08', '2015-12-02T00:30:08.000Z'],
    ['2015-12-02 00:30:08', '2015-12-02T00:30:08.000Z'],
    ['2015-12-02', '2015-12-02T00:00:00.000Z'],
  ])('reads the instant %s', (timestamp, expected) => {
    const { occurredAt } = decoded({ type: 'track', userId: 'u', event: 'e', timestamp });
    expect(occurredAt?.toISOString()).toBe(expected);
  });
});

const AT = '2026-01-02T03:04:05.678Z';
const FIELDS = [
  ...['type', 'userId', 'anonymousId', 'event', 'messageId', 'groupId', 'previousId', 'name'],
  ...['properties', 'traits', 'context', 'integrations', 'timestamp', 'originalTimestamp'],
  ...['sentAt', '__proto__', 'writeKey'],
] as const;
