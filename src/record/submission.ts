import { GatewayError } from '../core/errors.ts';
import type { PreparedEvent } from '../core/event.ts';
import { deferred } from '../core/isomorphic.ts';
import type { Actor } from '../core/principal.ts';

/** An event whose type is resolved, so that a flush can store it. */
export interface ResolvedEvent extends PreparedEvent {
  readonly definitionId: number;
  readonly category: string | null;
  /** Of the definition, when the event was validated by it. The flush checks it. */
  readonly revision: number;
}

/** The result of a flush for one event. */
export type Outcome =
  | {
      readonly status: 'RECORDED' | 'DUPLICATE' | 'CONFLICT';
      readonly position: number;
      readonly recordedAt: Date;
    }
  /** Its atomic batch holds a conflict. */
  | { readonly status: 'LEFT_OUT' }
  /** Its definition has changed since it was validated: validate again. */
  | { readonly status: 'STALE' }
  /** Postgres refuses it, or one of the events that could not be told apart from it. */
  | { readonly status: 'UNSTORABLE'; readonly isAlone: boolean }
  /** Not stored: its workspace's lock is held, or the search for a refused event took too many steps. */
  | { readonly status: 'POSTPONED' }
  /** Its workspace has been deleted. */
  | { readonly status: 'GONE' }
  /** Not stored: its key was revoked or has expired. */
  | { readonly status: 'UNAUTHENTICATED' };

/** An event in a flush. */
export interface FlushEntry {
  readonly workspaceId: number;
  readonly event: ResolvedEvent;
  /** The same for all events of one request. */
  readonly request: number;
  /** All or nothing: the events of the request are stored together or not at all. */
  readonly atomic: boolean;
  /** The same object for all events of one request. Null: the gateway itself. */
  readonly actor: Actor | null;
}

/** The events of one request on their way through the writers. No id occurs twice in it. */
export class Submission {
  readonly workspaceId: number;
  readonly events: readonly ResolvedEvent[];
  readonly atomic: boolean;
  /** Who records them; null: the gateway itself. */
  readonly actor: Actor | null;
  readonly arrivedMs: number;
  readonly bytes: number;
  readonly outcomes: Outcome[] = [];
  /** Its next events wait until the previous ones are done, to keep their order. */
  inFlight = false;
  #hasFailed = false;
  readonly #settled = deferred<readonly Outcome[]>();

  constructor(options: {
    workspaceId: number;
    events: readonly ResolvedEvent[];
    atomic: boolean;
    actor: Actor | null;
    arrivedMs: number;
  }) {
    this.workspaceId = options.workspaceId;
    this.events = options.events;
    this.atomic = options.atomic;
    this.actor = options.actor;
    this.arrivedMs = options.arrivedMs;
    this.bytes = options.events.reduce((sum, event) => sum + approximateBytes(event), 0);
  }

  get settled(): Promise<readonly Outcome[]> {
    return this.#settled.promise;
  }

  /** Its caller has an answer. Results that come later are ignored. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Events without an outcome yet. */
  get waiting(): number {
    return this.events.length - this.outcomes.length;
  }

  /** Takes the outcomes of the next events, in order. After a stale one the rest is too. */
  advance(outcomes: readonly Outcome[]): void {
    this.inFlight = false;
    for (const outcome of outcomes) this.outcomes.push(outcome);
    if (outcomes.some(({ status }) => status === 'STALE')) {
      while (this.waiting > 0) this.outcomes.push({ status: 'STALE' });
    }
    if (this.waiting === 0) this.#settled.resolve(this.outcomes);
  }

  fail(error: unknown): void {
    this.#hasFailed = true;
    this.#settled.reject(error);
  }
}

/** The envelope takes some 400 bytes beside the payload. */
export function approximateBytes(event: PreparedEvent): number {
  return event.payload.length + 400;
}

/**
 * For a request whose events may or may not be stored: SERVICE_UNAVAILABLE, the only error that does
 * not mean that nothing is stored. If it is sent again with the same ids, it is stored once.
 */
export function unknownOutcome(cause?: unknown): GatewayError {
  const message =
    'The events were not confirmed in time. They may or may not be stored. Send them again ' +
    'with the same ids, and nothing is stored twice.';
  return new GatewayError('SERVICE_UNAVAILABLE', message, { cause });
}
