/**
 * Wake-ups by NOTIFY: one statement at once, and the next, for all that came meanwhile, a few
 * milliseconds after it was answered. It is no part of a flush, since Postgres lets transactions
 * that notify commit only one after another.
 */
import type { Database } from '../db/client.ts';
import type { Connection } from '../db/connection.ts';
import type { LiveClock } from './clock.ts';
import { type Forgotten, type Hint, mergeHeads, type Wakeup } from './wakeup.ts';

export interface PostgresWakeupOptions {
  readonly listen: Database['listen'];
  /** Sends the hints; not that of a writer. */
  readonly connection: Connection;
  readonly clock: LiveClock;
  /** What is announced this soon after a NOTIFY waits for the next. @default 5 */
  readonly gatherMs?: number;
  readonly onFailure: (error: unknown) => void;
}

const CHANNEL = 'sluice_heads';
/** A payload must be shorter than 8,000 bytes. */
const PAYLOAD_BYTES_MAX = 7_999;
/** More workspaces than fit in a payload anyway. */
const WAITING_MAX = 4_000;
/** The commit of a hint need not be durable. */
const NOTIFY = `select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`;
const FORGET = 'forget:';
const FORGET_AGAIN_MS = 200;

export function createPostgresWakeup(options: PostgresWakeupOptions): Wakeup {
  const stopping = new AbortController();
  const sender = createSender(options, stopping.signal);
  let listening: Promise<{ stop(): Promise<void> }> | undefined;
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
    announce: sender.announce,
    forget: sender.forget,
    onHint(listener) {
      hear = listener;
    },
    onForget(listener) {
      hearForgotten = listener;
    },
    async start() {
      listening ??= options.listen(CHANNEL, onNotify, onLook);
      await listening;
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
function createSender(options: PostgresWakeupOptions, stopping: AbortSignal) {
  const { clock, gatherMs = 5, connection, onFailure } = options;
  let waiting = new Map<number, number>();
  let forgotten = new Set<number>();
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    for (;;) {
      if (forgotten.size > 0) await sendForgotten();
      else if (waiting.size > 0) await sendWaiting();
      else break;
      await clock.sleep(gatherMs, stopping);
    }
    sending = null;
  }

  async function sendWaiting(): Promise<void> {
    const payload = encodeHint(waiting);
    waiting = new Map();
    // Lost hints are what the poll is for.
    await notify(payload).catch(onFailure);
  }

  /** Beneath this there is no poll: what could not be sent is sent again. */
  async function sendForgotten(): Promise<void> {
    const ids = [...forgotten];
    forgotten = new Set();
    try {
      await notify(`${FORGET}${ids.join(',')}`);
    } catch (error) {
      onFailure(error);
      await clock.sleep(FORGET_AGAIN_MS, stopping);
      if (!stopping.aborted) for (const id of ids) forgotten.add(id);
    }
  }

  function notify(payload: string): Promise<unknown> {
    return connection.query(NOTIFY, [CHANNEL, payload]);
  }

  return {
    announce(heads: ReadonlyMap<number, number>): void {
      if (stopping.aborted) return;
      if (waiting.size < WAITING_MAX) mergeHeads(waiting, heads);
      if (waiting.size > 0) sending ??= sendAll();
    },
    forget(workspaceId: number): void {
      forgotten.add(workspaceId);
      sending ??= sendAll();
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
