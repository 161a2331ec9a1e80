/**
 * A wait for a consumer: until an event arrives that matches, something becomes due, or something
 * was done to the consumer. New events are told of by a live stream from where the consumer has
 * looked: so the wait counts among the streams of its key, and ends as they do when the key is
 * revoked, the workspace deleted or the gateway stops.
 */
import type { ConsumerPlan } from '../core/consumer.ts';
import type { Live } from '../live/live.ts';
import { compileStreamFilter } from '../live/stream-filter.ts';
import type { LiveStream } from '../live/stream.ts';
import type { Round } from './pull-queue.ts';
import type { WakeUps } from './wake-ups.ts';

export interface WaitingOptions {
  readonly live: Pick<Live, 'subscribe'>;
  readonly wakeUps: Pick<WakeUps, 'add'>;
  readonly elapsedMs: () => number;
}

/** Non-matching positions after which the consumer is moved on: what follows is found sooner. */
const LOOK_AHEAD = 10_000;
/** While nothing can be leased before something is settled, which another gateway may hear of. */
const FULL_MS = 1_000;

export interface Wait {
  readonly round: Round;
  readonly ms: number;
  /** Of the key that waits; null: the gateway itself. */
  readonly tag: number | null;
  readonly signal: AbortSignal;
}

/** @throws StreamEnded as a live stream: KEY_REVOKED, NOT_FOUND, GOING_AWAY, TOO_MANY_STREAMS */
export async function waitForNews(options: WaitingOptions, wait: Wait): Promise<void> {
  const { round, signal } = wait;
  if (signal.aborted) return;
  const { wakeUps, elapsedMs } = options;
  const over = new AbortController();
  const wake = () => over.abort();
  const isFull = round.state === 'FULL';
  const timer = setTimeout(wake, Math.min(wait.ms, isFull ? FULL_MS : Infinity, 2 ** 31 - 1));
  signal.addEventListener('abort', wake, { once: true });
  const remove = wakeUps.add({
    workspaceId: round.plan.workspaceId,
    consumerId: round.plan.id,
    turn: round.turn,
    wake,
    wantsSettled: isFull || round.plan.orderedBy !== null,
    dueAtMs: round.dueInMs === null ? null : elapsedMs() + round.dueInMs,
  });
  try {
    // Also where events can't be leased: a stream ends with its key.
    const stream = openStream(options.live, wait, over.signal);
    await untilNews(stream, isFull ? Infinity : round.scanned.position);
  } finally {
    clearTimeout(timer);
    remove();
    signal.removeEventListener('abort', wake);
    over.abort();
  }
}

function openStream(
  live: Pick<Live, 'subscribe'>,
  { round, tag }: Wait,
  signal: AbortSignal,
): LiveStream {
  const { workspaceId, filter }: ConsumerPlan = round.plan;
  return live.subscribe({
    workspaceId,
    signal,
    checkpoints: true,
    // Paused or full, what arrives is of no interest.
    start: round.state === 'CAUGHT_UP' ? round.scanned : 'NOW',
    ...(filter !== null && compileStreamFilter(filter)),
    ...(tag !== null && { tag, scope: 'EVENTS_CONSUME' }),
  });
}

/** Until the stream has something after the position, or is over. */
async function untilNews(stream: LiveStream, position: number): Promise<void> {
  for (;;) {
    const batch = await stream.nextBatch(64);
    if (batch.length === 0) return;
    const isNews = batch.some(({ kind, place }) => {
      const beyond = place.position - position;
      return kind === 'EVENT' ? beyond > 0 : beyond > LOOK_AHEAD;
    });
    if (isNews) return void (await stream.return());
  }
}
