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

export interface StatusReader {
  gateway(): GatewayStatus;
  storage(): Promise<StorageStatus>;
}
