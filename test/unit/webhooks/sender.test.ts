/** One request at a time, with a real receiver. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOutbound } from '../../../src/security/outbound.ts';
import { createSender, type Sender, type Sending } from '../../../src/webhooks/sender.ts';
import { startReceiver, type Receiver } from '../../e2e/webhooks/kit.ts';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { createTestDatabase } from '../../kit/database.ts';

let sender: Sender;
let receiver: Receiver;
beforeEach(async () => {
  sender = createSender({ outbound: createOutbound(true), nowMs: () => Date.now() });
  receiver = await startReceiver();
});
afterEach(async () => {
  sender.stop();
  await receiver[Symbol.asyncDispose]();
});

const NEVER = new AbortController().signal;
const send = (more: Partial<Sending> = {}) =>
  sender.send({
    ...{ url: receiver.url, headers: {}, body: '{}', timeoutMs: 10_000, signal: NEVER },
    ...more,
  });

test('a connection that was kept and is closed meanwhile costs no attempt', async () => {
  expect(await send()).toMatchObject({ status: 200 });
  // Closes what comes on a connection that is kept, once, as a server does that just timed out.
  let isFirst = true;
  receiver.answer = () => {
    if (!isFirst) return 200;
    isFirst = false;
    return (req, res) => {
      req.socket.resetAndDestroy();
      res.destroy();
    };
  };
  expect(await send()).toMatchObject({ status: 200, error: null });
  expect(receiver.received).toHaveLength(3);
});

test('a status counts, though its body never ends', async () => {
  receiver.answer = () => (_req, res) => void res.writeHead(202).write('accepted');
  expect(await send({ timeoutMs: 500 })).toMatchObject({
    ...{ status: 202, error: null, response: 'accepted' },
  });
});

test('a request that is given up has no answer', async () => {
  const over = new AbortController();
  receiver.answer = () => () => over.abort();
  expect(await send({ signal: over.signal })).toBeNull();
  expect(await send({ signal: over.signal })).toBeNull();
});

test('bytes that are no text are shown as well as they can be', async () => {
  const bytes = Buffer.from([0x61, 0, 0xff, 0x62]);
  receiver.answer = () => (_req, res) => void res.writeHead(200).end(bytes);
  expect(await send()).toMatchObject({ response: 'a\uFFFD\uFFFDb' });
});

/** Certificates are made by the openssl of the machine: keys have no place among the sources. */
const openssl = spawnSync('openssl', ['version']).status === 0;

describe.runIf(openssl)('by TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-receiver-tls-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function certificateFor(names: string) {
    const file = (kind: string) => join(folder, `${names.replace(/\W/g, '-')}.${kind}`);
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test'],
      ...['-addext', `subjectAltName=${names}`, '-keyout', file('key'), '-out', file('cert')],
    ]);
    expect(made.status).toBe(0);
    return { key: readFileSync(file('key')), cert: readFileSync(file('cert')), file: file('cert') };
  }

  test('a receiver whose certificate nobody vouches for gets nothing', async () => {
    await using own = await startReceiver(200, certificateFor('IP:127.0.0.1'));
    expect(await send({ url: own.url })).toMatchObject({
      status: null,
      error: 'The request failed: DEPTH_ZERO_SELF_SIGNED_CERT.',
    });
    expect(own.received).toHaveLength(0);
  });

  test('an authority of one’s own is trusted, for the names that it vouches for', async () => {
    await using database = await createTestDatabase();
    const { file, ...tls } = certificateFor('DNS:localhost');
    await using own = await startReceiver(200, tls);
    await using gateway = await startChildGateway(database.url, {
      NODE_EXTRA_CA_CERTS: file,
      SLUICE_WEBHOOK_PRIVATE_NETWORKS: 'true',
    });
    const test = async (name: string, url: string) => {
      const { data } = await gateway.graphql<{
        sendTestEvent: { attempt: { status: number | null; error: string | null } };
      }>(`mutation {
        createWebhook(input: { name: "${name}", url: "${url}" }) { secret }
        sendTestEvent(input: { consumer: "${name}" }) { attempt { status error } }
      }`);
      return data!.sendTestEvent.attempt;
    };
    expect(await test('good', own.url.replace('127.0.0.1', 'localhost'))).toEqual({
      status: 200,
      error: null,
    });
    expect(await test('bad', own.url)).toEqual({
      status: null,
      error: 'The request failed: ERR_TLS_CERT_ALTNAME_INVALID.',
    });
    expect(own.received).toHaveLength(1);
  });
});
