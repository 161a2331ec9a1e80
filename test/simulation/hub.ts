import type { StoredEvent } from '../../src/core/event.ts';
import type { Forgotten, Hint, Wakeup } from '../../src/live/wakeup.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface HubFaults {
  /** Of all messages, from 0 to 1. */
  readonly lost: number;
  readonly repeated: number;
  readonly delayMaxMs: number;
  /** Sabotage: messages about redactions are lost, all of them. */
  readonly losesRedactions: boolean;
}

/** What carries messages between gateways: it may lose, repeat and delay each of them. */
export class Hub {
  readonly #time: VirtualTime;
  readonly #faults: HubFaults;
  readonly #watchers = new Map<number, Set<HubWakeup>>();
  readonly #all = new Set<HubWakeup>();
  /** From now on nothing more goes wrong. */
  isCalm = false;

  constructor(time: VirtualTime, faults: HubFaults) {
    this.#time = time;
    this.#faults = faults;
  }

  /** @param isCut whether messages to and from it are lost now */
  connect(isCut: () => boolean): HubWakeup {
    const wakeup = new HubWakeup(this, isCut);
    this.#all.add(wakeup);
    return wakeup;
  }

  disconnect(wakeup: HubWakeup): void {
    this.#all.delete(wakeup);
    for (const watchers of this.#watchers.values()) watchers.delete(wakeup);
  }

  watchersOf(workspaceId: number): Set<HubWakeup> {
    let watchers = this.#watchers.get(workspaceId);
    if (watchers === undefined) this.#watchers.set(workspaceId, (watchers = new Set()));
    return watchers;
  }

  tellWatchers(from: HubWakeup, workspaceId: number, tell: (to: HubWakeup) => void): void {
    for (const to of this.watchersOf(workspaceId)) this.#send(from, to, tell);
  }

  tellAll(from: HubWakeup, tell: (to: HubWakeup) => void): void {
    if (this.#faults.losesRedactions) return;
    for (const to of this.#all) this.#send(from, to, tell);
  }

  #send(from: HubWakeup, to: HubWakeup, tell: (to: HubWakeup) => void): void {
    if (from === to || from.isCut()) return;
    const { random } = this.#time;
    const { lost, repeated, delayMaxMs } = this.#faults;
    if (!this.isCalm && random() < lost) return;
    for (let times = !this.isCalm && random() < repeated ? 2 : 1; times > 0; times--) {
      // Half of them come within a thirtieth of the longest delay.
      const delayMs = this.isCalm ? 1 : delayMaxMs * random() ** 5;
      this.#time.after(delayMs, () => {
        if (!to.isCut()) tell(to);
      });
    }
  }
}

export class HubWakeup implements Wakeup {
  readonly isCut: () => boolean;
  readonly #hub: Hub;
  #hear: (hint: Hint) => void = () => {};
  #hearEvents: (events: readonly StoredEvent[]) => void = () => {};
  #hearForgotten: (forgotten: Forgotten) => void = () => {};

  constructor(hub: Hub, isCut: () => boolean) {
    this.#hub = hub;
    this.isCut = isCut;
  }

  announce(heads: ReadonlyMap<number, number>, events: readonly StoredEvent[]): void {
    for (const [id, head] of heads) {
      const own = events.filter(({ workspaceId }) => workspaceId === id);
      this.#hub.tellWatchers(this, id, to => {
        if (own.length > 0) to.#hearEvents(own);
        to.#hear(new Map([[id, head]]));
      });
    }
  }

  isWanted(workspaceId: number): boolean {
    const watchers = this.#hub.watchersOf(workspaceId);
    return watchers.size > (watchers.has(this) ? 1 : 0);
  }

  watch(workspaceId: number): void {
    this.#hub.watchersOf(workspaceId).add(this);
  }

  unwatch(workspaceId: number): void {
    this.#hub.watchersOf(workspaceId).delete(this);
  }

  forget(workspaceId: number): void {
    this.#hub.tellAll(this, to => to.#hearForgotten([workspaceId]));
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

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#hub.disconnect(this);
    return Promise.resolve();
  }
}
