/** Offers to upgrade, which are ignored, and other ways in which clients write a request's head. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

const run = promisify(execFile);

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'sluice-upgrade-'));
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
const KEY = `Authorization: Bearer ${ADMIN_KEY}\r\n`;
const head = (line: string, headers = '') =>
  `${line} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

/** Sends pieces over one connection, each once the answers so far have come, and reads all of it. */
async function exchange(pieces: readonly string[], answers: readonly number[]): Promise<string> {
  const socket: Socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', chunk => (text += String(chunk)));
  const count = () => text.split('HTTP/1.1 ').length - 1;
  for (const [index, piece] of pieces.entries()) {
    socket.write(piece);
    await expect.poll(count, { timeout: 30_000 }).toBeGreaterThanOrEqual(answers[index]!);
  }
  socket.destroy();
  return text;
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, code]) => code);

describe('an offer that is not taken is ignored', () => {
  test.for([
    ['GET /health/ready', '200'],
    ['GET /health/live', '200'],
    ['HEAD /health/live', '200'],
    ['GET /', '404'],
    ['GET /graphql?query=%7B__typename%7D', '200'],
    ['GET /metrics', '200'],
    ['GET /cloudevents', '200'],
    ['GET /api/v3/events/events/', '200'],
    ['GET /api/v2/usage/events/definitions', '200'],
    ['GET /v1/workspace/default/events', '200'],
    ['GET /nothing', '404'],
  ] as const)('at %s', async ([line, status]) => {
    // The console is built or not: what counts is that the offer changes nothing.
    const plain = await exchange([head(line, KEY)], [1]);
    if (line !== 'GET /') expect(statuses(plain)).toEqual([status]);
    for (const offer of [H2C, 'Connection: upgrade\r\nUpgrade: TLS/1.0, HTTP/2.0\r\n']) {
      expect(statuses(await exchange([head(line, KEY + offer)], [1]))).toEqual(statuses(plain));
    }
  });

  test('for a WebSocket, too, where none is served', async () => {
    const offer = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const text = await exchange([head('GET /health/ready', offer + key)], [1]);
    expect(statuses(text)).toEqual(['200']);
  });

  test('with a body, in pieces, again and again on one connection, and among requests without', async () => {
    const query =
      'mutation { recordEvent(input: { event: { type: "upgrade" } }) { receipt { status } } }';
    const body = JSON.stringify({ query });
    const json = `${KEY}${H2C}Content-Type: application/json\r\n`;
    const whole = head('POST /graphql', `${json}Content-Length: ${body.length}\r\n`) + body;
    const chunked = head('POST /graphql', `${json}Transfer-Encoding: chunked\r\n`);
    const half = body.length >> 1;
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const text = await exchange(
      [
        ...Array.from({ length: 12 }, () => whole),
        head('GET /health/live'),
        chunked + chunk(body.slice(0, half)),
        `${chunk(body.slice(half))}0\r\n\r\n`,
        // All at once: each is answered, in order.
        whole +
          head('GET /health/live', H2C) +
          head('GET /nothing', H2C) +
          head('GET /health/live'),
      ],
      [...Array.from({ length: 12 }, (_, n) => n + 1), 13, 13, 14, 18],
    );
    const [ok, live] = ['200', '200'];
    expect(statuses(text)).toEqual([
      ...Array.from({ length: 12 }, () => ok),
      ...[live, ok, ok, live, '404', live],
    ]);
    expect(text.split('"status":"RECORDED"').length - 1).toBe(14);
    const { events } = await gateway.data<{ events: { totalCount: number } }>(
      '{ events(filter: { types: ["upgrade"] }) { totalCount } }',
    );
    expect(events.totalCount).toBe(14);
  });

  test('and its connection is counted once, however often it offers', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on('warning', onWarning);
    const asks = Array.from({ length: 30 }, () => head('GET /health/live', H2C));
    const text = await exchange(
      asks,
      asks.map((_, at) => at + 1),
    );
    process.off('warning', onWarning);
    expect(statuses(text)).toEqual(asks.map(() => '200'));
    // Node warns of listeners that pile up: what is held of a connection does not grow.
    expect(warnings).toEqual([]);
  });

  test('and a WebSocket is still opened at /graphql', async () => {
    const socket = new WebSocket(
      `${gateway.url.replace('http', 'ws')}/graphql/`,
      'graphql-transport-ws',
    );
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.close();
  });
});

describe('a WebSocket that cannot be opened is refused with a code', () => {
  const offer = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  const nonce = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const version = 'Sec-WebSocket-Version: 13\r\n';
  test.for([
    ['no key', version, 'Sec-WebSocket-Key'],
    ['a key that is none', `${version}Sec-WebSocket-Key: short\r\n`, 'Sec-WebSocket-Key'],
    ['no version', nonce, 'Sec-WebSocket-Version'],
    ['a version of tomorrow', `${nonce}Sec-WebSocket-Version: 14\r\n`, 'Sec-WebSocket-Version'],
    [
      'protocols that are none',
      `${nonce}${version}Sec-WebSocket-Protocol: ,\r\n`,
      'Sec-WebSocket-Protocol',
    ],
  ] as const)('%s', async ([, headers, named]) => {
    const text = await exchange([head('GET /graphql', offer + headers)], [1]);
    const [top, body] = text.split('\r\n\r\n') as [string, string];
    expect(top).toMatch(/^HTTP\/1.1 400 /);
    expect(top).toMatch(/^sec-websocket-version: 13, 8\r$/m);
    const { errors } = JSON.parse(body);
    expect(errors).toEqual([
      { message: expect.stringContaining(named), extensions: { code: 'BAD_REQUEST' } },
    ]);
  });
});

const has = (command: string, ...args: string[]) => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch {
    return '';
  }
};

test.runIf(has('curl', '--version').includes('HTTP2'))('curl --http2 is answered', async () => {
  for (const [path, code] of [
    ['/health/ready', '200'],
    ['/graphql?query=%7B__typename%7D', '200'],
    ['/nothing', '404'],
  ] as const) {
    const args = ['-s', '--http2', '-o', '/dev/null', '-w', '%{http_code}', gateway.url + path];
    expect((await run('curl', args)).stdout).toBe(code);
  }
});

const JAVA = `
import java.net.URI;
import java.net.http.*;
public class Client {
  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (int n = 0; n < 3; n++) {
      HttpRequest post = HttpRequest.newBuilder(URI.create(args[0] + "/graphql"))
        .header("content-type", "application/json").header("authorization", "Bearer " + args[1])
        .POST(HttpRequest.BodyPublishers.ofString(args[2])).build();
      HttpResponse<String> posted = client.send(post, HttpResponse.BodyHandlers.ofString());
      System.out.println(posted.statusCode() + " " + posted.body());
      HttpRequest get = HttpRequest.newBuilder(URI.create(args[0] + "/health/ready")).build();
      System.out.println(client.send(get, HttpResponse.BodyHandlers.ofString()).statusCode());
    }
    HttpRequest asynchronous = HttpRequest.newBuilder(URI.create(args[0] + "/health/live")).build();
    System.out.println(client.sendAsync(asynchronous, HttpResponse.BodyHandlers.ofString()).get().statusCode());
    client.newWebSocketBuilder().subprotocols("graphql-transport-ws")
      .buildAsync(URI.create(args[0].replace("http", "ws") + "/graphql"), new WebSocket.Listener() {}).get().abort();
    System.out.println("WebSocket open");
  }
}`;

test.runIf(has('java', '--list-modules').includes('jdk.compiler'))(
  'the client of the JDK, with all its defaults, records and reads',
  async () => {
    const file = join(folder, 'Client.java');
    writeFileSync(file, JAVA);
    const query =
      'mutation { recordEvent(input: { event: { type: "jdk" } }) { receipt { status } } }';
    const args = [file, gateway.url, ADMIN_KEY, JSON.stringify({ query })];
    const { stdout } = await run('java', args, { timeout: 60_000 });
    const recorded = '200 {"data":{"recordEvent":{"receipt":{"status":"RECORDED"}}}}';
    expect(stdout.trim().split('\n')).toEqual([
      ...[recorded, '200', recorded, '200', recorded, '200'],
      ...['200', 'WebSocket open'],
    ]);
  },
);

describe('the target of a request', () => {
  test.for([
    ['GET http://localhost/health/ready', '200'],
    ['GET HTTP://localhost:4000/health/ready?x=1', '200'],
    ['GET https://localhost/health/ready', '200'],
    ['GET http://localhost/graphql?query=%7B__typename%7D', '200'],
    ['GET http://localhost/cloudevents?limit=1', '200'],
    ['GET http://localhost/nothing', '404'],
    ['GET http://a b/health/ready', '400'],
    ['GET http://user@localhost/health/ready', '400'],
    ['GET ftp://localhost/health/ready', '400'],
  ] as const)('may be absolute: %s', async ([line, status]) => {
    expect(statuses(await exchange([head(line, KEY)], [1]))).toEqual([status]);
    expect(statuses(await exchange([head(line, KEY + H2C)], [1]))).toEqual([status]);
  });

  test.for([
    '/health/live/',
    '/health/ready/',
    '/graphql/?query=%7B__typename%7D',
    '/metrics/',
    '/cloudevents/',
    '/cloudevents/?limit=1',
    '/cloudevents//',
    '/api/v3/events/events/',
    '/api/v3//events/events/',
    '/api/v3/events/events',
    '/api/v3/events/events/actions/',
    '/api/v2/usage/events/definitions/',
    '/v1/workspace/default/events/',
    '/v1/workspace/default/events/targets/',
    '/event-stream/?count=1',
    '/api/events/?count=1',
  ])('may end in a slash: %s', async path => {
    const answer = await fetch(gateway.url + path, {
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'logspace.space-token': ADMIN_KEY },
    });
    expect(answer.status, await answer.text()).toBe(200);
  });

  test.for([
    ['/graphql/', { query: '{ __typename }' }, 200],
    ['/api/event/', { workspace: 'default', event: 'e' }, 200],
    ['/v1/workspace/default/events/', [], 200],
    ['/api/v2/usage/events/query/', { interval: '2026-01-01/2026-01-02' }, 200],
    ['/api/v3/events/events/', { action: 'login', app: 'a' }, 201],
  ] as const)('may end in a slash: POST %s', async ([path, body, status]) => {
    const answer = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status, await answer.text()).toBe(status);
  });

  test('may end in a slash where tokens are given out', async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      'mutation { createApiKey(input: { name: "t", scopes: [EVENTS_READ] }) { secret } }',
    );
    const basic = Buffer.from(`${createApiKey.secret.slice(0, 12)}:${createApiKey.secret}`);
    const answer = await fetch(`${gateway.url}/oauth/token/`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic.toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    expect(await answer.json()).toHaveProperty('access_token');
  });
});
