/**
 * LISTEN on a connection of its own. Notifications are hints: after every loss the listener
 * connects again and says "look", since what was sent in between is gone. A connection that
 * died without a word is noticed by a heartbeat.
 */
import type { Session } from './session.ts';

export interface Listening {
  stop(): Promise<void>;
}

export interface ListenOptions {
  readonly channel: string;
  readonly open: (onNotify: (payload: string) => void) => Promise<Session>;
  readonly onNotify: (payload: string) => void;
  /** Called whenever notifications may have been missed. */
  readonly onLook: () => void;
  /** Called with the first failure of a row of them: it is tried again until stopped. */
  readonly onFailure: (error: unknown) => void;
}

const HEARTBEAT_MS = 5_000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 3_000;

/** Resolves once the first attempt has ended, listening or not; goes on trying until stopped. */
export async function startListening(options: ListenOptions): Promise<Listening> {
  let stopped = false;
  let wake = () => {};
  let done: Promise<void> = Promise.resolve();

  /** Ends early when the session is lost or listening stops. */
  function pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      wake = () => (clearTimeout(timer), resolve());
    });
  }

  async function untilLost(session: Session): Promise<void> {
    void session.gone.then(() => wake());
    while (!session.lost && !stopped) {
      await pause(HEARTBEAT_MS);
      if (session.lost || stopped) return;
      await session.run({ text: 'select 1', params: [] }).catch(() => session.destroy());
    }
  }

  async function keepListening(onAttempt: () => void): Promise<void> {
    let isToldOf = false;
    for (let failures = 0; !stopped; failures++) {
      const session = await connect(options).catch((error: unknown) => {
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
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** failures);
      if (!stopped) await pause(backoffMs * (0.5 + Math.random() / 2));
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
  return { stop };
}

async function connect({ channel, open, onNotify }: ListenOptions): Promise<Session> {
  const session = await open(onNotify);
  try {
    await session.run({ text: `listen "${channel.replaceAll('"', '""')}"`, params: [] });
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  }
}
