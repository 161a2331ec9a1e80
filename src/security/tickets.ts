/**
 * Tickets for an EventSource, which can send no header: one use, 60 seconds, good for what their
 * key may do. They are kept in the database, as their hash: one use is a promise of all gateways
 * together, so there must be a common place that remembers it, and signatures would spare nothing.
 *
 * An EventSource that loses its connection asks again by itself, with the address it has and the
 * `Last-Event-ID` it has seen. That is no second use as long as its stream lives, and for as long
 * after its end as a ticket is valid: the gateway of an open stream renews its ticket, so that the
 * reader may come back to any other when that one is killed.
 */
import { randomBytes } from 'node:crypto';
import { GatewayError } from '../core/errors.ts';
import { unauthenticated, type Principal, type Scope } from '../core/principal.ts';
import type { Connection } from '../db/client.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import { hashSecret } from './keys.ts';

export interface Tickets {
  /** @throws GatewayError UNAUTHENTICATED, RATE_LIMITED where it has `TICKETS_PER_KEY_MAX` valid ones */
  create(principal: Principal): Promise<{ ticket: string; expiresAt: Date }>;
  /** @throws GatewayError UNAUTHENTICATED for one that was used, has expired or never was. */
  redeem(ticket: string, use: TicketUse): Promise<Principal>;
  start(): void;
  stop(): void;
}

export interface TicketUse {
  /** Whether the caller says what it has seen last of its stream. */
  readonly isResuming: boolean;
  /** Calls back when the stream that the ticket opened is over. */
  readonly onceOver: (ended: () => void) => void;
}

export interface TicketsOptions {
  readonly write: Connection;
  readonly onError: (error: unknown) => void;
  /** How often tickets of open streams are renewed. @default 20000 */
  readonly renewEveryMs?: number;
}

const VALID_S = 60;
/** Valid tickets of one key, those of open streams among them; a few more where many ask at once. */
const TICKETS_PER_KEY_MAX = 1_000;
/** A renewal may come late, after an outage: it must find its ticket. */
const KEPT_AFTER_S = 600;

const CREATE = `
  with swept as (
    delete from stream_tickets where hash in (
      select hash from stream_tickets
      where key_id = $1 and expires_at < now() - make_interval(secs => ${KEPT_AFTER_S})
      for update skip locked)
  ), key as (
    select id from api_keys where id = $1 for key share
  ), made as (
    insert into stream_tickets (hash, key_id, expires_at)
    select $2, id, now() + make_interval(secs => ${VALID_S}) from key
    where (select count(*) from stream_tickets where key_id = $1 and expires_at > now())
      < ${TICKETS_PER_KEY_MAX}
    returning expires_at
  )
  select made.expires_at from key left join made on true`;
const REDEEM = `
  update stream_tickets t
  set used = true, expires_at = now() + make_interval(secs => ${VALID_S})
  from api_keys k
  where t.hash = $1 and t.expires_at > now() and (not t.used or $2) and k.id = t.key_id
    and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  returning k.id, k.scopes, k.workspace_id`;
const RENEW = `
  update stream_tickets set expires_at = now() + make_interval(secs => ${VALID_S})
  where hash = any ($1::text::text[])`;

export function createTickets(options: TicketsOptions): Tickets {
  const { write, onError, renewEveryMs = 20_000 } = options;
  /** Streams of each ticket that are open here. */
  const open = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  function renew(hashes: Iterable<string>): void {
    const all = [...hashes];
    if (all.length > 0) write.query(RENEW, [`{${all.join(',')}}`]).catch(onError);
  }

  function keep(hash: string, { onceOver }: TicketUse): void {
    open.set(hash, (open.get(hash) ?? 0) + 1);
    onceOver(() => {
      const left = (open.get(hash) ?? 1) - 1;
      if (left === 0) open.delete(hash);
      else open.set(hash, left);
      renew([hash]);
    });
  }

  return {
    async create({ keyId }) {
      const ticket = randomBytes(32).toString('base64url');
      const [made] = await asked<MadeRow>(write, CREATE, [keyId, hashSecret(ticket)]);
      // Its workspace was deleted a moment ago, and it went with it.
      if (made === undefined) throw unauthenticated();
      if (made.expires_at !== null) return { ticket, expiresAt: made.expires_at };
      throw new GatewayError(
        'RATE_LIMITED',
        `A key may have ${TICKETS_PER_KEY_MAX} valid tickets, those of open streams among them.`,
        { retryAfterS: VALID_S },
      );
    },
    async redeem(ticket, use) {
      const hash = hashSecret(ticket);
      const [key] = await asked<KeyRow>(write, REDEEM, [hash, use.isResuming]);
      if (key === undefined) throw unauthenticated();
      keep(hash, use);
      return { keyId: key.id, scopes: key.scopes, workspaceId: key.workspace_id };
    },
    start() {
      timer ??= setInterval(() => renew(open.keys()), renewEveryMs);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}

/** Null where the key has as many as it may. */
interface MadeRow {
  readonly expires_at: Date | null;
}

interface KeyRow {
  readonly id: number;
  readonly scopes: Scope[];
  readonly workspace_id: number | null;
}

async function asked<Row extends object>(
  write: Connection,
  text: string,
  params: readonly (string | number | boolean)[],
): Promise<Row[]> {
  try {
    return await write.query<Row>(text, params);
  } catch (error) {
    throw toGatewayError(error, 'write');
  }
}
