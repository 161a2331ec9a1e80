/**
 * Wake-ups by NOTIFY: one statement at once, and the next, for all that came meanwhile, a few
 * milliseconds after it was answered. It is no part of a flush, since Postgres lets transactions
 * that notify commit only one after another. Where no other process listens, heads are kept, and
 * sent to the first that joins.
 */
import type { Database, Listening } from '../db/client.ts';
import type { Connection } from '../db/connection.ts';
import type { LiveClock } from './clock.ts';
import { type Forgotten, type Hint, mergeHeads, type Wakeup, WITHOUT_EVENTS } from './wakeup.ts';

/** What is announced this soon after a NOTIFY waits for the next one. */
const GATHER_MS = 10;

export interface PostgresWakeupOptions {
  readonly listen: Database['listen'];
  /** Sends the hints; not that of a writer. */
  readonly connection: Connection;
  readonly clock: LiveClock;
  /** Hears that a wake-up was not sent. */
  readonly onFailure: (error: unknown) => void;
  /** Hears that nothing can be heard; it is tried again. */
  readonly onDeaf: (error: unknown) => void;
}

const CHANNEL = 'sluice_heads';
/** A payload must be shorter than 8,000 bytes. */
const PAYLOAD_BYTES_MAX = 7_999;
/** More workspaces than fit in a payload anyway. */
const WAITING_MAX = 4_000;
/** The commit of a hint need not be durable. */
const NOTIFY = `select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`;
const FORGET = 'forget:';

export function createPostgresWakeup(options: PostgresWakeupOptions): Wakeup {
  const stopping = new AbortController();
  let listening: Promise<Listening> | undefined;
  let present: Listening | undefined;
  const sender = createSender(options, stopping.signal, () => present?.isAlone === true);
  let hear: (hint: Hint) => void = () => {};
  let hearForgotten: (forgotten: Forgotten) => void = () => {};

  function onNotify(payload: string): void {
    const ids = decodeForgotten(payload);
    if (ids === null) hear(decodeHint(payload));
    else hearForgotten(ids);
  }

  function onLook(): void {
    hearForgotten('ALL');
    hear('ALL');
  }

  return {
    ...WITHOUT_EVENTS,
    announce: sender.announce,
    forget: sender.forget,
    onHint(listener) {
      hear = listener;
    },
    onForget(listener) {
      hearForgotten = listener;
    },
    async start() {
      listening ??= options.listen({
        channel: CHANNEL,
        onNotify,
        onLook,
        onJoined: sender.send,
        onFailure: options.onDeaf,
      });
      present = await listening;
    },
    async stop() {
      stopping.abort();
      hear = () => {};
      hearForgotten = () => {};
      await sender.idle();
      await (await listening)?.stop();
    },
  };
}

/** One NOTIFY at a time. */
function createSender(
  options: PostgresWakeupOptions,
  stopping: AbortSignal,
  isAlone: () => boolean,
) {
  const { clock, connection, onFailure } = options;
  let waiting = new Map<number, number>();
  let forgotten = new Set<number>();
  let sending: Promise<void> | null = null;

  const areHeadsDue = () => waiting.size > 0 && !isAlone();

  function send(): void {
    if (forgotten.size > 0 || areHeadsDue()) sending ??= sendAll();
  }

  async function sendAll(): Promise<void> {
    for (;;) {
      if (forgotten.size > 0) await sendForgotten();
      else if (areHeadsDue()) await sendWaiting();
      else break;
      await clock.sleep(GATHER_MS, stopping);
    }
    sending = null;
  }

  async function sendWaiting(): Promise<void> {
    const payload = encodeHint(waiting);
    waiting = new Map();
    await notify(payload);
  }

  async function sendForgotten(): Promise<void> {
    const payload = `${FORGET}${[...forgotten].join(',')}`;
    forgotten = new Set();
    await notify(payload);
  }

  /** Lost hints are what the poll is for. */
  async function notify(payload: string): Promise<void> {
    await connection.query(NOTIFY, [CHANNEL, payload]).catch(onFailure);
  }

  return {
    send,
    announce(heads: ReadonlyMap<number, number>): void {
      if (stopping.aborted) return;
      if (waiting.size < WAITING_MAX) mergeHeads(waiting, heads);
      send();
    },
    /** Sent in any case: what is kept elsewhere of something redacted must not stay there. */
    forget(workspaceId: number): void {
      forgotten.add(workspaceId);
      send();
    },
    idle: async () => void (await sending),
  };
}

/** `workspace:head,workspace:head`, or nothing where that is too long: look at all. */
function encodeHint(heads: ReadonlyMap<number, number>): string {
  const text = Array.from(heads, pair => pair.join(':')).join(',');
  return text.length > PAYLOAD_BYTES_MAX ? '' : text;
}

function decodeForgotten(payload: string): number[] | null {
  if (!/^forget:\d+(,\d+)*$/.test(payload)) return null;
  return payload.slice(FORGET.length).split(',').map(Number);
}

/** Anybody with a connection can notify: what is not ours means to look at all. */
function decodeHint(payload: string): Hint {
  if (!/^\d+:\d+(,\d+:\d+)*$/.test(payload)) return 'ALL';
  const pairs = payload.split(',').map(pair => pair.split(':').map(Number));
  return new Map(pairs.map(([workspaceId = 0, head = 0]) => [workspaceId, head]));
}
