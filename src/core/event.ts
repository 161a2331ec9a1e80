import type { ExactObject } from './exact-json.ts';
import type { Json } from './json.ts';

/** The way an event came in. The number is what the database keeps: never renumber. */
export const DOORS = {
  GRAPHQL: 1,
  IMPORT: 2,
  SPEAKEASY: 3,
  LOGSPACE: 4,
  AUTHENTIK: 5,
  LOGSH: 6,
  CLOUDEVENTS: 7,
  OTLP: 8,
  SEGMENT: 9,
  POSTHOG: 10,
  LOGSNAG: 11,
  RETRACED: 12,
} as const;
export type Door = keyof typeof DOORS;

export const PROPERTY_TYPES = [
  'BOOLEAN',
  'DATE',
  'DOUBLE',
  'FLOAT',
  'INTEGER',
  'LONG',
  'STRING',
  'JSON',
] as const;
export type PropertyType = (typeof PROPERTY_TYPES)[number];

/** A payload value with its exact type; `values` are texts that keep every digit. */
export interface EventProperty {
  readonly name: string;
  readonly type: PropertyType;
  readonly values: readonly string[];
}

/**
 * An event as a recorder gives it, from GraphQL or a door, before any check. Null and absent
 * mean the same for every field.
 */
export interface EventInput {
  readonly id?: string | null | undefined;
  readonly type: string;
  readonly occurredAt?: Date | null | undefined;
  readonly expiresAt?: Date | null | undefined;
  readonly source?: string | null | undefined;
  readonly subject?: string | null | undefined;
  readonly actor?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly icon?: string | null | undefined;
  readonly notify?: boolean | null | undefined;
  readonly success?: boolean | null | undefined;
  readonly clientIp?: string | null | undefined;
  readonly parentId?: string | null | undefined;
  readonly groupId?: string | null | undefined;
  /** As JSON it may take `LIMITS.payloadBytesMax`, with its numbers written without exponents. */
  readonly payload?: ExactObject | null | undefined;
  /** Merged into the payload. A list has one entry a value; `isList` keeps a list of one a list. */
  readonly properties?: readonly (EventProperty & { readonly isList?: boolean })[] | undefined;
  /** What a door's mapping can't invert. */
  readonly wire?: Json | undefined;
  /**
   * Stands for the content where a retry is told from another event under the same id: a digest where
   * a door makes something of the time at which an event came or was sent, and the content as it was
   * mapped before where a door maps it in another way than it once did.
   */
  readonly contentId?: string | undefined;
  /** Why some of what came is not in here: the event is rejected for it. */
  readonly unreadable?: readonly EventProblem[] | undefined;
}

/**
 * The exact types of payload values where inference from JSON would be wrong: a type by
 * property name, or all entries of a name that has values of several types.
 */
export type PropertyTypes = Readonly<
  Record<string, PropertyType | readonly Omit<EventProperty, 'name'>[]>
>;

/** An event that is well-formed, with every default filled in: ready to be given a position. */
export interface PreparedEvent {
  readonly eventId: string;
  /** `eventId` as a UUID: what dedupe compares. */
  readonly key: string;
  /** Of what the recorder gave, see `content-hash.ts`. */
  readonly hash: string;
  readonly type: string;
  readonly door: Door;
  readonly occurredAt: Date;
  readonly expiresAt: Date | null;
  readonly source: string | null;
  readonly subject: string | null;
  readonly actor: string | null;
  readonly description: string | null;
  readonly icon: string | null;
  readonly notify: boolean;
  readonly success: boolean | null;
  readonly clientIp: string | null;
  readonly parentId: string | null;
  readonly groupId: string | null;
  /** JSON text; numbers in it keep every digit. */
  readonly payload: string;
  readonly propertyTypes: PropertyTypes | null;
  readonly wire: Json | null;
}

/** An event as the log keeps it: what pages, streams and doors hand out. */
export interface StoredEvent extends Omit<PreparedEvent, 'key' | 'hash' | 'type'> {
  readonly workspaceId: number;
  /** Dense within the workspace: 1, 2, 3 … */
  readonly position: number;
  readonly recordedAt: Date;
  readonly redactedAt: Date | null;
  readonly definitionId: number;
  /** Name of its definition. */
  readonly type: string;
  /** That its definition had when the event was read. */
  readonly category: string | null;
  /** What of it can't be shown, and why; in its place stands what is empty. Absent: nothing. */
  readonly unreadable?: readonly EventProblem[];
}

export const RECEIPT_STATUSES = [
  'RECORDED',
  'DUPLICATE',
  'CONFLICT',
  'QUARANTINED',
  'REJECTED',
] as const;
export type ReceiptStatus = (typeof RECEIPT_STATUSES)[number];

export interface EventProblem {
  /** A WARNING does not keep an event from being recorded. */
  readonly severity: 'ERROR' | 'WARNING';
  readonly code: string;
  readonly message: string;
  /** JSON Pointer (RFC 6901) into the event, such as /payload/total. */
  readonly pointer: string;
}

/** What became of one event of a request. `position` and `recordedAt` where it is stored. */
export interface Receipt {
  readonly index: number;
  readonly status: ReceiptStatus;
  readonly eventId: string | null;
  readonly position: number | null;
  readonly recordedAt: Date | null;
  readonly problems: readonly EventProblem[];
}

/** An event that was kept aside, with what is wrong with it. */
export interface QuarantinedEvent {
  readonly workspaceId: number;
  /** A UUID. */
  readonly id: string;
  readonly receivedAt: Date;
  readonly door: Door;
  readonly problems: readonly EventProblem[];
  /** The event as it came: the JSON text of an object, with every digit of its numbers. */
  readonly event: string;
}
