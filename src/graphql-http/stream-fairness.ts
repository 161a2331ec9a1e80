/** Streams share the process: busy ones take turns, slow readers share the memory of what waits. */
import { performance } from 'node:perf_hooks';
import { Holdings, type Tenant } from '../core/fairness.ts';

/** Work of streams before input and output have their turn. */
const SLICE_MS = 8;
/** Streams that go on in one turn, of those that wait for one. */
const STREAMS_A_TURN = 16;

/** Keeps many busy streams from holding up everything else of the process, and each other. */
export interface StreamTurns {
  /** Undefined when the caller may go on at once. */
  turn(): Promise<void> | undefined;
}

export function createStreamTurns(): StreamTurns {
  const waiting: (() => void)[] = [];
  let startedMs: number | undefined;

  function begin(): void {
    startedMs = undefined;
    for (const go of waiting.splice(0, STREAMS_A_TURN)) go();
    if (waiting.length > 0) setImmediate(begin);
  }

  return {
    turn() {
      const nowMs = performance.now();
      if (startedMs === undefined) {
        startedMs = nowMs;
        if (waiting.length === 0) setImmediate(begin);
      }
      if (waiting.length === 0 && nowMs - startedMs < SLICE_MS) return undefined;
      return new Promise(resolve => waiting.push(resolve));
    },
  };
}

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
