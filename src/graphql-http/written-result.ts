import { presentError, presentResult, type Asker, type RawResult } from '../http/errors.ts';

/** A result as the text that is sent. Readers who ask the same share it. */
export class WrittenResult {
  readonly json: string;
  /** The `id:` of an event stream. */
  readonly eventId: string | undefined;
  #event: Buffer | undefined;

  constructor(json: string, eventId?: string) {
    this.json = json;
    this.eventId = eventId;
  }

  /** As a server-sent event. */
  get event(): Buffer {
    const id = this.eventId === undefined ? '' : `id: ${this.eventId}\n`;
    return (this.#event ??= Buffer.from(`${id}event: next\ndata: ${this.json}\n\n`));
  }
}

export function writeResult(result: RawResult, asker: Asker, eventId?: string): WrittenResult {
  const presented = presentResult(result, asker);
  try {
    return new WrittenResult(JSON.stringify(presented), eventId);
  } catch (error) {
    return new WrittenResult(JSON.stringify({ errors: [presentError(error, asker)] }), eventId);
  }
}

/** Where the results of a stream come from. */
export interface ResultSource {
  /** Waits for the next result, and takes with it those that are there. Empty: it is over. */
  nextBatch(): Promise<readonly WrittenResult[]>;
  /** Its reader leaves. Idempotent. */
  return(): Promise<void>;
}

export function isResultSource(value: object): value is ResultSource {
  return 'nextBatch' in value;
}

/** One result in the shape of a stream. */
export function once(result: WrittenResult): ResultSource {
  const left = [[result]];
  return { nextBatch: async () => left.shift() ?? [], return: async () => {} };
}
