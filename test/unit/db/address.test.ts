import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { isExposed, readAddress } from '../../../src/db/address.ts';
import { openDriverSocket } from '../../../src/db/driver-socket.ts';

test.each([
  ['ssl=true', 'parameters of the database URL are host, sslmode, sslrootcert, channel_binding'],
  ['sslmode=require&sslkey=k.pem', 'but it has sslkey'],
  ['sslmode=verify-everything', 'sslmode must be one of disable, prefer, require'],
  ['sslmode=disable&sslmode=verify-full', 'the parameter sslmode more than once'],
  ['channel_binding=require', 'channel_binding must be disable or prefer, but is require'],
])('a database URL with ?%s is refused: what asks for security is not ignored', (query, why) => {
  expect(() => readAddress(`postgres://u:secret@db.example/d?${query}`)).toThrow(why);
  expect(() => readAddress(`postgres://u:secret@db.example/d?${query}`)).not.toThrow('secret');
});

test.each([
  ['postgres://u@db.example/d', true],
  ['postgres://u@10.0.0.5/d?sslmode=disable', true],
  ['postgres://u@db.example/d?sslmode=prefer', false],
  ['postgres://u@localhost/d', false],
  ['postgres://u@127.0.0.1/d', false],
  ['postgres://u@[::1]/d', false],
  ['postgres://u@/d?host=/run/postgresql', false],
])('whether %s crosses a network in the clear: %s', (url, exposed) => {
  expect(isExposed(readAddress(url))).toBe(exposed);
});

/** Certificates are made by the openssl of the machine: keys have no place among the sources. */
const openssl = spawnSync('openssl', ['version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

function certificateFor(names: string): { key: Buffer; cert: Buffer; file: string } {
  const file = (kind: string) => join(folder, `${names.replace(/\W/g, '-')}.${kind}`);
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test'],
    ...['-addext', `subjectAltName=${names}`, '-keyout', file('key'), '-out', file('cert')],
  ]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  return { key: readFileSync(file('key')), cert: readFileSync(file('cert')), file: file('cert') };
}

/** Speaks TLS as Postgres does: `S` to the request for it, then the handshake. */
async function connectWith(names: string, mode: string, more = ''): Promise<string> {
  const { key, cert, file } = certificateFor(names);
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(`S${more}`);
      new TLSSocket(socket, { isServer: true, key, cert }).on('error', () => undefined);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const address = readAddress(
    `postgres://u@127.0.0.1:${port}/d?sslmode=${mode}&sslrootcert=${encodeURIComponent(file)}`,
  );
  const outcome = await openDriverSocket(address, AbortSignal.timeout(30_000)).then(
    line => {
      line.on('error', () => undefined);
      line.destroy();
      return 'connected';
    },
    (error: Error) => error.message,
  );
  for (const socket of sockets) socket.destroy();
  server.close();
  return outcome;
}

test.runIf(openssl)(
  'verify-full holds the certificate against the address of the URL',
  async () => {
    expect(await connectWith('IP:127.0.0.1', 'verify-full')).toBe('connected');
    const wrong = await connectWith('DNS:localhost', 'verify-full');
    expect(wrong).toContain("IP: 127.0.0.1 is not in the cert's list");
    expect(await connectWith('DNS:localhost', 'verify-ca')).toBe('connected');
  },
);

test.runIf(openssl)('bytes that a server sends in the clear before TLS are refused', async () => {
  expect(await connectWith('IP:127.0.0.1', 'require', 'EXTRA')).toContain('more than the answer');
});
