/**
 * Who waits for a consumer, and what wakes them: whatever this process does to the consumer, the
 * time when a retry is due or a lease runs out, and a look at the database, once a second for all
 * consumers that somebody waits for. The look is for what other gateways do. One timer serves all,
 * and none runs while nobody waits.
 */
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { consumers, deliveries } from '../db/schema.ts';

const c = columnsOf(consumers, 'c');
const q = columnsOf(deliveries, 'q');
const open = columnsOf(deliveries, 'open');

export interface WakeUpsOptions {
  readonly read: Connection;
  readonly elapsedMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** What somebody waits for. */
export interface Sleeper {
  readonly workspaceId: number;
  readonly consumerId: number;
  /** Of the consumer's row when the sleeper saw it last. */
  readonly turn: number;
  /** Null: nothing becomes due that is known of. */
  readonly dueAtMs: number | null;
  /** It waits for others of its order, or for room. */
  readonly wantsSettled: boolean;
  readonly wake: () => void;
}

/** What was done to a consumer: deliveries were acknowledged, or anything else. */
export type Change = 'SETTLED' | 'CHANGED';

const LOOK_EVERY_MS = 1_000;
/** Clocks of two machines, and timers, are not that exact. */
const LATE_MS = 2;

type LookedRow = Row<typeof consumers, 'workspace_id' | 'id' | 'turn'> & {
  readonly is_due: boolean;
};

const LOOK_SQL = sqlText`
  select ${c.workspace_id}, ${c.id}, ${c.turn}, o.is_due
  from unnest($1::text::int[], $2::text::int[]) as asked (workspace, consumer)
  join consumers c on ${c.workspace_id} = asked.workspace and ${c.id} = asked.consumer
  cross join lateral (
    select coalesce(bool_or(open.is_next and ${open.due_at} <= now()), false) as is_due from (
      select ${q.due_at}, ${q.order_key} is null
        or ${q.position} = min(${q.position}) over (partition by ${q.order_key}) as is_next
      from deliveries q where ${q.workspace_id} = ${c.workspace_id} and ${q.consumer_id} = ${c.id}
        and ${q.position} > ${c.settled} and ${q.parked_at} is null
    ) open
  ) o`;

export class WakeUps {
  readonly #options: WakeUpsOptions;
  readonly #sleepers = new Map<string, Set<Sleeper>>();
  #timer: NodeJS.Timeout | undefined;
  #lookAtMs = 0;
  #isLooking = false;
  #isStopped = false;

  constructor(options: WakeUpsOptions) {
    this.#options = options;
  }

  /** Calls `wake` once or more, until the returned function is called. */
  add(sleeper: Sleeper): () => void {
    const key = keyOf(sleeper);
    const others = this.#sleepers.get(key);
    if (others === undefined) this.#sleepers.set(key, new Set([sleeper]));
    else others.add(sleeper);
    if (this.#timer === undefined) this.#lookAtMs = this.#options.elapsedMs() + LOOK_EVERY_MS;
    this.#schedule();
    return () => {
      const own = this.#sleepers.get(key);
      own?.delete(sleeper);
      if (own?.size === 0) this.#sleepers.delete(key);
      if (this.#sleepers.size === 0) this.#clear();
    };
  }

  /** Something was done to the consumer: whoever waits for it looks again. */
  changed(workspaceId: number, consumerId: number, change: Change): void {
    const key = keyOf({ workspaceId, consumerId });
    for (const { wake, wantsSettled } of [...(this.#sleepers.get(key) ?? [])]) {
      if (change === 'CHANGED' || wantsSettled) wake();
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    let atMs = this.#lookAtMs;
    for (const own of this.#sleepers.values()) {
      for (const { dueAtMs } of own) atMs = Math.min(atMs, dueAtMs ?? Infinity);
    }
    this.#clear();
    // While it looks: then it sets the timer itself.
    if (atMs === Infinity) return;
    const inMs = Math.max(1, atMs - this.#options.elapsedMs() + LATE_MS);
    this.#timer = setTimeout(() => this.#ring(), inMs).unref();
  }

  #ring(): void {
    this.#timer = undefined;
    const nowMs = this.#options.elapsedMs();
    for (const own of [...this.#sleepers.values()]) {
      for (const { dueAtMs, wake } of [...own]) if (dueAtMs !== null && dueAtMs <= nowMs) wake();
    }
    if (nowMs >= this.#lookAtMs && !this.#isLooking) void this.#look();
    if (this.#sleepers.size > 0) this.#schedule();
  }

  async #look(): Promise<void> {
    const { read, elapsedMs, onError } = this.#options;
    const asked = [...this.#sleepers.values()].map(own => [...own][0] as Sleeper);
    this.#isLooking = true;
    this.#lookAtMs = Infinity;
    try {
      const found = await read.query<LookedRow>(LOOK_SQL, [
        `{${asked.map(({ workspaceId }) => workspaceId).join(',')}}`,
        `{${asked.map(({ consumerId }) => consumerId).join(',')}}`,
      ]);
      const seen = new Map(
        found.map(row => [keyOf({ workspaceId: row.workspace_id, consumerId: row.id }), row]),
      );
      for (const each of asked) this.#tell(keyOf(each), seen.get(keyOf(each)));
    } catch (error) {
      onError(error);
    } finally {
      this.#isLooking = false;
      this.#lookAtMs = elapsedMs() + LOOK_EVERY_MS;
      if (this.#sleepers.size > 0) this.#schedule();
    }
  }

  /** A consumer that is no more wakes everybody: they find out. */
  #tell(key: string, row: LookedRow | undefined): void {
    for (const { turn, wake } of [...(this.#sleepers.get(key) ?? [])]) {
      if (row === undefined || row.is_due || row.turn !== turn) wake();
    }
  }
}

function keyOf({ workspaceId, consumerId }: Pick<Sleeper, 'workspaceId' | 'consumerId'>): string {
  return `${workspaceId} ${consumerId}`;
}
