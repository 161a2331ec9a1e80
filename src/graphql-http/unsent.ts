import { Holdings, type Tenant } from '../core/fairness.ts';

/**
 * What waits for the readers of streams that are behind. Where it finds no room the stream is cut:
 * its reader resumes at its cursor and misses nothing.
 */
export class Unsent {
  readonly #bytesMax: number;
  readonly #bytes = new Holdings();
  readonly #byConnection = new Map<object, { readonly tenant: Tenant; readonly bytes: number }>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Says what waits for a connection now; false where that finds no room. */
  note(connection: object, tenant: Tenant, bytes: number): boolean {
    this.forget(connection);
    if (!this.#bytes.mayAdd(tenant, bytes, this.#bytesMax)) return false;
    this.#bytes.add(tenant, bytes);
    this.#byConnection.set(connection, { tenant, bytes });
    return true;
  }

  /** Nothing waits any more. */
  forget(connection: object): void {
    const known = this.#byConnection.get(connection);
    if (known === undefined) return;
    this.#byConnection.delete(connection);
    this.#bytes.add(known.tenant, -known.bytes);
  }
}
