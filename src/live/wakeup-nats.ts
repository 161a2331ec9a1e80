/**
 * Wake-ups by NATS: after a commit the gateway that recorded publishes the new head and the events
 * themselves, of workspaces that other gateways watch, and of no others. NATS may lose, repeat and
 * delay all of it: the log and the poll are beneath.
 *
 * Subjects, below `sluice.<epoch>.`: `w.<workspace>` news of it; `watch` what somebody begins to
 * watch, `watching` what it watches still; `who` asks everybody for that, and is answered at
 * `watch.<asker>`; `forget` redactions.
 */
import { randomUUID } from 'node:crypto';
import type { StoredEvent } from '../core/event.ts';
import type { LiveClock } from './clock.ts';
import { Interest, SAID_EVERY_MS } from './interest.ts';
import { NatsLink, type NatsAddress } from './nats-link.ts';
import { PeerMessages, type Ids } from './peer-messages.ts';
import type { Forgotten, Hint, Wakeup } from './wakeup.ts';

export interface NatsWakeupOptions extends NatsAddress {
  /** Of the database: gateways on another one use the same server and hear nothing of it. */
  readonly epoch: string;
  /** That only gateways on the same database know. */
  readonly key: Buffer;
  readonly clock: LiveClock;
  /** Hears that there is no connection; it is tried again. */
  readonly onDeaf: (error: unknown) => void;
  /** Hears that there is one (again). */
  readonly onHearing: () => void;
}

/** Watched workspaces that are named one by one; more are all of them. */
const NAMED_MAX = 5_000;

interface Waiting {
  head: number;
  readonly events: StoredEvent[];
}

export class NatsWakeup implements Wakeup {
  readonly #options: NatsWakeupOptions;
  readonly #messages: PeerMessages;
  readonly #interest: Interest;
  readonly #link: NatsLink;
  readonly #inbox: string;
  readonly #watched = new Set<number>();
  /** Of those, what nobody was told yet. */
  #added: number[] = [];
  #waiting = new Map<number, Waiting>();
  #saying: NodeJS.Timeout | undefined;
  #hear: (hint: Hint) => void = () => {};
  #hearEvents: (events: readonly StoredEvent[]) => void = () => {};
  #hearForgotten: (forgotten: Forgotten) => void = () => {};

  constructor(options: NatsWakeupOptions) {
    this.#options = options;
    this.#messages = new PeerMessages(options.key);
    this.#interest = new Interest(() => options.clock.elapsedMs());
    this.#inbox = this.#subject(`watch.${randomUUID()}`);
    this.#link = new NatsLink({ ...options, onUp: () => this.#onUp(), onDown: options.onDeaf });
    const link = this.#link;
    link.subscribe(this.#subject('watch'), ({ data }) => this.#onWatch(data));
    link.subscribe(this.#inbox, ({ data }) => this.#onWatch(data));
    link.subscribe(this.#subject('watching'), ({ data }) => void this.#onWatching(data));
    link.subscribe(this.#subject('forget'), ({ data }) => this.#onForget(data));
    link.subscribe(this.#subject('who'), ({ reply }) => {
      if (reply?.startsWith(this.#subject('watch.')) === true) this.#say(reply);
    });
  }

  onHint(hear: (hint: Hint) => void): void {
    this.#hear = hear;
  }

  onEvents(hear: (events: readonly StoredEvent[]) => void): void {
    this.#hearEvents = hear;
  }

  onForget(hear: (forgotten: Forgotten) => void): void {
    this.#hearForgotten = hear;
  }

  async start(): Promise<void> {
    this.#saying ??= setInterval(() => this.#sayAgain(), SAID_EVERY_MS).unref();
    await this.#link.start();
  }

  async stop(): Promise<void> {
    clearInterval(this.#saying);
    this.#hear = () => {};
    this.#hearEvents = () => {};
    this.#hearForgotten = () => {};
    await this.#link.stop();
  }

  announce(heads: ReadonlyMap<number, number>, events: readonly StoredEvent[]): void {
    for (const [id, head] of heads) {
      this.#interest.keep(id, head);
      if (!this.isWanted(id)) continue;
      if (this.#waiting.size === 0) this.#options.clock.soon(() => this.#publish());
      const known = this.#waiting.get(id);
      if (known === undefined) this.#waiting.set(id, { head, events: [] });
      else known.head = Math.max(known.head, head);
    }
    for (const event of events) this.#waiting.get(event.workspaceId)?.events.push(event);
  }

  isWanted(workspaceId: number): boolean {
    return this.#link.isUp && this.#interest.isWanted(workspaceId);
  }

  watch(workspaceId: number): void {
    if (this.#watched.has(workspaceId)) return;
    this.#watched.add(workspaceId);
    const subject = this.#subject(`w.${workspaceId}`);
    this.#link.subscribe(subject, ({ data }) => this.#onNews(data, workspaceId));
    if (this.#added.length === 0) this.#options.clock.soon(() => this.#sayAdded());
    this.#added.push(workspaceId);
  }

  unwatch(workspaceId: number): void {
    this.#watched.delete(workspaceId);
    this.#link.unsubscribe(this.#subject(`w.${workspaceId}`));
  }

  forget(workspaceId: number): void {
    this.#link.send(this.#subject('forget'), this.#messages.writeIds([workspaceId]));
    this.#options.clock.soon(() => this.#hearForgotten([workspaceId]));
  }

  /** Whatever was said meanwhile went unheard. */
  #onUp(): void {
    this.#say(this.#subject('watch'));
    this.#link.send(this.#subject('who'), Buffer.alloc(0), this.#inbox);
    this.#hearForgotten('ALL');
    this.#hear('ALL');
    this.#options.onHearing();
  }

  #onNews(message: Uint8Array, workspaceId: number): void {
    const news = this.#messages.readNews(message);
    if (news === null) return;
    if (news.events.length > 0) this.#hearEvents(news.events);
    this.#hear(new Map([[workspaceId, news.head]]));
  }

  /** Somebody begins to watch, and may have missed what was recorded just before. */
  #onWatch(message: Uint8Array): void {
    this.announce(this.#interest.headsOf(this.#onWatching(message)), []);
  }

  #onWatching(message: Uint8Array): Ids {
    const ids = this.#messages.readIds(message) ?? [];
    this.#interest.see(ids);
    return ids;
  }

  #onForget(message: Uint8Array): void {
    const ids = this.#messages.readIds(message);
    if (ids !== null) this.#hearForgotten(ids);
  }

  #publish(): void {
    const published = this.#waiting;
    this.#waiting = new Map();
    if (!this.#link.isUp) return;
    for (const [id, news] of published) {
      for (const message of this.#messages.writeNews(news, this.#link.bytesMax)) {
        this.#link.send(this.#subject(`w.${id}`), message);
      }
    }
  }

  #say(subject: string, ids: readonly number[] = [...this.#watched]): void {
    if (ids.length === 0) return;
    const said = this.#watched.size > NAMED_MAX ? 'ALL' : ids;
    this.#link.send(subject, this.#messages.writeIds(said));
  }

  #sayAdded(): void {
    const ids = this.#added;
    this.#added = [];
    this.#say(this.#subject('watch'), ids);
  }

  #sayAgain(): void {
    this.#interest.sweep();
    this.#say(this.#subject('watching'));
  }

  #subject(name: string): string {
    return `sluice.${this.#options.epoch}.${name}`;
  }
}
