import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentHash } from '../../../src/core/content-hash.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import { prepareEvent } from '../../../src/core/prepare-event.ts';
import { decode, encode } from '../../../src/doors/posthog/translate.ts';
import { readEvents } from '../../../src/doors/posthog/wire.ts';
import { anyBag, anyId, anyInstant, anyJson, anyText, overTheWire } from './arbitraries.ts';
import { stored } from './stored.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');
const AT = '2026-01-02T03:04:05.678Z';
const maybe = fc.oneof(anyBag, fc.constant(null));

const event = fc
  .record(
    {
      event: anyText.filter(each => each.trim() !== ''),
      distinct_id: fc.oneof(anyId, anyJson).filter(each => each !== null && each !== ''),
      uuid: fc.oneof(
        fc.uuid(),
        fc.uuid().map(each => each.toUpperCase()),
        fc.constant(''),
      ),
      properties: fc.oneof(
        maybe,
        fc.tuple(anyBag, anyBag).map(([bag, $set]) => ({ ...bag, $set })),
      ),
      ...{ $set: maybe, $set_once: maybe, timestamp: fc.oneof(anyInstant, fc.constant(null)) },
      ...{ offset: fc.integer({ min: 0, max: 1e9 }), type: anyJson, library: anyJson },
    },
    { requiredKeys: ['event', 'distinct_id'] },
  )
  .map(overTheWire);

const decoded = (sent: unknown, sent_at: string | null = null, receivedMs = NOW_MS) => {
  const [read] = [...readEvents({ batch: [sent], sent_at }, new URLSearchParams())];
  return decode(read!, receivedMs);
};

describe('the translation of PostHog', () => {
  test('PH-T-1 gives every event back as it came', () => {
    fc.assert(
      fc.property(event, fc.option(anyInstant), (sent, sentAt) => {
        expect(encode(stored(decoded(sent, sentAt), 'POSTHOG'))).toEqual(sent);
      }),
      { numRuns: 500 },
    );
  });

  test('PH-T-2 takes any JSON for an event, or refuses it with a reason', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom('', [], {}, 1e300, null, 'x'.repeat(300)));
    const any = fc
      .tuple(event, fc.dictionary(fc.constantFrom(...FIELDS), odd))
      .map(([sent, others]) => ({ ...sent, ...others }));
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(any, odd), sent => {
        try {
          const context = {
            door: 'POSTHOG',
            now: () => new Date(NOW_MS),
            newId: () => 'id',
          } as const;
          const prepared = prepareEvent(decoded(sent, AT), context);
          expect(prepared.event === null).toBe(prepared.problems.length > 0);
          taken += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  test('PH-T-3 knows a retry by all but the time of sending, and takes the key out', () => {
    const uuid = '0197a000-0000-7000-8000-000000000001';
    const sent = { event: 'e', distinct_id: 'a', uuid, timestamp: AT, properties: { n: 1 } };
    const keyed = { ...sent, api_key: 'secret', properties: { n: 1, token: 'secret' } };
    const one = decoded(keyed, '2026-01-02T03:04:06Z');
    const again = decoded(sent, '2026-01-02T03:05:06Z', NOW_MS + 60_500);
    expect(one.occurredAt).not.toEqual(again.occurredAt);
    expect(contentHash(one)).toBe(contentHash(again));
    expect(contentHash(decoded({ ...sent, event: 'f' }))).not.toBe(contentHash(one));
    expect(JSON.stringify(one)).not.toContain('secret');
  });
});

const FIELDS = [
  ...['uuid', 'event', 'distinct_id', '$distinct_id', 'properties', 'timestamp', 'offset'],
  ...['$set', '$set_once', 'token', 'api_key', '__proto__', 'sent_at'],
] as const;
