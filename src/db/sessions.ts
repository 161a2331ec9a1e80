/**
 * The sessions of a pool: opened as they are needed, lent to one user at a time, dropped when
 * they are lost or old. Places bound how many there are: a user takes a place first, then a
 * session that is idle or a new one. Places are shared fairly between tenants.
 */
import { GatewayError } from '../core/errors.ts';
import { FairPlaces, mayHold, NO_TENANT, type Crowd, type Tenant } from '../core/fairness.ts';
import type { Session } from './session.ts';

export interface SessionsOptions {
  readonly connectionsMax: number;
  readonly waitingMax: number;
  readonly waitMs: number;
  /** Of all pools. */
  readonly crowd?: Crowd | undefined;
  readonly open: () => Promise<Session>;
}

export interface Sessions {
  /** @throws GatewayError SERVICE_UNAVAILABLE when none comes free in time. */
  take(tenant: Tenant): Promise<Session>;
  /** What the tenant took is what it is charged. */
  giveBack(session: Session, tenant: Tenant, tookMs: number): void;
  /** Sessions that are open or opening, and who waits for one. */
  stats(): { readonly open: number; readonly waiting: number };
  stop(): Promise<void>;
}

/** Prepared statements pile up and servers move: a session is renewed after this long. */
const SESSION_AGE_MAX_MS = 30 * 60_000;
const STOP_WITHIN_MS = 5_000;

export function createSessions(options: SessionsOptions): Sessions {
  const idle: Session[] = [];
  const places = createPlaces(options);
  let stopped = false;
  let onEmpty = () => {};

  async function take(tenant: Tenant): Promise<Session> {
    if (stopped) throw unavailable('The gateway is stopping.');
    if (!places.take(tenant)) await places.wait(tenant);
    try {
      return takeIdle() ?? (await options.open());
    } catch (error) {
      leave(tenant, 0);
      throw error;
    }
  }

  function leave(tenant: Tenant, tookMs: number): void {
    places.leave(tenant, tookMs);
    if (places.taken === 0) onEmpty();
  }

  function takeIdle(): Session | undefined {
    for (let session = idle.pop(); session !== undefined; session = idle.pop()) {
      if (isUsable(session)) return session;
      session.close();
    }
    return undefined;
  }

  function giveBack(session: Session, tenant: Tenant, tookMs: number): void {
    if (isUsable(session) && !stopped) idle.push(session);
    else session.close();
    leave(tenant, tookMs);
  }

  async function stop(): Promise<void> {
    stopped = true;
    places.refuse(unavailable('The gateway is stopping.'));
    for (const session of idle.splice(0)) session.close();
    if (places.taken === 0) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, STOP_WITHIN_MS);
      onEmpty = () => (clearTimeout(timer), resolve());
    });
  }

  const stats = () => ({ open: places.taken + idle.length, waiting: places.waiting });
  return { take, giveBack, stats, stop };
}

interface Waiter {
  readonly timer: NodeJS.Timeout;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The places: who waits for one does so for a bounded time. */
function createPlaces({ connectionsMax, waitingMax, waitMs, crowd }: SessionsOptions) {
  const places = new FairPlaces<Waiter>(connectionsMax, crowd);
  const { waiting } = places;

  function mayWait(tenant: Tenant): boolean {
    const own = tenant === NO_TENANT ? 0 : waiting.sizeOf(tenant);
    return mayHold({ own, all: waiting.size, max: waitingMax }, 1);
  }

  return {
    take: (tenant: Tenant) => places.take(tenant),
    /** Resolves when the tenant has a place. */
    wait(tenant: Tenant): Promise<void> {
      if (!mayWait(tenant)) {
        throw unavailable('Too many statements wait for the database: try again shortly.');
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(tenant, waiter);
          reject(unavailable('The database is busy: try again shortly.'));
        }, waitMs);
        const waiter: Waiter = { timer, resolve, reject };
        places.wait(tenant, waiter);
      });
    },
    leave(tenant: Tenant, tookMs: number): void {
      for (const { timer, resolve } of places.leave(tenant, tookMs)) {
        clearTimeout(timer);
        resolve();
      }
    },
    refuse(error: Error): void {
      for (const { timer, reject } of waiting.clear()) {
        clearTimeout(timer);
        reject(error);
      }
    },
    get taken() {
      return places.taken;
    },
    get waiting() {
      return waiting.size;
    },
  };
}

function isUsable(session: Session): boolean {
  return !session.lost && Date.now() - session.openedAtMs < SESSION_AGE_MAX_MS;
}

function unavailable(message: string): GatewayError {
  return new GatewayError('SERVICE_UNAVAILABLE', message, { retryAfterS: 1 });
}
