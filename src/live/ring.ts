/**
 * The newest events of a watched workspace, in memory: contiguous positions only, bounded in
 * events and bytes, with a bound on all rings together. What falls out is still in the log.
 */
import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Json } from '../core/json.ts';
import type { LiveLimits } from './limits.ts';
import { type EventDelivery, toDelivery } from './stream.ts';

/** What all rings of a process hold; the one that was idle for longest comes first. */
export interface RingMemory {
  bytes: number;
  readonly rings: Set<Ring>;
}

interface Slot {
  readonly delivery: EventDelivery;
  readonly bytes: number;
}

/** Empty slots at the front are let go when there are as many. */
const COMPACT_AT = 1_024;

export class Ring {
  readonly #limits: LiveLimits;
  readonly #memory: RingMemory;
  #base: LogPlace | null = null;
  #slots: (Slot | null)[] = [];
  #first = 0;
  #bytes = 0;

  constructor(limits: LiveLimits, memory: RingMemory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  get size(): number {
    return this.#slots.length - this.#first;
  }

  /** The place after which the ring is complete; null until `startAt`. */
  get base(): LogPlace | null {
    return this.#base;
  }

  /** The place of the newest event; null until `startAt`. */
  get end(): LogPlace | null {
    return this.#slots.at(-1)?.delivery.place ?? this.#base;
  }

  /** Says where the ring begins; only the first time counts. */
  startAt(place: LogPlace): void {
    this.#base ??= place;
  }

  restartAt(place: LogPlace): void {
    this.drop();
    this.#base = place;
  }

  /** Whether every event after the position up to `end` is here. */
  covers(position: number): boolean {
    return this.#base !== null && position >= this.#base.position;
  }

  /** The first event after a position that the ring covers. */
  after(position: number): EventDelivery | undefined {
    if (this.#base === null) return undefined;
    return this.#slots[this.#first + position - this.#base.position]?.delivery;
  }

  /**
   * Takes what continues the ring without a gap, and lets go of the oldest beyond the bounds.
   * Returns what was new; empty when the events are old or begin too late.
   */
  append(events: readonly StoredEvent[]): readonly StoredEvent[] {
    const end = this.end?.position;
    if (end === undefined) return [];
    const fresh = contiguous(events, end);
    for (const event of fresh) this.#push(event);
    if (fresh.length > 0) this.#shrink();
    return fresh;
  }

  /** Gives its memory back: nobody watches any more. */
  drop(): void {
    while (this.size > 0) this.#evict();
    this.#memory.rings.delete(this);
  }

  #push(event: StoredEvent): void {
    const bytes = weigh(event);
    this.#slots.push({ delivery: toDelivery(event), bytes });
    this.#bytes += bytes;
    this.#memory.bytes += bytes;
  }

  #shrink(): void {
    const { ringEventsMax, ringBytesMax, ringsBytesMax } = this.#limits;
    while (this.size > ringEventsMax || (this.#bytes > ringBytesMax && this.size > 1)) {
      this.#evict();
    }
    const { rings } = this.#memory;
    rings.delete(this);
    rings.add(this);
    for (const ring of rings) {
      const kept = ring === this ? 1 : 0;
      while (this.#memory.bytes > ringsBytesMax && ring.size > kept) ring.#evict();
      if (this.#memory.bytes <= ringsBytesMax) return;
      if (ring !== this) rings.delete(ring);
    }
  }

  #evict(): void {
    const slot = this.#slots[this.#first];
    if (slot == null) return;
    this.#base = slot.delivery.place;
    this.#bytes -= slot.bytes;
    this.#memory.bytes -= slot.bytes;
    this.#slots[this.#first++] = null;
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** The events right after a position, up to the first gap. */
function contiguous(events: readonly StoredEvent[], position: number): readonly StoredEvent[] {
  let next = position + 1;
  const fresh = [];
  for (const event of events) {
    if (event.position > next) break;
    if (event.position < next) continue;
    fresh.push(event);
    next++;
  }
  return fresh;
}

const OBJECT_BYTES = 800;

/** Roughly what an event takes in memory. */
export function weigh(event: StoredEvent): number {
  const texts = event.payload.length + (event.description?.length ?? 0);
  const wire = event.wire === null ? 0 : weighJson(event.wire);
  const types = event.propertyTypes === null ? 0 : 100 * Object.keys(event.propertyTypes).length;
  return OBJECT_BYTES + texts + wire + types;
}

function weighJson(value: Json): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 16;
  let bytes = 32;
  for (const [name, item] of Object.entries(value)) bytes += name.length + 16 + weighJson(item);
  return bytes;
}
