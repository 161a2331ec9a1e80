export const UNKNOWN_TYPE_POLICIES = ['DISCOVER', 'REJECT', 'QUARANTINE'] as const;
/** What becomes of an event whose type nobody defined. */
export type UnknownTypePolicy = (typeof UNKNOWN_TYPE_POLICIES)[number];

/** Where events are recorded: a tenant. */
export interface Workspace {
  readonly id: number;
  /** Lower case; matched without regard to case. */
  readonly slug: string;
  readonly name: string;
  readonly createdAt: Date;
  /** Days an event is kept after it was recorded; null keeps for ever. */
  readonly retentionDays: number | null;
  /** Days an event id is remembered at least. */
  readonly dedupeDays: number;
  /** IANA name of the zone in which days are kept ready. */
  readonly timeZone: string;
  readonly unknownTypes: UnknownTypePolicy;
}
