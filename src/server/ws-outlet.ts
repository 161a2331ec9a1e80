import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Outlet } from './ws-operations.ts';

/** Results of streams on their way to a socket: many in one write, and no more than it takes. */
export function createOutlet(
  socket: WebSocket,
  connection: Duplex,
  bufferBytesMax: number,
): Outlet {
  let drained: Promise<void> | undefined;

  function drain(): Promise<void> {
    drained ??= new Promise(resolve => {
      function done(): void {
        connection.off('drain', done).off('close', done);
        drained = undefined;
        resolve();
      }
      connection.once('drain', done).once('close', done);
    });
    return drained;
  }

  return {
    send(head, batch) {
      if (socket.readyState !== socket.OPEN) return undefined;
      connection.cork();
      for (const { json } of batch) socket.send(`${head}${json}}`);
      connection.uncork();
      if (socket.bufferedAmount <= bufferBytesMax || connection.destroyed) return undefined;
      return drain();
    },
  };
}
