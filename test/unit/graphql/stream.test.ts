import type { ExecutionResult } from 'graphql';
import { describe, expect, test } from 'vitest';
import { eventCursors } from '../../../src/core/cursor.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import { StreamEnded } from '../../../src/live/stream-ended.ts';
import { toDelivery } from '../../../src/live/stream.ts';
import { AT, createApi, event } from './kit.ts';

const SOURCE = `subscription ($after: String, $start: StreamStart, $filter: EventFilter) {
  events(after: $after, start: $start, filter: $filter) { kind position cursor node { eventId } } }`;
const cursors = eventCursors('epoch', 1);
const place = { position: 5, recordedAt: AT };

/** What a subscription that should open hands out, up to its end or error. */
async function handedOut(opened: ReturnType<ReturnType<typeof createApi>['open']>) {
  const stream = (await opened) as AsyncGenerator<ExecutionResult>;
  expect((stream as ExecutionResult).errors).toBeUndefined();
  const results: unknown[] = [];
  for await (const { data, errors } of stream) results.push(errors ?? data!['events']);
  return results;
}

describe('a stream of events', () => {
  test('hands out events and what is between them, each with a cursor to resume at', async () => {
    const deliveries = [toDelivery(event(1)), { kind: 'CAUGHT_UP', place, event: null }] as const;
    expect(await handedOut(createApi({ deliveries }).open(SOURCE))).toEqual([
      {
        ...{ kind: 'EVENT', position: 1, node: { eventId: 'e1' } },
        cursor: cursors.encodePosition(event(1)),
      },
      { kind: 'CAUGHT_UP', position: 5, cursor: cursors.encodePosition(place), node: null },
    ]);
  });

  test.each([
    [{}, 'NOW'],
    [{ start: null }, 'NOW'],
    [{ start: 'BEGINNING' }, 'BEGINNING'],
    [{ after: cursors.encodePosition(place) }, place],
    [{ after: cursors.encodePosition(place), start: null }, place],
    [{ after: cursors.encodePosition(place), start: 'BEGINNING' }, place],
    [{ after: null }, 'NOW'],
    [{ after: null, start: 'BEGINNING' }, 'BEGINNING'],
  ])('given %j starts there', async (variables, start) => {
    const { open, subscribed } = createApi();
    await handedOut(open(SOURCE, variables));
    expect(subscribed).toMatchObject([{ workspaceId: 1, start, checkpoints: false, tag: 7 }]);
  });

  test.each([
    [{ after: '' }, 'CURSOR_INVALID'],
    [{ after: 'x' }, 'CURSOR_INVALID'],
    [{ after: eventCursors('epoch', 2).encodePosition(place) }, 'CURSOR_INVALID'],
    [{ after: eventCursors('before', 1).encodePosition(place) }, 'CURSOR_EPOCH'],
    [{ filter: { search: 'x'.repeat(1_000) } }, 'BAD_USER_INPUT'],
  ])('given %j does not open: %s', async (variables, code) => {
    const { open, subscribed } = createApi();
    const { errors } = (await open(SOURCE, variables)) as ExecutionResult;
    expect(errors?.[0]?.originalError).toMatchObject({ code });
    expect(subscribed).toEqual([]);
  });

  test('lets through what its filter chooses', async () => {
    const { open, subscribed } = createApi();
    await handedOut(open(SOURCE, { filter: { types: ['a'], success: true } }));
    const [{ matches, types }] = subscribed as [(typeof subscribed)[0]];
    expect(types).toEqual(['a']);
    expect(matches!(event(1, { type: 'a', success: true }), () => false)).toBe(true);
    expect(matches!(event(1, { type: 'a', success: false }), () => false)).toBe(false);
  });

  test('that is ended says why, and where to go on', async () => {
    const ended = new StreamEnded(
      new GatewayError('GOING_AWAY', 'The gateway is stopping.'),
      place,
    );
    const deliveries = [toDelivery(event(1)), ended];
    await expect(handedOut(createApi({ deliveries }).open(SOURCE))).rejects.toMatchObject({
      code: 'GOING_AWAY',
      extensions: { cursor: cursors.encodePosition(place) },
    });
  });

  test('catches up with pages of the log, as far as they have looked', async () => {
    const { open, subscribed } = createApi({ events: [event(2), event(3)] });
    await handedOut(open(SOURCE, { filter: { types: ['a'] } }));
    const read = await subscribed[0]!.readMatching!(1, place, 10);
    expect(read.events.map(({ position }) => position)).toEqual([2, 3]);
    expect(read.scannedTo).toEqual({ position: 9, recordedAt: AT });
  });
});
