/** What the samples record, and where. */
export interface Subject {
  /** Of the gateway, as this page was loaded from it. */
  readonly origin: string;
  readonly workspace: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** When the event is to have happened; also makes ids that nobody has used. */
  readonly at: Date;
}

export interface Sample {
  readonly id: string;
  readonly title: string;
  /** What there is to know beside the code. */
  readonly note: string;
  /** Null where an event of this type can't come in this way: the note says why. */
  readonly code: string | null;
}
