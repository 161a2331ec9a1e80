/**
 * LISTEN on a connection of its own. Notifications are hints: after every loss the listener
 * connects again and says "look", since what was sent in between is gone. A connection that
 * died without a word is noticed by a heartbeat.
 *
 * Each listener holds a shared lock and greets the others when it joins, so that one that is alone
 * knows it, and need not notify anybody.
 */
import { randomUUID } from 'node:crypto';
import { backoffMs } from '../core/isomorphic.ts';
import type { Session } from './session.ts';

export interface Listening {
  /** Whether no other process listens to a channel of this database. False where that is not known. */
  readonly isAlone: boolean;
  stop(): Promise<void>;
}

export interface ListenOptions {
  readonly channel: string;
  readonly open: (onNotify: (payload: string) => void) => Promise<Session>;
  readonly onNotify: (payload: string) => void;
  /** Called whenever notifications may have been missed. */
  readonly onLook: () => void;
  /** Called when another process begins to listen: what it was not told may be told now. */
  readonly onJoined: () => void;
  /** Called with the first failure of a row of them: it is tried again until stopped. */
  readonly onFailure: (error: unknown) => void;
}

const HEARTBEAT_MS = 5_000;
/** Nobody is there to be heard, and who joins says so. */
const ALONE_HEARTBEAT_MS = 20_000;
const BACKOFF = { minMs: 100, maxMs: 3_000 };
/** Shared by all listeners of the database; beside `WORKSPACE_LOCK`. */
const LISTENERS_LOCK = 718_302;
const JOINED = 'joined:';
/** How many other sessions listen. */
export const GATEWAYS_SQL = `select count(*) from pg_locks
  where locktype = 'advisory' and classid = ${LISTENERS_LOCK} and granted
    and database = (select oid from pg_database where datname = current_database())
    and pid <> pg_backend_pid()`;
const HEARD_WITHIN_MS = 2_000;
const UNHEARD =
  'a session does not receive its own notifications: something between the gateway and ' +
  'Postgres does not pass them on';

/** Resolves once the first attempt has ended, listening or not; goes on trying until stopped. */
export async function startListening(options: ListenOptions): Promise<Listening> {
  const self = `${JOINED}${randomUUID()}`;
  let stopped = false;
  let isAlone = false;
  let joined = 0;
  let done: Promise<void> = Promise.resolve();
  // Ends early when the session is lost or listening stops.
  const { pause, wake } = createPause();

  function onNotify(payload: string): void {
    if (!payload.startsWith(JOINED)) return options.onNotify(payload);
    joined++;
    isAlone = false;
    options.onJoined();
  }

  async function untilLost(session: Session): Promise<void> {
    void session.gone.then(wake);
    while (!session.lost && !stopped) {
      await lookAround(session).catch(() => session.destroy());
      if (!session.lost && !stopped) await pause(isAlone ? ALONE_HEARTBEAT_MS : HEARTBEAT_MS);
    }
    isAlone = false;
  }

  /** The heartbeat: asks who else listens. */
  async function lookAround(session: Session): Promise<void> {
    const joinedBefore = joined;
    const [row] = (await session.run({ text: GATEWAYS_SQL, params: [] })) as [{ count: number }];
    // Who joins behind the question is heard before the answer is.
    if (joined === joinedBefore) isAlone = row.count === 0 && !session.lost;
  }

  async function keepListening(onAttempt: () => void): Promise<void> {
    let isToldOf = false;
    for (let failures = 0; !stopped; failures++) {
      const session = await connect(options, onNotify, self).catch((error: unknown) => {
        if (!isToldOf) options.onFailure(error);
        isToldOf = true;
      });
      if (session) {
        failures = 0;
        isToldOf = false;
        options.onLook();
      }
      onAttempt();
      if (session) await untilLost(session);
      session?.close();
      if (!stopped) await pause(backoffMs(failures, BACKOFF));
    }
  }

  await new Promise<void>(resolve => {
    done = keepListening(resolve);
  });
  async function stop(): Promise<void> {
    stopped = true;
    wake();
    await done;
  }
  return {
    get isAlone() {
      return isAlone;
    },
    stop,
  };
}

function createPause() {
  let end = () => {};
  return {
    pause: (ms: number) =>
      new Promise<void>(resolve => {
        const timer = setTimeout(resolve, ms);
        end = () => (clearTimeout(timer), resolve());
      }),
    wake: () => end(),
  };
}

async function connect(
  { channel, open }: ListenOptions,
  onNotify: (payload: string) => void,
  self: string,
): Promise<Session> {
  let hear = () => {};
  const heard = new Promise<void>(resolve => (hear = resolve));
  const session = await open(payload => (payload === self ? hear() : onNotify(payload)));
  try {
    await session.run({ text: `listen "${channel.replaceAll('"', '""')}"`, params: [] });
    // It greets once it is counted: who asks who else listens hears of it in one way or the other.
    await session.run({
      text: 'select pg_advisory_lock_shared($1, 0)',
      params: [LISTENERS_LOCK],
    });
    await session.run({ text: 'select pg_notify($1, $2)', params: [channel, self] });
    await inTime(Promise.race([heard, session.gone]));
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/** @throws Error where a pooler or the like passes on statements and no notifications */
function inTime(heard: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(UNHEARD)), HEARD_WITHIN_MS);
    void heard.then(() => (clearTimeout(timer), resolve()));
  });
}
