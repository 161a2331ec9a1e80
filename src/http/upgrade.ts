/**
 * Offers to go on in another protocol. Every JDK client offers HTTP/2 (`Upgrade: h2c`) with its
 * first request, and a server that does not take an offer answers the request as if there were none.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.8
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** Whether a WebSocket is asked for, and nothing else. */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * Gives a connection back to its server with the request as it would be without the offer. Node has
 * let go of the connection by the time it tells of an offer, and has not read a body: so the head is
 * written anew, put in front of what is unread, and read again.
 */
export function ignoreUpgrade(
  server: Server,
  req: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  // The server's own limit for idle connections is not one for this request.
  socket.setTimeout(0);
  // Node decodes headers byte by byte, as latin1.
  socket.unshift(Buffer.concat([Buffer.from(headWithoutOffer(req), 'latin1'), head]));
  server.emit('connection', socket);
}

const OF_THE_OFFER = new Set(['upgrade', 'http2-settings']);

function headWithoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    const value = rawHeaders[at + 1] as string;
    const lower = name.toLowerCase();
    if (OF_THE_OFFER.has(lower)) continue;
    const kept = lower === 'connection' ? withoutOffer(value) : value;
    if (lower !== 'connection' || kept !== '') lines.push(`${name}: ${kept}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function withoutOffer(connection: string): string {
  const options = connection.split(',').map(option => option.trim());
  return options.filter(option => !OF_THE_OFFER.has(option.toLowerCase())).join(', ');
}
