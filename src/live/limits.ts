import { LIMITS } from '../core/limits.ts';

/** Every bound of the live parts. */
export interface LiveLimits {
  readonly streamsMax: number;
  /** Streams with one tag: those of one key. */
  readonly streamsPerTagMax: number;
  /** Of what is held for downloads, which count among the streams. */
  readonly downloadsMax: number;
  /** A ring: the newest events of a watched workspace, by whichever bound comes first. */
  readonly ringEventsMax: number;
  readonly ringBytesMax: number;
  /** All rings together; the one that was idle for longest gives way. */
  readonly ringsBytesMax: number;
  /** One read of a page, by the tail or for a subscriber that catches up. */
  readonly pageEventsMax: number;
  /** What a subscriber holds of a page; a single event may be larger. */
  readonly pageBytesMax: number;
  /** Reads at once: all subscribers that catch up, and the tail. */
  readonly catchUpReadsMax: number;
  readonly tailReadsMax: number;
  /** Events that a subscriber looks at before others have their turn; dear filters count for more. */
  readonly scanEventsMax: number;
  /** Characters of all different words that streams search for, and of those of one workspace. */
  readonly searchCharsMax: number;
  readonly searchCharsPerWorkspaceMax: number;
  /** Deliveries that a reader takes in a row before others have their turn. */
  readonly burstMax: number;
  /** A checkpoint is due after as many positions, or after this long, without a delivery. */
  readonly checkpointEvents: number;
  readonly checkpointMs: number;
  /** Wait before a failed read is tried again: doubled from the first to the second. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export const LIVE_LIMITS: LiveLimits = {
  streamsMax: 10_000,
  streamsPerTagMax: 1_000,
  downloadsMax: LIMITS.downloadsMax,
  ringEventsMax: 8_192,
  ringBytesMax: 8_388_608,
  ringsBytesMax: 67_108_864,
  pageEventsMax: 1_000,
  pageBytesMax: 131_072,
  catchUpReadsMax: 4,
  tailReadsMax: 2,
  scanEventsMax: 1_000,
  searchCharsMax: 131_072,
  searchCharsPerWorkspaceMax: 16_384,
  burstMax: 64,
  checkpointEvents: 1_000,
  checkpointMs: 5_000,
  retryMinMs: 50,
  retryMaxMs: 2_000,
};
