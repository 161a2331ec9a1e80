import type { Database } from '../../src/db/client.ts';

interface Subscriber {
  /** The position of the last event of the connection that is open; null: it has none yet. */
  at: number | null;
  /** The newest that it has seen in any. */
  furthest: number;
  readonly ids: Map<number, string>;
  /** Positions that retention took before it could see them. */
  readonly excused: Set<number>;
}

const FAULTS_SHOWN = 20;
/** A gateway is stopped, retention was here, or a stream was asked for while the database is away. */
const EXPECTED_ERRORS = new Set(['GOING_AWAY', 'CURSOR_EXPIRED', 'SERVICE_UNAVAILABLE']);

/** What was acknowledged, what is stored, and what each subscriber has seen. */
export class Ledger {
  readonly #db: Database;
  readonly #workspace: number;
  /** By position, from 1; kept also of what retention takes. */
  readonly #stored: string[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #faults: string[] = [];
  readonly #errors = new Map<string, number>();
  #synced = Promise.resolve();
  /** The oldest position that is kept. */
  #tail = 1;
  #delivered = 0;
  #connections = 0;
  #worstMs = 0;

  constructor(db: Database, workspace: number) {
    this.#db = db;
    this.#workspace = workspace;
  }

  /** Retention is about to remove what lies before a position. */
  cut(tail: number): void {
    this.#tail = Math.max(this.#tail, tail);
  }

  acknowledge(id: string): void {
    this.#acknowledged.add(id);
  }

  /** A line that a reader wrote. */
  note(line: string): void {
    const [name = '', first = '', second = '', ms = '0'] = line.split(' ');
    const known = this.#subscribers.get(name);
    const subscriber = known ?? { at: null, furthest: 0, ids: new Map(), excused: new Set() };
    this.#subscribers.set(name, subscriber);
    if (first === 'from') {
      this.#connections++;
      subscriber.at = second === 'BEGINNING' || second === 'OLDEST' ? null : Number(second);
    } else if (first === 'error') {
      this.#errors.set(second, (this.#errors.get(second) ?? 0) + 1);
      if (!EXPECTED_ERRORS.has(second)) this.#fault(`${name} was told ${second}`);
    } else {
      this.#see(name, subscriber, { position: Number(first), id: second, ms: Number(ms) });
    }
  }

  #see(
    name: string,
    subscriber: Subscriber,
    { position, id, ms }: { position: number; id: string; ms: number },
  ): void {
    this.#delivered++;
    const { at, ids } = subscriber;
    // Where it starts anew, it may miss what retention took, and nothing else.
    for (let gone = subscriber.furthest + 1; at === null && gone < position; gone++) {
      if (gone < this.#tail) subscriber.excused.add(gone);
    }
    if (at !== null && position !== at + 1) {
      this.#fault(`${name} got position ${position} right after ${at}`);
    }
    const before = ids.get(position);
    if (before !== undefined && before !== id) {
      this.#fault(`${name} got ${id} at ${position}, where it had got ${before}`);
    }
    ids.set(position, id);
    subscriber.at = position;
    if (position <= subscriber.furthest) return;
    subscriber.furthest = position;
    this.#worstMs = Math.max(this.#worstMs, ms);
  }

  #fault(text: string): void {
    if (this.#faults.length < FAULTS_SHOWN) this.#faults.push(text);
  }

  /** The furthest position that every subscriber has come to, and the newest there is. */
  async progress(): Promise<{ slowest: number; head: number }> {
    await this.#sync();
    const all = [...this.#subscribers.values()];
    const slowest = all.length === 0 ? 0 : Math.min(...all.map(({ furthest }) => furthest));
    return { slowest, head: this.#stored.length };
  }

  /** Whether every follower has come to the end. A roamer goes back too often to be waited for. */
  async isComplete(): Promise<boolean> {
    await this.#sync();
    const followers = [...this.#subscribers].filter(([name]) => !isRoamer(name));
    const isAtEnd = followers.every(([, { furthest }]) => furthest >= this.#stored.length);
    return followers.length > 0 && isAtEnd;
  }

  /** Everything that is wrong, after the last event was recorded. */
  async faults(): Promise<readonly string[]> {
    await this.#sync();
    const stored = this.#stored;
    const unique = new Set(stored);
    if (unique.size < stored.length) this.#fault('an event is stored twice');
    const lost = [...this.#acknowledged].filter(id => !unique.has(id));
    if (lost.length > 0) this.#fault(`${lost.length} acknowledged events are not stored`);
    if (this.#subscribers.size === 0) this.#fault('nobody subscribed');
    for (const [name, { ids, furthest, excused }] of this.#subscribers) {
      const end = isRoamer(name) ? furthest : stored.length;
      const missing = stored.findIndex(
        (id, index) => ids.get(index + 1) !== id && !excused.has(index + 1),
      );
      if (missing >= 0 && missing < end) {
        const got = ids.get(missing + 1) ?? 'nothing';
        this.#fault(`${name} got ${got} at ${missing + 1}, where ${stored[missing]} is stored`);
      }
    }
    return this.#faults;
  }

  counts(): Record<string, number> {
    return {
      'events stored': this.#stored.length,
      'events acknowledged': this.#acknowledged.size,
      subscribers: this.#subscribers.size,
      connections: this.#connections,
      deliveries: this.#delivered,
      'events retention took before they were seen': this.#excused(),
      'worst latency, ms': this.#worstMs,
      ...Object.fromEntries(this.#errors),
    };
  }

  #excused(): number {
    let positions = 0;
    for (const { excused, ids } of this.#subscribers.values()) {
      for (const position of excused) if (!ids.has(position)) positions++;
    }
    return positions;
  }

  /** One at a time: two that read from the same position would store it twice. */
  #sync(): Promise<void> {
    this.#synced = this.#synced.then(() => this.#readOn());
    return this.#synced;
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const from = this.#stored.length;
      const rows = await this.#db.write
        .query<{ position: number; event_id: string }>(
          `select position, event_id from events where workspace_id = $1 and position > $2
           order by position limit 20000`,
          [this.#workspace, from],
        )
        .catch(() => null);
      if (rows === null) continue;
      for (const { position, event_id } of rows) {
        if (position !== this.#stored.length + 1) {
          this.#fault(`position ${position} is stored after ${this.#stored.length}`);
        }
        this.#stored.push(event_id);
      }
      if (rows.length < 20_000) return;
    }
  }
}

function isRoamer(name: string): boolean {
  return name.includes('roamer');
}
