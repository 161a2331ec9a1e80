import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { outcomeOf, readRetryAfter, type Sent } from '../../../src/core/webhook.ts';

const S = 1_000;
const MIN = 60 * S;
const HOUR = 60 * MIN;
const { webhookRetryDelaysMs: delaysMs } = readConfig({});

function sent(status: number | null, more: Partial<Sent> = {}): Sent {
  const error = status !== null && status < 300 ? null : 'It failed.';
  return {
    at: new Date(0),
    status,
    error,
    durationMs: 1,
    response: null,
    retryAfterMs: null,
    ...more,
  };
}

const delayOf = (of: Sent, attempt: number, random = () => 0) => {
  const outcome = outcomeOf(of, attempt, { delaysMs, random });
  return outcome.kind === 'RETRY' ? outcome.delayMs : outcome.kind;
};

describe('an event', () => {
  test('is sent again after 5 s, 5 min, 30 min, 2 h, 5 h and 10 h', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 100].map(attempt => delayOf(sent(500), attempt));
    expect(delays).toEqual([
      ...[5 * S, 5 * MIN, 30 * MIN, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR],
      ...[10 * HOUR, 10 * HOUR],
    ]);
  });

  test('and up to a fifth later', () => {
    expect(delayOf(sent(null), 1, () => 0.999_999)).toBeCloseTo(6 * S, 0);
    expect(delayOf(sent(null), 6, () => 0.999_999)).toBeLessThanOrEqual(12 * HOUR);
  });

  test.each([
    [200, 'ACKNOWLEDGE'],
    [299, 'ACKNOWLEDGE'],
    [410, 'PAUSE'],
    [404, 5 * S],
  ])('answered with %d is %s', (status, expected) =>
    expect(delayOf(sent(status), 1)).toBe(expected),
  );

  test('waits as the receiver asks, for a day at most and never less than planned', () => {
    expect(delayOf(sent(503, { retryAfterMs: HOUR }), 1)).toBe(HOUR);
    expect(delayOf(sent(429, { retryAfterMs: 90 * HOUR }), 1)).toBe(24 * HOUR);
    expect(delayOf(sent(429, { retryAfterMs: 0 }), 1)).toBe(5 * S);
    expect(delayOf(sent(500, { retryAfterMs: HOUR }), 1)).toBe(5 * S);
  });
});

test.each([
  ['120', 120 * S],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 50 * S],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['-5', null],
  ['1.5', null],
  ['soon', null],
  [undefined, null],
])('Retry-After %s is %s ms', (text, expected) =>
  expect(readRetryAfter(text, 10 * S)).toBe(expected),
);

test.each(['', '1,,2', 'a', '-1', '1,Infinity', '604801', '1,'.repeat(100) + '1'])(
  'the delays %s are no setting',
  text => {
    const read = () => readConfig({ SLUICE_WEBHOOK_RETRY_SECONDS: text });
    if (text === '') expect(read().webhookRetryDelaysMs).toEqual(delaysMs);
    else expect(read).toThrow(/SLUICE_WEBHOOK_RETRY_SECONDS expects 1 to 100 numbers/);
  },
);
