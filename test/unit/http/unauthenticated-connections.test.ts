import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import {
  becomesKnown,
  UnauthenticatedConnections,
} from '../../../src/http/unauthenticated-connections.ts';

const LIMITS = {
  connectionsMax: 4,
  unauthenticatedConnectionsMax: 100,
  unauthenticatedPerAddressMax: 2,
};

function socketFrom(address: string): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: address });
}

test('a connection that comes again, as after each offer to upgrade, is counted once', () => {
  const connections = new UnauthenticatedConnections(LIMITS);
  const socket = socketFrom('192.0.2.1');
  for (let offers = 0; offers < 10; offers++) {
    connections.add(socket);
    expect(becomesKnown(socket, 'tenant')).toBe(true);
  }
  // A tenant alone may have three of four.
  const others = ['192.0.2.2', '192.0.2.3', '192.0.2.4'].map(socketFrom);
  for (const other of others) connections.add(other);
  expect(others.map(other => becomesKnown(other, 'tenant'))).toEqual([true, true, false]);
});

test('connections of one IPv6 network are those of one caller', () => {
  const connections = new UnauthenticatedConnections(LIMITS);
  const sockets = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::3', '2001:db8::ffff'].map(
    socketFrom,
  );
  for (const socket of sockets) connections.add(socket);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, false, false, false]);
  // Of a listener for both families.
  const mapped = [1, 2, 3].map(n => socketFrom(`::ffff:192.0.2.${n}`));
  for (const socket of mapped) connections.add(socket);
  expect(mapped.map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
});
