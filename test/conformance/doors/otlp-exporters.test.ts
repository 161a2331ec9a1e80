/** OpenTelemetry's own exporters, unchanged but for address and key, while the gateway fails. */
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { SeverityNumber, type Logger } from '@opentelemetry/api-logs';
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startProxy, type Proxy } from '../../faults/proxy.ts';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

let gateway: TestGateway;
/** The way of the exporters to it. */
let proxy: Proxy;
/** How often an exporter said that it would try again. */
let retries = 0;
beforeAll(async () => {
  const pass = () => {};
  const verbose = (text: string) => {
    if (text.startsWith('Scheduling export retry')) retries += 1;
  };
  const logger = { error: pass, warn: pass, info: pass, debug: pass, verbose };
  diag.setLogger(logger, DiagLogLevel.VERBOSE);
  gateway = await startTestGateway();
  proxy = await startProxy(gateway.url);
});
afterAll(async () => {
  diag.disable();
  await proxy.stop();
  await gateway[Symbol.asyncDispose]();
});

const PATIENCE = { timeout: 60_000, interval: 50 };

interface Sender {
  readonly logger: Logger;
  /** Sends what was emitted, and hears whether it was taken. */
  flush(): Promise<void>;
}

const EXPORTERS = [
  ['protobuf', ProtobufExporter],
  ['JSON', JsonExporter],
] as const;
type Exporter = (typeof EXPORTERS)[number][1];

function sender(Exporter: Exporter, url: string, key: string): Sender {
  const exporter = new Exporter({
    ...{ url: `${url}/v1/logs`, headers: { authorization: `Bearer ${key}` } },
    // For slow machines: it gives up after 10 seconds by itself.
    timeoutMillis: 60_000,
  });
  const processor = new BatchLogRecordProcessor({
    ...{ exporter, exportTimeoutMillis: 60_000, scheduledDelayMillis: 600_000 },
    maxExportBatchSize: 40,
  });
  const resource = resourceFromAttributes({ 'service.name': 'shop', 'process.pid': 4_242 });
  const provider = new LoggerProvider({ resource, processors: [processor] });
  onTestFinished(() => provider.shutdown());
  return { logger: provider.getLogger('checkout', '1.2'), flush: () => provider.forceFlush() };
}

function emit({ logger }: Sender, count: number, eventName = 'order.placed'): void {
  for (let n = 0; n < count; n++) {
    logger.emit({
      ...{ eventName, severityNumber: SeverityNumber.INFO, severityText: 'INFO' },
      body: `Order ${n}`,
      attributes: { n, total: 1.5, tags: ['a', 'b'], nested: { deep: [1, 'x'] } },
    });
  }
}

interface Recorded {
  readonly description: string;
  readonly payload: Record<string, unknown>;
}

async function recorded(slug: string): Promise<Recorded[]> {
  const { workspace } = await gateway.data<{ workspace: { events: { nodes: Recorded[] } } }>(
    `query($slug: String!) { workspace(slug: $slug) {
      events(first: 500, order: { field: POSITION, direction: ASC }) { nodes {
        door type source description payload properties(names: ["n"]) { type values }
      } } } }`,
    { slug },
  );
  return workspace.events.nodes;
}

const numbers = (events: readonly Recorded[]) => events.map(({ payload }) => payload['n']);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe.each(EXPORTERS)('the exporter for %s', (_, Exporter) => {
  test('OTLP-X-1 MUST have its records taken, in their order and with their types', async () => {
    const { slug, key } = await gateway.workspace();
    const sending = sender(Exporter, proxy.url, key);
    emit(sending, 3);
    await sending.flush();
    const events = await recorded(slug);
    expect(numbers(events)).toEqual(upTo(3));
    expect(events[2]).toMatchObject({
      ...{ door: 'OTLP', type: 'order.placed', source: 'shop', description: 'Order 2' },
      properties: [{ type: 'LONG', values: ['2'] }],
      payload: {
        ...{ total: 1.5, tags: ['a', 'b'], nested: { deep: [1, 'x'] }, severityNumber: 9 },
        ...{ severityText: 'INFO', scope: { name: 'checkout', version: '1.2' } },
        resource: { 'service.name': 'shop', 'process.pid': 4_242 },
      },
    });
  });

  test('OTLP-X-2 MUST record each once, when the gateway is away and comes back', async () => {
    const { slug, key } = await gateway.workspace();
    const sending = sender(Exporter, proxy.url, key);
    emit(sending, 20);
    await proxy.shut();
    const before = retries;
    const flushed = sending.flush();
    await expect.poll(() => retries, PATIENCE).toBeGreaterThan(before);
    await proxy.open();
    await flushed;
    expect(numbers(await recorded(slug))).toEqual(upTo(20));
  });

  test('OTLP-X-3 MUST record each once, when the answer is lost on its way', async () => {
    const { slug, key } = await gateway.workspace();
    const sending = sender(Exporter, proxy.url, key);
    emit(sending, 20);
    proxy.weather = 'ANSWERS_LOST';
    const before = retries;
    const flushed = sending.flush();
    await expect.poll(async () => (await recorded(slug)).length, PATIENCE).toBe(20);
    proxy.weather = 'CLEAR';
    proxy.reset();
    await flushed;
    expect(retries).toBeGreaterThan(before);
    expect(numbers(await recorded(slug))).toEqual(upTo(20));
  });

  test('OTLP-X-4 MUST wait as 429 says, and send again', async () => {
    const { slug, key } = await gateway.workspace();
    const { databaseUrl } = gateway;
    const strict = await startTestGateway({ databaseUrl, config: { keyRequestsPerSecond: 0.1 } });
    onTestFinished(() => strict[Symbol.asyncDispose]());
    const sending = sender(Exporter, strict.url, key);
    emit(sending, 1);
    await sending.flush();
    const refused = await fetch(`${strict.url}/v1/logs`, {
      ...{ method: 'POST', body: '{}' },
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const before = retries;
    emit(sending, 1);
    await sending.flush();
    expect(retries).toBeGreaterThan(before);
    expect(numbers(await recorded(slug))).toEqual([0, 0]);
  });

  test('OTLP-X-5 MUST wait as 503 says while the database is away, and send again', async () => {
    const { slug, key } = await gateway.workspace();
    const database = await startProxy(gateway.databaseUrl);
    onTestFinished(() => database.stop());
    const fragile = await startTestGateway({ databaseUrl: database.url });
    onTestFinished(() => fragile[Symbol.asyncDispose]());
    const sending = sender(Exporter, fragile.url, key);
    emit(sending, 20);
    await database.shut();
    const asked = () =>
      fetch(`${fragile.url}/v1/logs`, {
        ...{ method: 'POST', body: '{}' },
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      });
    const refused = await asked();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const before = retries;
    const flushed = sending.flush();
    await expect.poll(() => retries, PATIENCE).toBeGreaterThan(before);
    await database.open();
    await flushed;
    expect(numbers(await recorded(slug))).toEqual(upTo(20));
  });

  test('OTLP-X-6 MUST record each once, when the gateway is killed and another takes its place', async () => {
    const { slug, key } = await gateway.workspace();
    await using first = await startChildGateway(gateway.databaseUrl);
    await using second = await startChildGateway(gateway.databaseUrl);
    const way = await startProxy(first.url);
    onTestFinished(() => way.stop());
    const sending = sender(Exporter, way.url, key);
    emit(sending, 400);
    const flushed = sending.flush();
    await expect.poll(async () => (await recorded(slug)).length, PATIENCE).toBeGreaterThan(0);
    first.process.kill('SIGKILL');
    way.target = second.url;
    await flushed;
    const sent = numbers(await recorded(slug)) as number[];
    expect(sent.toSorted((a, b) => a - b)).toEqual(upTo(400));
  });
});
