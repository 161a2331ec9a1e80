/**
 * The sessions of a lane: opened as they are needed, lent to one user at a time, dropped when
 * they are lost or old. The bound is on slots, the right to one connection: a slot is taken
 * before its session is opened, and passes to the next who waits with its session or, where
 * that was lost, without.
 */
import { GatewayError } from '../core/errors.ts';
import type { Session } from './session.ts';

export interface SessionsOptions {
  readonly connectionsMax: number;
  readonly waitingMax: number;
  readonly waitMs: number;
  readonly open: () => Promise<Session>;
}

export interface Sessions {
  /** @throws GatewayError SERVICE_UNAVAILABLE when none comes free in time. */
  take(): Promise<Session>;
  giveBack(session: Session): void;
  /** Sessions that are open or opening, and who waits for one. */
  stats(): { readonly open: number; readonly waiting: number };
  stop(): Promise<void>;
}

/** Prepared statements pile up and servers move: a session is renewed after this long. */
const SESSION_AGE_MAX_MS = 30 * 60_000;
const STOP_WITHIN_MS = 5_000;

export function createSessions(options: SessionsOptions): Sessions {
  const idle: Session[] = [];
  const queue = createQueue(options);
  let slotsTaken = 0;
  let stopped = false;
  let onEmpty = () => {};

  async function take(): Promise<Session> {
    if (stopped) throw unavailable('The gateway is stopping.');
    for (let session = idle.pop(); session !== undefined; session = idle.pop()) {
      if (isUsable(session)) return session;
      session.close();
      freeSlot();
    }
    if (slotsTaken < options.connectionsMax) {
      slotsTaken++;
      return open();
    }
    return (await queue.wait()) ?? open();
  }

  async function open(): Promise<Session> {
    try {
      return await options.open();
    } catch (error) {
      passOn(undefined);
      throw error;
    }
  }

  function passOn(session: Session | undefined): void {
    if (queue.grant(session)) return;
    if (session !== undefined && !stopped) return void idle.push(session);
    session?.close();
    freeSlot();
  }

  function freeSlot(): void {
    slotsTaken--;
    if (slotsTaken === 0) onEmpty();
  }

  function giveBack(session: Session): void {
    if (isUsable(session)) return passOn(session);
    session.close();
    passOn(undefined);
  }

  async function stop(): Promise<void> {
    stopped = true;
    queue.refuse(unavailable('The gateway is stopping.'));
    for (const session of idle.splice(0)) giveBack(session);
    if (slotsTaken === 0) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, STOP_WITHIN_MS);
      onEmpty = () => (clearTimeout(timer), resolve());
    });
  }

  const stats = () => ({ open: slotsTaken, waiting: queue.length() });
  return { take, giveBack, stats, stop };
}

interface Queue {
  wait(): Promise<Session | undefined>;
  /** Gives the slot to who waits longest; false when nobody does. */
  grant(session: Session | undefined): boolean;
  refuse(error: Error): void;
  length(): number;
}

function createQueue({ waitingMax, waitMs }: SessionsOptions): Queue {
  interface Waiter {
    readonly timer: NodeJS.Timeout;
    readonly resolve: (session: Session | undefined) => void;
    readonly reject: (error: Error) => void;
  }
  const waiting = new Set<Waiter>();

  function leave(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    waiting.delete(waiter);
  }

  function wait(): Promise<Session | undefined> {
    if (waiting.size >= waitingMax) {
      throw unavailable('Too many statements wait for the database: try again shortly.');
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        leave(waiter);
        reject(unavailable('The database is busy: try again shortly.'));
      }, waitMs);
      const waiter: Waiter = { timer, resolve, reject };
      waiting.add(waiter);
    });
  }

  function grant(session: Session | undefined): boolean {
    const [next] = waiting;
    if (next === undefined) return false;
    leave(next);
    next.resolve(session);
    return true;
  }

  function refuse(error: Error): void {
    for (const waiter of [...waiting]) {
      leave(waiter);
      waiter.reject(error);
    }
  }

  return { wait, grant, refuse, length: () => waiting.size };
}

function isUsable(session: Session): boolean {
  return !session.lost && Date.now() - session.openedAtMs < SESSION_AGE_MAX_MS;
}

function unavailable(message: string): GatewayError {
  return new GatewayError('SERVICE_UNAVAILABLE', message, { retryAfterS: 1 });
}
