/**
 * Room for streams: of all, of each key, and in fair shares of each workspace. Downloads take a
 * place among streams, and are fewer: each holds a page of its own. Streams of the gateway itself
 * take none: there is at most one for each consumer that it works for, and those are bounded.
 */
import { GatewayError } from '../core/errors.ts';
import { Holdings, type Tenant } from '../core/fairness.ts';
import type { LiveLimits } from './limits.ts';
import type { HeldStream, StreamTag, SubscribeOptions } from './stream.ts';

type Placed = Pick<SubscribeOptions, 'tag'> & Pick<HeldStream, 'workspaceId'>;

export class StreamRoom {
  readonly tags = new Map<StreamTag, number>();
  readonly #limits: LiveLimits;
  readonly #places = new Holdings();
  readonly #downloads = new Holdings();
  readonly #searchedChars = new Holdings();

  constructor(limits: LiveLimits) {
    this.#limits = limits;
  }

  /** Why there is no room for one more stream; null where there is. */
  refusalOf(placed: Placed): GatewayError | null {
    if (placed.tag === undefined) return null;
    const { streamsMax, streamsPerTagMax } = this.#limits;
    if (this.#places.all >= streamsMax) {
      return tooMany(`This gateway has ${streamsMax} streams open: try again later.`);
    }
    if ((this.tags.get(placed.tag) ?? 0) >= streamsPerTagMax) {
      return tooMany(`This key has ${streamsPerTagMax} streams open: close one first.`);
    }
    const tenant = tenantOf(placed);
    if (this.#places.mayAdd(tenant, 1, streamsMax)) return null;
    return tooMany(
      `This gateway has few of its ${streamsMax} streams left, and this workspace has ${this.#places.of(tenant)} open: close one first.`,
    );
  }

  /** @param chars of the words that no stream of the workspace searches for yet */
  refusalOfSearch(workspaceId: number, chars: number): GatewayError | null {
    const { searchCharsMax, searchCharsPerWorkspaceMax } = this.#limits;
    if (chars === 0) return null;
    const isOver = this.#searchedChars.of(workspaceId) + chars > searchCharsPerWorkspaceMax;
    if (!isOver && this.#searchedChars.mayAdd(workspaceId, chars, searchCharsMax)) return null;
    return tooMany(
      `The streams of a workspace may search for ${searchCharsPerWorkspaceMax} characters in different words, and those of all for ${searchCharsMax}: search for fewer, or close one first.`,
    );
  }

  refusalOfDownload(download: Placed): GatewayError | null {
    const { downloadsMax } = this.#limits;
    if (this.#downloads.mayAdd(tenantOf(download), 1, downloadsMax)) return null;
    return tooMany(
      `This gateway has ${this.#downloads.all} of ${downloadsMax} downloads under way, and this workspace ${this.#downloads.of(tenantOf(download))}: try again later.`,
    );
  }

  add(placed: Placed): void {
    this.#count(placed, 1);
  }

  remove(placed: Placed): void {
    this.#count(placed, -1);
  }

  countDownload(download: Placed, change: 1 | -1): void {
    this.#downloads.add(tenantOf(download), change);
  }

  /** Characters of words that are searched for from now on, or no longer. */
  countSearched(workspaceId: number, change: number): void {
    this.#searchedChars.add(workspaceId, change);
  }

  #count(placed: Placed, change: 1 | -1): void {
    const { tag } = placed;
    if (tag === undefined) return;
    this.#places.add(tenantOf(placed), change);
    const left = (this.tags.get(tag) ?? 0) + change;
    if (left === 0) this.tags.delete(tag);
    else this.tags.set(tag, left);
  }
}

function tenantOf({ workspaceId, tag }: Placed): Tenant {
  return workspaceId ?? `key ${tag}`;
}

function tooMany(message: string): GatewayError {
  return new GatewayError('TOO_MANY_STREAMS', message);
}
