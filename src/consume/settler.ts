/** Settles deliveries by their tokens: acknowledges, releases, extends, gives back. */
import type { SQL } from 'drizzle-orm';
import {
  checkCount,
  decodeToken,
  type ConsumerKind,
  type ConsumerPlan,
  type Lease,
  type LeaseToken,
} from '../core/consumer.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Pool } from '../db/client.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { isSerializationFailure, toGatewayError } from '../db/sqlstate.ts';
import { transaction } from '../db/transaction.ts';
import { consumerNotFound, type Plans } from './plans.ts';
import {
  acknowledgeSql,
  giveBackSql,
  pauseFullSql,
  type SettledRow,
  type Settling,
} from './settle-sql.ts';
import type { Change, WakeUps } from './wake-ups.ts';

/** Which consumer, and who works for it; an actor of null is the gateway itself. */
export interface Work {
  readonly workspaceId: number;
  readonly name: string;
  readonly actor: Actor | null;
}

export interface Settled {
  readonly consumerId: number;
  readonly kind: ConsumerKind;
  readonly count: number;
  /** Tokens that hold nothing any more. */
  readonly expired: readonly string[];
}

export interface SettlerOptions {
  readonly write: Pool;
  readonly plans: Plans;
  /** Hears what was done. */
  readonly wakeUps: Pick<WakeUps, 'changed'>;
}

type Statement = (settling: Settling, plan: ConsumerPlan) => SQL;

const TRIES = 3;
const PARKED_FULL = `It has ${LIMITS.parkedDeliveriesMax} parked deliveries. Deliver them again or discard them, then resume it.`;

export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** @throws GatewayError BAD_USER_INPUT, NOT_FOUND, UNAUTHENTICATED, SERVICE_UNAVAILABLE */
  async settle(
    { workspaceId, name, actor }: Work,
    texts: readonly string[],
    statement: Statement,
    change: Change = 'CHANGED',
  ): Promise<Settled> {
    checkCount('tokens', texts.length, LIMITS.pullEventsMax);
    const { plans, wakeUps } = this.#options;
    const byPosition = new Map(
      texts.flatMap(text => {
        const token = decodeToken(text);
        return token === null ? [] : [[token.position, { text, token }] as const];
      }),
    );
    const tokens = [...byPosition.values()].map(({ token }) => token);
    for (let isFresh = false; ; isFresh = true) {
      const plan = await plans.find(workspaceId, name, isFresh);
      const taken = await this.#run(plan, statement(settlingOf(plan, tokens, actor), plan));
      if (taken.length === 0) {
        if (isFresh) throw consumerNotFound(name);
        continue;
      }
      if (taken.some(({ is_parked }) => is_parked)) await this.pauseIfFull(plan);
      wakeUps.changed(workspaceId, plan.id, change);
      const done = new Set(
        taken.flatMap(({ position }) => (position === null ? [] : byPosition.get(position)?.text)),
      );
      const expired = [...new Set(texts)].filter(text => !done.has(text));
      return { consumerId: plan.id, kind: plan.kind, count: done.size, expired };
    }
  }

  /**
   * Acknowledges, and keeps what `also` has to say of the positions that were still held: both are
   * committed, or neither.
   * @throws GatewayError NOT_FOUND, SERVICE_UNAVAILABLE
   */
  async settleWith<T>(
    { workspaceId, name }: Work,
    leases: readonly Pick<Lease, 'token'>[],
    also: (connection: Connection, positions: ReadonlySet<number>) => Promise<T>,
  ): Promise<{ plan: ConsumerPlan; count: number; result: T }> {
    const { write, plans, wakeUps } = this.#options;
    const plan = await plans.find(workspaceId, name);
    const tokens = leases.flatMap(({ token }) => decodeToken(token) ?? []);
    const work = async (connection: Connection) => {
      const statement = acknowledgeSql(settlingOf(plan, tokens, null));
      const taken = await rows<SettledRow>(connection, statement);
      if (taken.length === 0) throw consumerNotFound(name);
      const positions = new Set(taken.flatMap(({ position }) => position ?? []));
      return { count: positions.size, result: await also(connection, positions) };
    };
    try {
      const done = await transaction(write, work, { tenant: workspaceId });
      wakeUps.changed(workspaceId, plan.id, 'SETTLED');
      return { plan, ...done };
    } catch (error) {
      throw toGatewayError(error, 'write');
    }
  }

  /** What was leased and never handed out: the next one need not wait for the lease to run out. */
  async giveBack(plan: ConsumerPlan, leases: readonly Pick<Lease, 'token'>[]): Promise<void> {
    const tokens = leases.flatMap(({ token }) => decodeToken(token) ?? []);
    if (tokens.length === 0) return;
    await this.#run(plan, giveBackSql(settlingOf(plan, tokens, null)));
    this.#options.wakeUps.changed(plan.workspaceId, plan.id, 'CHANGED');
  }

  /** Once it has parked as many as it may. */
  async pauseIfFull({ workspaceId, id }: ConsumerPlan): Promise<void> {
    await rows(
      onBehalfOf(workspaceId, this.#options.write),
      pauseFullSql(workspaceId, id, PARKED_FULL),
    );
  }

  /** Settling is idempotent: two that lock the same rows in turn may be told to begin again. */
  async #run({ workspaceId }: ConsumerPlan, statement: SQL): Promise<SettledRow[]> {
    const lane = onBehalfOf(workspaceId, this.#options.write);
    for (let tries = 1; ; tries++) {
      try {
        return await rows<SettledRow>(lane, statement);
      } catch (error) {
        if (tries < TRIES && isSerializationFailure(error)) continue;
        throw toGatewayError(error, 'write');
      }
    }
  }
}

function settlingOf(
  { workspaceId, id: consumerId }: ConsumerPlan,
  tokens: readonly LeaseToken[],
  actor: Actor | null,
): Settling {
  return { workspaceId, consumerId, tokens, actor };
}
