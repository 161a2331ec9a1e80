import { presentError, presentResult, type Asker, type RawResult } from '../http/errors.ts';

/** A result as it is sent, however many take it. */
export class Ready {
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

export function toReady(result: RawResult, asker: Asker, eventId?: string): Ready {
  const presented = presentResult(result, asker);
  try {
    return new Ready(JSON.stringify(presented), eventId);
  } catch (error) {
    return new Ready(JSON.stringify({ errors: [presentError(error, asker)] }), eventId);
  }
}

/** Results, as many at once as there are; none when there will be no more. */
export interface ReadySource {
  take(): Promise<readonly Ready[]>;
  /** Nobody takes any more. Idempotent. */
  leave(): Promise<void>;
}

export function isReadySource(value: object): value is ReadySource {
  return 'take' in value && 'leave' in value;
}

/** One result in the shape of a stream. */
export function once(ready: Ready): ReadySource {
  const left = [[ready]];
  return { take: async () => left.shift() ?? [], leave: async () => {} };
}
