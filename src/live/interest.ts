/**
 * Which workspaces other gateways watch, as they said lately: of any other, nothing needs to be
 * told. Who begins to watch a workspace may have missed what was recorded just before: its newest
 * head is kept for that.
 */
import { LRUCache } from 'lru-cache';
import type { Ids } from './peer-messages.ts';

/** A gateway says again what it watches; when it was not heard of for three times as long, it is gone. */
export const SAID_EVERY_MS = 10_000;
const BELIEVED_MS = 3 * SAID_EVERY_MS;
/** More are all of them. */
const WANTED_MAX = 100_000;
const HEADS_MAX = 4_000;

export class Interest {
  readonly #elapsedMs: () => number;
  /** By workspace: until when. */
  readonly #wanted = new Map<number, number>();
  readonly #heads = new LRUCache<number, number>({ max: HEADS_MAX });
  #allUntilMs = -Infinity;

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  isWanted(workspaceId: number): boolean {
    const nowMs = this.#elapsedMs();
    return nowMs < this.#allUntilMs || nowMs < (this.#wanted.get(workspaceId) ?? -Infinity);
  }

  /** This gateway recorded up to here. */
  keep(workspaceId: number, head: number): void {
    this.#heads.set(workspaceId, Math.max(head, this.#heads.get(workspaceId) ?? 0));
  }

  /** Somebody watches these. */
  see(ids: Ids): void {
    const untilMs = this.#elapsedMs() + BELIEVED_MS;
    if (ids === 'ALL' || this.#wanted.size + ids.length > WANTED_MAX) this.#allUntilMs = untilMs;
    else for (const id of ids) this.#wanted.set(id, untilMs);
  }

  /** Those that this gateway recorded up to lately. */
  headsOf(ids: Ids): Map<number, number> {
    const asked = ids === 'ALL' ? [...this.#heads.keys()] : ids;
    return new Map(
      asked.flatMap(id => {
        const head = this.#heads.get(id);
        return head === undefined ? [] : [[id, head]];
      }),
    );
  }

  /** Lets go of what nobody watches any more. */
  sweep(): void {
    const nowMs = this.#elapsedMs();
    for (const [id, untilMs] of this.#wanted) if (untilMs <= nowMs) this.#wanted.delete(id);
  }
}
