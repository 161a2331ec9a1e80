/**
 * Tickets for an EventSource, which can send no header, so that its address carries one. A ticket
 * is therefore worth little: within 60 seconds it opens one subscription, once, in one workspace,
 * for reading. It is kept in the database, as its hash: one use is a promise of all gateways
 * together, so there must be a common place that remembers it, and signatures would spare nothing.
 *
 * An EventSource that loses its connection asks again by itself, with the address it has and the
 * `Last-Event-ID` it has seen. That is no second use where the ticket has opened a stream, the
 * operation is the same, and the id is a cursor of that stream. It may come back as long as the
 * stream lives and 60 seconds more, to any gateway: the gateway of the open stream says so in the
 * database. A use alone prolongs nothing, and a day after the opening it is over.
 */
import { hash, randomBytes } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import { eventCursors } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { actorOf, unauthenticated, type Principal } from '../core/principal.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { onBehalfOf } from '../db/connection.ts';
import { apiKeys, streamTickets, workspaces } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import { isValidKey } from '../db/stored-api-key.ts';
import { allowsOf } from './address-ranges.ts';
import { hashSecret } from './key-secret.ts';

const k = columnsOf(apiKeys, 'k');
const w = columnsOf(workspaces, 'w');
const made = columnsOf(streamTickets, 'made');
const t = columnsOf(streamTickets, 't');
const TICKET = columnsOf(streamTickets);
const WORKSPACE = columnsOf(workspaces);

/** What a ticket is good for. */
export interface TicketPurpose {
  /** The one workspace. */
  readonly workspaceId: number;
  /** Of `hashOperation`; null: the first use decides. */
  readonly operation: string | null;
}

export interface TicketUse {
  /** Of `hashOperation`. */
  readonly operation: string;
  /** What the caller says that it has seen last of its stream. */
  readonly lastEventId: string | null;
  readonly address: string;
  /** Calls back when the stream that the ticket opened is over. */
  readonly onceOver: (ended: () => void) => void;
}

export interface Redeemed {
  /** May read events of the one workspace, and nothing else. */
  readonly principal: Principal;
  /** To be called, and awaited, before the first cursor of the stream is sent. */
  readonly opened: (cursor: string) => Promise<void>;
}

export interface Tickets {
  /**
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN without the scope EVENTS_READ, RATE_LIMITED where
   * the key has `TICKETS_PER_KEY_MAX` valid ones
   */
  create(
    principal: Principal,
    purpose: TicketPurpose,
  ): Promise<{ readonly ticket: string; readonly expiresAt: Date }>;
  /** @throws GatewayError UNAUTHENTICATED for one that is not good for this use. */
  redeem(ticket: string, use: TicketUse): Promise<Redeemed>;
  start(): void;
  stop(): void;
}

export interface TicketsOptions {
  readonly write: Connection;
  /** Of the database: cursors carry it. */
  readonly epoch: string;
  readonly onError: (error: unknown) => void;
  /** How often the database hears of streams that are open. @default 20000 */
  readonly renewEveryMs?: number;
}

export interface Operation {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The same for the same document, operation and variables. */
export function hashOperation({ query, operationName, variables }: Operation): string {
  const asked = canonicalJson([query, operationName ?? null, variables ?? {}]);
  return hash('sha256', asked, 'hex');
}

const { streamTicketSeconds: VALID_S, streamResumableHours: RESUMABLE_H } = LIMITS;
/** Valid tickets of one key, those of open streams among them; a few more where many ask at once. */
const TICKETS_PER_KEY_MAX = 1_000;
/** News of an open stream may come late, after an outage: it must find its ticket. */
const KEPT_AFTER_S = 600;

const LAST_USE = sqlText`greatest(${TICKET.expires_at}, ${TICKET.resumable_until})`;
const CREATE = sqlText`
  with allowed as materialized (
    select require_key($1::int, $5::text)
  ), swept as (
    delete from stream_tickets where ${TICKET.hash} in (
      select ${TICKET.hash} from stream_tickets
      where ${TICKET.key_id} = $1 and ${LAST_USE} < now() - make_interval(secs => ${KEPT_AFTER_S})
      for update skip locked)
  ), holder as (
    select ${k.id}, ${w.id} as ${TICKET.workspace_id} from allowed, api_keys k, workspaces w
    where ${k.id} = $1 and ${w.id} = $3 for key share of k, w
  ), made as (
    insert into stream_tickets (${TICKET.hash}, ${TICKET.key_id}, ${TICKET.workspace_id}, ${TICKET.operation}, ${TICKET.expires_at})
    select $2, ${WORKSPACE.id}, ${TICKET.workspace_id}, $4, now() + make_interval(secs => ${VALID_S}) from holder
    where (select count(*) from stream_tickets where ${TICKET.key_id} = $1 and ${LAST_USE} > now())
      < ${TICKETS_PER_KEY_MAX}
    returning ${TICKET.expires_at}
  )
  select ${made.expires_at} from holder left join made on true`;
const KEY_MAY_READ = sqlText`
  ${k.id} = ${t.key_id} and ${isValidKey(k)}
    and ${k.scopes} && '{EVENTS_READ,ADMIN}' and ${t.workspace_id} is not null
    and (${k.workspace_id} is null or ${k.workspace_id} = ${t.workspace_id})`;
const USE = sqlText`
  update stream_tickets t set ${TICKET.used} = true, ${TICKET.operation} = $2
  from api_keys k
  where ${t.hash} = $1 and not ${t.used} and ${t.expires_at} > now()
    and (${t.operation} is null or ${t.operation} = $2) and ${KEY_MAY_READ}
  returning ${k.id}, ${k.addresses}, ${t.workspace_id}, ${t.first_position}`;
const RESUME = sqlText`
  select ${k.id}, ${k.addresses}, ${t.workspace_id}, ${t.first_position}
  from stream_tickets t, api_keys k
  where ${t.hash} = $1 and ${t.used} and ${t.operation} = $2 and ${t.resumable_until} > now()
    and ${KEY_MAY_READ}`;
const RESUMABLE_UNTIL = sqlText`
  least(now() + make_interval(secs => ${VALID_S}),
    coalesce(${TICKET.opened_at}, now()) + make_interval(hours => ${RESUMABLE_H}))`;
const OPENED = sqlText`
  update stream_tickets set ${TICKET.opened_at} = coalesce(${TICKET.opened_at}, now()),
    ${TICKET.first_position} = coalesce(${TICKET.first_position}, $2), ${TICKET.resumable_until} = ${RESUMABLE_UNTIL}
  where ${TICKET.hash} = $1`;
const RENEW = sqlText`
  update stream_tickets set ${TICKET.resumable_until} = ${RESUMABLE_UNTIL}
  where ${TICKET.hash} = any ($1::text::text[]) and ${TICKET.opened_at} is not null`;

export function createTickets(options: TicketsOptions): Tickets {
  const { write, epoch, onError, renewEveryMs = 20_000 } = options;
  /** Streams of each ticket that are open here. */
  const open = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  function renew(hashes: Iterable<string>): void {
    const all = [...hashes];
    if (all.length > 0) write.query(RENEW, [arrayLiteral(all)]).catch(onError);
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
    async create(principal, { workspaceId, operation }) {
      const { keyId, scope } = actorOf(principal, 'EVENTS_READ');
      const ticket = randomBytes(32).toString('base64url');
      const params = [keyId, hashSecret(ticket), workspaceId, operation, scope];
      const [made] = await asked<MadeRow>(onBehalfOf(workspaceId, write), CREATE, params);
      // Its workspace was deleted a moment ago, and it went with it.
      if (made === undefined) throw unauthenticated();
      if (made.expires_at !== null) return { ticket, expiresAt: made.expires_at };
      throw new GatewayError(
        'RATE_LIMITED',
        `A key may have ${TICKETS_PER_KEY_MAX} valid tickets, including those of open streams.`,
        { retryAfterS: VALID_S },
      );
    },
    async redeem(ticket, use) {
      const hash = hashSecret(ticket);
      const [unused] = await asked<TicketRow>(write, USE, [hash, use.operation]);
      const row = unused ?? (await findOpened(options, hash, use));
      if (row === null || !allowsOf(row.addresses)(use.address)) throw unauthenticated();
      keep(hash, use);
      const { id: keyId, workspace_id: workspaceId } = row;
      return {
        principal: { keyId, scopes: ['EVENTS_READ'], workspaceId },
        async opened(cursor) {
          const { position } = eventCursors(epoch, workspaceId).decodePosition(cursor);
          await write.query(OPENED, [hash, position]);
        },
      };
    },
    start() {
      timer ??= setInterval(() => renew(open.keys()), renewEveryMs);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}

/** Null where it is not the stream that the ticket has opened. */
async function findOpened(
  { write, epoch }: TicketsOptions,
  hash: string,
  { operation, lastEventId }: TicketUse,
): Promise<TicketRow | null> {
  if (lastEventId === null) return null;
  const [row] = await asked<TicketRow>(write, RESUME, [hash, operation]);
  if (row === undefined || row.first_position === null) return null;
  try {
    const { position } = eventCursors(epoch, row.workspace_id).decodePosition(lastEventId);
    return position >= row.first_position ? row : null;
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}

/** Null where the key has as many as it may. */
type MadeRow = Row<typeof streamTickets, 'expires_at'> | { readonly expires_at: null };

/** A position only where a stream was opened. */
type TicketRow = Row<typeof apiKeys, 'id' | 'addresses'> &
  Row<typeof streamTickets, 'first_position'> & { readonly workspace_id: number };

async function asked<Row extends object>(
  write: Connection,
  text: string,
  params: readonly (string | number | null)[],
): Promise<Row[]> {
  try {
    return await write.query<Row>(text, params);
  } catch (error) {
    throw toGatewayError(error, 'write');
  }
}
