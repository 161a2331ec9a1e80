/**
 * Connections, until and after their caller is known. One that has not shown a valid key is
 * unauthenticated: it may hold a header, a small body or the start of a WebSocket, so their number is
 * bounded, of one address and of all. Beyond that the oldest gives way: whoever shows a key soon
 * does not notice, and whoever holds connections open holds nobody else out. Those that are known
 * are shared fairly between tenants.
 */
import type { Socket } from 'node:net';
import { Holdings, type Tenant } from '../core/fairness.ts';
import { addressOf } from '../security/address.ts';

export interface UnauthenticatedLimits {
  readonly connectionsMax: number;
  readonly unauthenticatedConnectionsMax: number;
  /** Infinity where proxies stand between: they all come from there. */
  readonly unauthenticatedPerAddressMax: number;
}

/** Says of a connection that a valid key was shown on it; false where its tenant has too many. */
type Known = (tenant: Tenant) => boolean;

/** Of the connection itself nothing was read yet. */
const NO_HEADERS = { get: () => null };

const knownOf = new WeakMap<object, Known>();

/** Whether a connection on which a valid key was shown may stay open. */
export function becomesKnown(socket: object, tenant: Tenant): boolean {
  return knownOf.get(socket)?.(tenant) ?? true;
}

export class UnauthenticatedConnections {
  readonly #limits: UnauthenticatedLimits;
  readonly #all = new Set<Socket>();
  readonly #byAddress = new Map<string, Set<Socket>>();
  readonly #known = new Holdings();

  constructor(limits: UnauthenticatedLimits) {
    this.#limits = limits;
  }

  add(socket: Socket): void {
    // A connection that offered an upgrade comes again, and is known already.
    if (knownOf.has(socket)) return;
    const address = addressOf({ remoteAddress: socket.remoteAddress, headers: NO_HEADERS }, 0);
    const ofAddress = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, ofAddress.add(socket));
    this.#all.add(socket);
    let tenant: Tenant | undefined;
    const leave = () => {
      if (!this.#all.delete(socket)) return;
      ofAddress.delete(socket);
      if (ofAddress.size === 0) this.#byAddress.delete(address);
    };
    knownOf.set(socket, now => {
      leave();
      if (tenant !== undefined || socket.destroyed) return true;
      if (!this.#known.mayAdd(now, 1, this.#limits.connectionsMax)) return false;
      tenant = now;
      this.#known.add(tenant, 1);
      return true;
    });
    socket.once('close', () => {
      leave();
      if (tenant !== undefined) this.#known.add(tenant, -1);
    });
    const { unauthenticatedConnectionsMax, unauthenticatedPerAddressMax } = this.#limits;
    if (ofAddress.size > unauthenticatedPerAddressMax) closeOldest(ofAddress);
    else if (this.#all.size > unauthenticatedConnectionsMax) closeOldest(this.#all);
  }
}

function closeOldest([oldest]: Iterable<Socket>): void {
  oldest?.destroy();
}
