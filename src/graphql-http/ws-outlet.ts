import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { NO_TENANT, type Tenant } from '../core/fairness.ts';
import type { Unsent } from './stream-fairness.ts';
import type { Outlet } from './ws-operations.ts';

interface OutletOptions {
  readonly bufferBytesMax: number;
  readonly unsent: Unsent;
}

/**
 * What is on its way to a socket: results of streams, many in one write, and other messages. More than
 * the socket takes counts as unsent. Where that finds no room, the socket is cut.
 */
export function createOutlet(
  socket: WebSocket,
  connection: Duplex,
  { bufferBytesMax, unsent }: OutletOptions,
): Outlet {
  let drained: Promise<void> | undefined;

  function drain(): Promise<void> {
    drained ??= new Promise(resolve => {
      function done(): void {
        connection.off('drain', done).off('close', done);
        drained = undefined;
        unsent.forget(connection);
        resolve();
      }
      connection.once('drain', done).once('close', done);
    });
    return drained;
  }

  /** Undefined when the socket takes more at once. */
  function untilTaken(tenant: Tenant): Promise<void> | undefined {
    if (socket.bufferedAmount <= bufferBytesMax || connection.destroyed) return undefined;
    const waiting = drain();
    if (!unsent.note(connection, tenant, socket.bufferedAmount)) connection.destroy();
    return waiting;
  }

  return {
    send(head, batch, tenant = NO_TENANT) {
      if (socket.readyState !== socket.OPEN) return undefined;
      connection.cork();
      for (const { json } of batch) socket.send(`${head}${json}}`);
      connection.uncork();
      return untilTaken(tenant);
    },
    message(text, tenant = NO_TENANT) {
      if (socket.readyState !== socket.OPEN) return undefined;
      socket.send(text);
      return untilTaken(tenant);
    },
  };
}
