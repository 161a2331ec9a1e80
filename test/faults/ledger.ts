/**
 * What writers were told, what is stored, and what subscribers have seen. Decides at the end
 * whether a promise was broken: an event lost, doubled, refused and yet stored, stored and never
 * sent, out of its writer's order, or missing, repeated or out of order in a stream.
 */
export interface StoredEvent {
  readonly position: number;
  readonly eventId: string;
}

export interface Acknowledged {
  readonly position: number;
  readonly status: 'RECORDED' | 'DUPLICATE';
}

/** An event is told by who wrote it and its number there. */
export function idOf(writer: string, number: number): string {
  return `${writer}#${number}`;
}

function readId(id: string): { writer: string; number: number } {
  const at = id.lastIndexOf('#');
  return { writer: id.slice(0, at), number: Number(id.slice(at + 1)) };
}

const SHOWN_MAX = 5;

export class Ledger {
  readonly #sent = new Set<string>();
  readonly #acknowledged = new Map<string, Acknowledged>();
  readonly #refused = new Set<string>();
  readonly #subscribers = new Map<string, StoredEvent[]>();
  readonly #faults: string[] = [];
  unknown = 0;
  slowestAnswerMs = 0;

  /** Before it is sent for the first time. */
  send(id: string): void {
    this.#sent.add(id);
  }

  /** Again and again for an event that is sent again: it must have one position. */
  acknowledge(id: string, acknowledged: Acknowledged): void {
    const before = this.#acknowledged.get(id);
    if (before === undefined) this.#acknowledged.set(id, acknowledged);
    else if (before.position !== acknowledged.position) {
      this.fault(`${id} was acknowledged at ${before.position} and at ${acknowledged.position}`);
    } else if (acknowledged.status === 'RECORDED') {
      this.fault(`${id} was acknowledged, and RECORDED again`);
    }
  }

  /** Told that it is not stored. */
  refuse(id: string): void {
    this.#refused.add(id);
  }

  /** What one of them delivers, in its order, across all its connections. */
  see(subscriber: string, event: StoredEvent): void {
    const seen = this.#subscribers.get(subscriber);
    if (seen === undefined) this.#subscribers.set(subscriber, [event]);
    else seen.push(event);
  }

  fault(text: string): void {
    this.#faults.push(text);
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  get refusedCount(): number {
    return this.#refused.size;
  }

  seenCount(subscriber: string): number {
    return this.#subscribers.get(subscriber)?.length ?? 0;
  }

  /** Everything that is wrong, given what is stored, in the order of its pages. */
  faults(stored: readonly StoredEvent[], subscribers: readonly string[]): string[] {
    const faults = [...this.#faults];
    const report = (what: string, found: readonly string[]) => {
      if (found.length === 0) return;
      const shown = found.slice(0, SHOWN_MAX).join(', ');
      faults.push(`${what}: ${found.length} (${shown}${found.length > SHOWN_MAX ? ', …' : ''})`);
    };
    const places = new Map(stored.map(({ eventId, position }) => [eventId, position]));
    const acknowledged = [...this.#acknowledged];
    report(
      'lost',
      acknowledged.filter(([id]) => !places.has(id)).map(([id]) => id),
    );
    report(
      'stored elsewhere than acknowledged',
      acknowledged
        .filter(([id, { position }]) => places.has(id) && places.get(id) !== position)
        .map(([id, { position }]) => `${id} at ${places.get(id)}, told ${position}`),
    );
    report('doubled', doubledOf(stored));
    report(
      'ghost',
      [...this.#refused].filter(id => places.has(id)),
    );
    report(
      'alien',
      stored.filter(({ eventId }) => !this.#sent.has(eventId)).map(({ eventId }) => eventId),
    );
    report('not dense', holesOf(stored));
    report('out of its writer’s order', disorderOf(stored));
    for (const name of subscribers) {
      const fault = compare(this.#subscribers.get(name) ?? [], stored);
      if (fault !== null) faults.push(`subscriber ${name}: ${fault}`);
    }
    return faults;
  }
}

function doubledOf(stored: readonly StoredEvent[]): string[] {
  const seen = new Set<string>();
  return stored
    .filter(({ eventId }) => seen.has(eventId) || !seen.add(eventId))
    .map(({ eventId }) => eventId);
}

function holesOf(stored: readonly StoredEvent[]): string[] {
  return stored
    .filter(({ position }, index) => index > 0 && position !== stored[index - 1]!.position + 1)
    .map(({ position }) => `position ${position}`);
}

function disorderOf(stored: readonly StoredEvent[]): string[] {
  const last = new Map<string, number>();
  const found: string[] = [];
  for (const { eventId } of stored) {
    const { writer, number } = readId(eventId);
    if (number <= (last.get(writer) ?? -1)) found.push(`${eventId} after ${last.get(writer)}`);
    last.set(writer, number);
  }
  return found;
}

function compare(seen: readonly StoredEvent[], stored: readonly StoredEvent[]): string | null {
  const at = stored.findIndex(
    ({ eventId, position }, index) =>
      seen[index]?.eventId !== eventId || seen[index].position !== position,
  );
  if (at < 0 && seen.length === stored.length) return null;
  const index = at < 0 ? stored.length : at;
  const say = (event: StoredEvent | undefined) =>
    event === undefined ? 'nothing' : `${event.eventId} at ${event.position}`;
  return `saw ${say(seen[index])} where ${say(stored[index])} is stored`;
}
