/** What the client takes and gives, as `schema.graphql` has it. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * JSON to be recorded: a bigint is a number, and keeps every digit; what has a method `toJSON`, such
 * as a Date, is what that gives. Values that JSON lacks, such as NaN or a Map, are refused.
 */
export type JsonInput =
  null | boolean | number | bigint | string | Date | readonly JsonInput[] | JsonObjectInput;
export interface JsonObjectInput {
  readonly [key: string]: JsonInput;
}

interface Named<T> {
  readonly name: string;
  readonly value: T;
}

/** A payload value whose exact type matters: exactly one of these. */
export type PropertyInput =
  | { readonly boolean: Named<boolean> }
  | { readonly date: Named<string | Date> }
  | { readonly double: Named<number> }
  | { readonly float: Named<number> }
  | { readonly integer: Named<number> }
  /** In decimal digits: every one is kept. */
  | { readonly long: Named<string> }
  | { readonly string: Named<string> }
  /** As `properties` of an event gives it: also lists of one, NaN and the infinities. */
  | { readonly exact: ExactProperty };

interface ExactProperty {
  readonly name: string;
  readonly type: 'BOOLEAN' | 'DATE' | 'DOUBLE' | 'FLOAT' | 'INTEGER' | 'LONG' | 'STRING' | 'JSON';
  /** The exact value as text; one entry for each value of a list. */
  readonly values: readonly string[];
  /** Whether it is a list. Default: where there is not exactly one value. */
  readonly list?: boolean | null;
}

/** An event to be recorded. Only `type` is required; null is the same as absent. */
export interface EventInput {
  /** Unique in the workspace, at most 256 bytes. Default: a UUIDv7, made before the first try. */
  readonly id?: string | null;
  /** Such as `user.signup`. */
  readonly type: string;
  /** When it happened. Default: the time of `record()`; with an `id` of yours, when it comes in. */
  readonly occurredAt?: Date | string | null;
  /** After this its content is removed. Default: never. */
  readonly expiresAt?: Date | string | null;
  /** The system, application or host that emits it. */
  readonly source?: string | null;
  /** What it is about. */
  readonly subject?: string | null;
  /** Who did it. */
  readonly actor?: string | null;
  /** What happened, in words for people. */
  readonly description?: string | null;
  /** Exactly one emoji. */
  readonly icon?: string | null;
  /** Whether to notify somebody of it. Default: false. */
  readonly notify?: boolean | null;
  /** Whether what it tells of succeeded. Default: neither. */
  readonly success?: boolean | null;
  /** IPv4 or IPv6 address of the client that caused it. */
  readonly clientIp?: string | null;
  /** Event id of the event that caused it. */
  readonly parentId?: string | null;
  /** Correlation id of events that belong together. */
  readonly groupId?: string | null;
  /**
   * What is to be said of it, at most 262,144 bytes as JSON. An integer beyond 2^53 is a bigint:
   * JavaScript has rounded any other, which is refused.
   */
  readonly payload?: JsonObjectInput | null;
  /** Values whose exact type matters; merged into the payload. */
  readonly properties?: readonly PropertyInput[] | null;
}

/**
 * The payloads of event types, by name, as `sluice generate typescript` writes them. The compiler
 * then checks what is recorded. This one stands for any types with any payload.
 */
export type AnyEvents = Readonly<Record<string, JsonObjectInput>>;

/** An event of one of the types, with its payload. */
export type EventInputOf<Events extends object> = string extends keyof Events
  ? EventInput
  : { [Type in keyof Events & string]: TypedInput<Type, Events[Type]> }[keyof Events & string];

type TypedInput<Type extends string, Payload> = Omit<EventInput, 'type' | 'payload'> & {
  readonly type: Type;
} & (Record<never, never> extends Payload
    ? { readonly payload?: PayloadInput<Payload> | null }
    : { readonly payload: PayloadInput<Payload> });

/** What JSON makes into the value: also a bigint for a number, and a Date for a text. */
type PayloadInput<T> = T extends number
  ? T | bigint
  : string extends T
    ? T | Date
    : T extends object
      ? { readonly [Key in keyof T]: PayloadInput<T[Key]> }
      : T;

/** Something that is wrong with an event. */
export interface EventProblem {
  /** A WARNING does not keep an event from being recorded. */
  readonly severity: 'ERROR' | 'WARNING';
  /** Stable, such as PAYLOAD_TOO_LARGE or SCHEMA_MISMATCH. */
  readonly code: string;
  readonly message: string;
  /** JSON Pointer into the event, such as /payload/total. */
  readonly pointer: string;
}

interface Answered {
  readonly eventId: string;
  readonly problems: readonly EventProblem[];
}

/** The event is stored at `position`; subscribe after `cursor` for what follows it. */
export interface StoredReceipt extends Answered {
  /** DUPLICATE: it was stored before, with the same content. */
  readonly status: 'RECORDED' | 'DUPLICATE';
  readonly position: number;
  readonly cursor: string;
}

/** The event is not stored: `problems` says why. */
export interface RefusedReceipt extends Answered {
  /** CONFLICT: the id stands for other content. QUARANTINED: kept aside. */
  readonly status: 'CONFLICT' | 'QUARANTINED' | 'REJECTED';
  readonly position: number | null;
  readonly cursor: string | null;
}

/** What became of an event. Look at `status`. */
export type Receipt = StoredReceipt | RefusedReceipt;

/** The way an event came in. */
export type Door =
  | 'GRAPHQL'
  | 'IMPORT'
  | 'SPEAKEASY'
  | 'LOGSPACE'
  | 'AUTHENTIK'
  | 'LOGSH'
  | 'CLOUDEVENTS'
  | 'OTLP'
  | 'SEGMENT'
  | 'POSTHOG'
  | 'LOGSNAG'
  | 'RETRACED';

/** An event as it was recorded. Instants are RFC 3339 in UTC. */
export interface RecordedEvent {
  /** Subscribe after it to get what follows. */
  readonly cursor: string;
  /** Its place in the workspace: 1, 2, 3 … */
  readonly position: number;
  readonly eventId: string;
  readonly type: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  /** After this its content is gone. Null: never. */
  readonly expiresAt: string | null;
  /** When its content was emptied. Null: it was not. */
  readonly redactedAt: string | null;
  readonly groupId: string | null;
  readonly parentId: string | null;
  readonly source: string | null;
  readonly subject: string | null;
  readonly actor: string | null;
  readonly clientIp: string | null;
  readonly description: string | null;
  readonly icon: string | null;
  readonly success: boolean | null;
  readonly notify: boolean;
  readonly door: Door;
  /** Integers beyond 2^53 stand as text here. Empty where it can't be shown. */
  readonly payload: JsonObject;
  /** What of the event can't be shown, and why. Empty for nothing, as nearly always. */
  readonly unreadable: readonly EventProblem[];
}

interface Step {
  /** Subscribe after it to go on right behind this step. */
  readonly cursor: string;
  readonly position: number;
}

/** One step of a stream. Look at `kind`. */
export type Delivery =
  | (Step & { readonly kind: 'EVENT'; readonly event: RecordedEvent })
  /** CAUGHT_UP: history ends here, what follows is live. CHECKPOINT: nothing matched up to here. */
  | (Step & { readonly kind: 'CAUGHT_UP' | 'CHECKPOINT'; readonly event: null });

/** Half open: from <= t < to. */
export interface DateTimeRange {
  readonly from?: Date | string | null;
  readonly to?: Date | string | null;
}

/** One condition on a payload value; all that are given must hold. */
export interface PropertyFilter {
  /** Keys from the top of the payload, such as `['order', 'total']`. */
  readonly path: readonly string[];
  readonly equals?: Json;
  readonly notEquals?: Json;
  readonly in?: readonly Json[] | null;
  readonly greaterThan?: Json;
  readonly greaterThanOrEqual?: Json;
  readonly lessThan?: Json;
  readonly lessThanOrEqual?: Json;
  readonly contains?: string | null;
  readonly startsWith?: string | null;
  readonly exists?: boolean | null;
}

/** Which events: all that is given must hold, lists mean one of their values. */
export interface EventFilter {
  readonly eventIds?: readonly string[] | null;
  readonly types?: readonly string[] | null;
  readonly typePrefix?: string | null;
  /** That the definition of the type has now. */
  readonly categories?: readonly string[] | null;
  readonly sources?: readonly string[] | null;
  readonly sourcePrefix?: string | null;
  readonly subjects?: readonly string[] | null;
  readonly subjectPrefix?: string | null;
  readonly actors?: readonly string[] | null;
  readonly groupIds?: readonly string[] | null;
  readonly parentIds?: readonly string[] | null;
  readonly doors?: readonly Door[] | null;
  readonly notify?: boolean | null;
  readonly success?: boolean | null;
  /** Whether the event does not say if it succeeded. */
  readonly successUnknown?: boolean | null;
  readonly clientIps?: readonly string[] | null;
  readonly occurredAt?: DateTimeRange | null;
  readonly recordedAt?: DateTimeRange | null;
  readonly payload?: readonly PropertyFilter[] | null;
  /** Words, each to be found in the event's texts or payload. */
  readonly search?: string | null;
  readonly and?: readonly EventFilter[] | null;
  readonly or?: readonly EventFilter[] | null;
  readonly not?: EventFilter | null;
}
