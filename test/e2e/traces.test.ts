import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { startChildGateway } from '../kit/child-gateway.ts';
import { createTestDatabase } from '../kit/database.ts';
import { freePort } from '../kit/free-port.ts';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** What an OpenTelemetry collector takes in over HTTP, of it the spans. */
async function startCollector() {
  const spans: Span[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', chunk => (body += chunk));
    req.on('end', () => {
      const { resourceSpans } = JSON.parse(body);
      for (const { scopeSpans } of resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    spans,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())),
  };
}

test('a request and its statements are spans of the trace that the caller began', async () => {
  await using collector = await startCollector();
  await using database = await createTestDatabase();
  await using gateway = await startChildGateway(database.url, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const parent = 'b7ad6b7169203331';
  await gateway.graphql(
    '{ workspaces(first: 1) { nodes { slug } } }',
    {},
    {
      traceparent: `00-${traceId}-${parent}-01`,
    },
  );
  const ours = () => collector.spans.filter(span => span.traceId === traceId);
  await expect.poll(() => ours().map(({ name }) => name)).toContain('POST graphql');
  const request = ours().find(({ name }) => name === 'POST graphql');
  expect(request?.parentSpanId).toBe(parent);
  for (const lane of ['lookup', 'read']) {
    const statement = ours().find(({ name }) => name === `postgres ${lane}`);
    expect(statement?.parentSpanId).toBe(request?.spanId);
  }
});

test.each(['silent', 'away'])(
  'a collector that is %s is told in the log once, and keeps no gateway from ending in order',
  async state => {
    const silent = createServer(() => {});
    const port = await freePort();
    if (state === 'silent') await new Promise<void>(r => silent.listen(port, '127.0.0.1', r));
    await using database = await createTestDatabase();
    await using gateway = await startChildGateway(database.url, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    });
    await gateway.graphql('{ workspaces { totalCount } }');
    const beganMs = performance.now();
    gateway.process.kill('SIGTERM');
    expect(await once(gateway.process, 'exit')).toEqual([0, null]);
    // By itself it waits ten seconds, or as long as six attempts take.
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect(gateway.log().match(/"msg":"traces: [^"]+/g)).toEqual([
      '"msg":"traces: the last were not sent within 2000 ms',
    ]);
    silent.closeAllConnections();
    silent.close();
  },
);

test('of a collector that takes no spans the log tells once', async () => {
  let asked = 0;
  const refusing = createServer((req, res) => {
    asked += 1;
    req.resume();
    res.writeHead(400).end();
  });
  const port = await freePort();
  await new Promise<void>(resolve => refusing.listen(port, '127.0.0.1', resolve));
  await using database = await createTestDatabase();
  await using gateway = await startChildGateway(database.url, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  for (const least of [1, 2, 3]) {
    await gateway.graphql('{ workspaces { totalCount } }');
    await expect.poll(() => asked).toBeGreaterThanOrEqual(least);
  }
  await expect.poll(gateway.log).toContain('the collector took none: ');
  expect(gateway.log().match(/traces: /g)).toHaveLength(1);
  refusing.closeAllConnections();
  refusing.close();
});
