/** How the gateway itself does; for those who run it. */
export interface GatewayStatus {
  readonly version: string;
  readonly startedAt: Date;
  /** Events that wait to be recorded, or are being recorded. */
  readonly waitingEvents: number;
  readonly streams: StreamStatus;
}

export interface StreamStatus {
  readonly open: number;
  /** Of these, those that read the log. */
  readonly catchingUp: number;
  /** Of the slowest. */
  readonly lagEvents: number;
  readonly lagMs: number;
}

export interface StorageStatus {
  /** Of the whole database. */
  readonly usedBytes: number;
  /** By which it grows on a day like those of the last week. */
  readonly bytesPerDay: number;
  /** Left on the disk of the data; null where that is another machine's, or not known. */
  readonly freeBytes: number | null;
}

/** What upkeep does for each workspace by itself. */
export const UPKEEP_STEPS = [
  'FOLD',
  'DAYS',
  'FILL',
  'DROP',
  'EVIDENCE',
  'SEARCH',
  'EXPIRY',
  'RETENTION',
] as const;
export type UpkeepStep = (typeof UPKEEP_STEPS)[number];

/** A step that is not done for a workspace, since its data does not let it. */
export interface UpkeepFault {
  readonly workspaceId: number;
  readonly step: UpkeepStep;
  readonly since: Date;
  readonly retryAt: Date;
  readonly message: string;
}

/** A measure that is counted from its events alone. */
export interface SetAsideMeasure {
  readonly workspaceId: number;
  readonly type: string;
  readonly property: string;
  readonly since: Date;
}

export interface UpkeepStatus {
  /** The oldest first, at most as many as were asked for. */
  readonly faults: readonly UpkeepFault[];
  readonly setAsideMeasures: readonly SetAsideMeasure[];
}

export interface RecordedMinute {
  readonly start: Date;
  readonly count: number;
}

/** How a workspace is recorded into, by the database's clock. */
export interface RecordingStatus {
  /** Minute by minute, the present one last. */
  readonly lastHour: readonly RecordedMinute[];
  /** Those that the rollups don't count yet. */
  readonly uncountedEvents: number;
}

/** What this process refused since it was started. */
export interface RefusalStatus {
  /** For overload or a rate limit. */
  readonly requests: number;
  readonly rejectedEvents: number;
  readonly conflictingEvents: number;
}

export interface StatusReader {
  gateway(): GatewayStatus;
  refusals(): Promise<RefusalStatus>;
  recordings(workspaceId: number): Promise<RecordingStatus>;
  storage(): Promise<StorageStatus>;
  upkeep(): Promise<UpkeepStatus>;
}
