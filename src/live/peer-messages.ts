/**
 * What gateways tell each other over a message broker: new positions with the events themselves,
 * workspaces that somebody watches, workspaces of which something was redacted. Each message is
 * signed with a key that only gateways on the same database know. What is not, is none.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { StoredEvent } from '../core/event.ts';

/** The newest position of a workspace, and events of it in order; none where they are not sent. */
export interface News {
  readonly head: number;
  readonly events: readonly StoredEvent[];
}

/** Workspaces by id. */
export type Ids = readonly number[] | 'ALL';

const SIGNATURE_BYTES = 32;
/** What JSON and the signature take beside the events. */
const FRAME_BYTES = 100;

const instant = z.coerce.date();
const position = z.int().nonnegative();
/** Signed by a gateway: only what JSON cannot write needs to be read. */
const event = z.looseObject({
  position,
  workspaceId: position,
  occurredAt: instant,
  recordedAt: instant,
  expiresAt: instant.nullable(),
  redactedAt: instant.nullable(),
});
const news = z.object({ head: position, events: z.array(event) });
const ids = z.union([z.literal('ALL'), z.array(z.int().positive())]);

export class PeerMessages {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** One message or more, none larger than `bytesMax`. An event that fits into none is left out. */
  writeNews({ head, events }: News, bytesMax: number): Buffer[] {
    const messages: Buffer[] = [];
    const room = bytesMax - SIGNATURE_BYTES - FRAME_BYTES;
    let texts: string[] = [];
    let bytes = 0;
    const close = (at: number) => {
      messages.push(this.#sign(`{"head":${at},"events":[${texts.join(',')}]}`));
      [texts, bytes] = [[], 0];
    };
    for (const each of events) {
      const text = JSON.stringify(each);
      const size = Buffer.byteLength(text) + 1;
      // What comes after it would leave a gap: the reader reads both from the log.
      if (size > room) break;
      if (bytes + size > room) close(each.position - 1);
      texts.push(text);
      bytes += size;
    }
    close(head);
    return messages;
  }

  /** Null where it is no such message. */
  readNews(message: Uint8Array): News | null {
    return this.#read(message, news) as News | null;
  }

  writeIds(given: Ids): Buffer {
    return this.#sign(JSON.stringify(given));
  }

  /** Null where it is no such message. */
  readIds(message: Uint8Array): Ids | null {
    return this.#read(message, ids);
  }

  #sign(text: string): Buffer {
    const body = Buffer.from(text);
    return Buffer.concat([this.#signatureOf(body), body]);
  }

  #signatureOf(body: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(body).digest();
  }

  #read<T>(message: Uint8Array, schema: z.ZodType<T>): T | null {
    const [signature, body] = [
      message.subarray(0, SIGNATURE_BYTES),
      message.subarray(SIGNATURE_BYTES),
    ];
    if (signature.length < SIGNATURE_BYTES) return null;
    if (!timingSafeEqual(signature, this.#signatureOf(body))) return null;
    const { success, data } = schema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
    return success ? data : null;
  }
}
