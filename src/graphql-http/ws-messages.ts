import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Tenant } from '../core/fairness.ts';
import type { Admission } from '../http/admission.ts';
import type { ServerSettings } from '../http/settings.ts';

/** What is held of a message that is not complete is counted in steps of as many bytes. */
const STEP_BYTES = 16_384;
const TOO_BIG = 1009;
const TRY_AGAIN_LATER = 1013;

interface Measured {
  readonly opened: WebSocket;
  /** Beneath it. */
  readonly socket: Duplex;
  /** Without a tenant until its `connection_init` is accepted. */
  readonly peer: { readonly tenant: Tenant | undefined };
  /** Bytes that came with the upgrade. */
  readonly head: Buffer;
  readonly admission: Admission;
  readonly settings: Pick<ServerSettings, 'websocketInitBytesMax'>;
}

/**
 * Bounds what a socket makes this process hold before a message is complete. `ws` bounds one
 * message; here they are bounded for all sockets together, and for those that have shown no key.
 */
export function measureMessages({ opened, socket, peer, head, ...options }: Measured): void {
  const { admission, settings } = options;
  let beforeKnown = head.length;
  let pending = head.length;
  let lastChunk = head.length;
  let held = 0;
  let holder: Tenant = '';

  function letGo(): void {
    if (held > 0) admission.giveBack(held, holder);
    held = 0;
  }

  function hold(tenant: Tenant): void {
    const more = Math.floor(pending / STEP_BYTES) * STEP_BYTES - held;
    if (more <= 0) return;
    try {
      admission.hold(more, tenant);
      holder = tenant;
      held += more;
    } catch {
      refuse(TRY_AGAIN_LATER, 'OVERLOADED');
    }
  }

  /** What still comes is not read: the socket ends with the time that `ws` gives it to close. */
  function refuse(code: number, reason: string): void {
    opened.close(code, reason);
    opened.pause();
  }

  function onData(chunk: Buffer): void {
    lastChunk = chunk.length;
    pending += chunk.length;
    if (peer.tenant !== undefined) return hold(peer.tenant);
    beforeKnown += chunk.length;
    if (beforeKnown > settings.websocketInitBytesMax) refuse(TOO_BIG, 'Too much before a key');
  }

  /** What is left belongs to the next message, and came with the end of this one. */
  function onFrame(payload: Buffer): void {
    pending = Math.min(lastChunk, Math.max(0, pending - payload.length - headerBytes(payload)));
    if (pending < held) letGo();
  }

  // Before `ws` reads it, which may complete a message.
  socket.prependListener('data', onData);
  opened.on('message', onFrame).on('ping', onFrame).on('pong', onFrame);
  opened.once('close', () => {
    socket.off('data', onData);
    letGo();
  });
}

/** Of a frame of a client, which is masked. @see https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
function headerBytes({ length }: Buffer): number {
  return length < 126 ? 6 : length < 65_536 ? 8 : 14;
}
