/**
 * Slots for requests that are made at once: of the process, fairly among workspaces, and of each
 * host, so that one that does not answer keeps nobody else waiting.
 */
import { FairQueue, Holdings, type Tenant } from '../core/fairness.ts';

export interface SlotsOptions {
  readonly max: number;
  readonly hostMax: number;
}

interface Waiting {
  readonly workspaceId: number;
  readonly host: string;
  readonly wake: () => void;
}

export class RequestSlots {
  readonly #options: SlotsOptions;
  readonly #held = new Holdings();
  readonly #hosts = new Map<string, number>();
  readonly #waiting = new FairQueue<Waiting>();

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** As many places as there are now, none to `max`. */
  take(workspaceId: number, host: string, max: number): number {
    let count = 0;
    while (count < max && this.#mayTake(workspaceId, host)) {
      this.#held.add(workspaceId, 1);
      this.#hosts.set(host, (this.#hosts.get(host) ?? 0) + 1);
      count += 1;
    }
    return count;
  }

  leave(workspaceId: number, host: string, count: number): void {
    if (count === 0) return;
    this.#held.add(workspaceId, -count);
    const left = (this.#hosts.get(host) ?? 0) - count;
    if (left > 0) this.#hosts.set(host, left);
    else this.#hosts.delete(host);
    for (let woken = 0; woken < count; woken++) this.pass();
  }

  /** Lets somebody who waits ask again: also to be called by who was woken and takes no place. */
  pass(): void {
    const next = this.#waiting.take((_line, { workspaceId, host }) =>
      this.#mayTake(workspaceId, host),
    );
    next?.wake();
  }

  /** Until there may be a place: it is to be asked for again. */
  wait(workspaceId: number, host: string, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal.aborted) return resolve();
      // Those of one host wait in a line of their own: it holds up no other.
      const line: Tenant = `${workspaceId} ${host}`;
      const waiting: Waiting = { workspaceId, host, wake };
      const end = () => {
        this.#waiting.delete(line, waiting);
        wake();
      };
      function wake(): void {
        signal.removeEventListener('abort', end);
        resolve();
      }
      signal.addEventListener('abort', end, { once: true });
      this.#waiting.add(line, waiting);
    });
  }

  #mayTake(workspaceId: number, host: string): boolean {
    const { max, hostMax } = this.#options;
    const ofHost = this.#hosts.get(host) ?? 0;
    return ofHost < hostMax && this.#held.mayAdd(workspaceId, 1, max);
  }
}
