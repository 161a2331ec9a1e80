import { diag, DiagLogLevel } from '@opentelemetry/api';
import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './log.ts';
import { beginTracing } from './trace.ts';

/** What ends tracing: sends what is left, and no longer traces. */
export type StopTracing = () => Promise<void>;

/** For the last spans: a collector that is away or silent does not keep the gateway from ending. */
const STOP_WITHIN_MS = 2_000;

/** Lets OpenTelemetry warn in the log. It has one voice in a process, whose start gives it. */
export function tellOfTracing(log: Logger): void {
  const mute = () => {};
  const warn = (message: string) => log.warn({}, `traces: ${message}`);
  // Its errors are those of each batch, of which `tellingFirst` tells the first.
  const voice = { error: mute, warn, info: mute, debug: mute, verbose: mute };
  diag.setLogger(voice, DiagLogLevel.WARN);
}

/**
 * Sends spans by OTLP over HTTP. Endpoint, headers, sampler and resource are read from the
 * standard variables by the packages themselves
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 * Loaded only here, so that a gateway without traces does not pay for them.
 */
export async function startTracing(version: string): Promise<StopTracing> {
  const [sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const own = resources.resourceFromAttributes({
    'service.name': 'sluice',
    'service.version': version,
  });
  // What the environment says comes last, and so counts.
  const given = resources.detectResources({ detectors: [resources.envDetector] });
  const provider = new sdk.NodeTracerProvider({
    resource: resources.defaultResource().merge(own).merge(given),
    spanProcessors: [new sdk.BatchSpanProcessor(tellingFirst(new OTLPTraceExporter()))],
  });
  provider.register();
  beginTracing();
  return () => within(provider.shutdown());
}

/** Warns of the first failure of a row of them. */
function tellingFirst(exporter: OTLPTraceExporter): OTLPTraceExporter {
  const send = exporter.export.bind(exporter);
  let isFailing = false;
  exporter.export = (spans, done) =>
    send(spans, result => {
      const { error } = result;
      if (error !== undefined && !isFailing) diag.warn(`the collector took none: ${why(error)}`);
      isFailing = error !== undefined;
      done(result);
    });
  return exporter;
}

function why(error: Error & { code?: unknown }): string {
  // Where a name has several addresses, the error of them all has no message.
  return error.message || String(error.code ?? error.name);
}

/** Spans that are lost are no fault of an end in order. */
async function within(stopping: Promise<void>): Promise<void> {
  const abort = new AbortController();
  const late = sleep(STOP_WITHIN_MS, true, { signal: abort.signal }).catch(() => false);
  // What failed was told by the exporter.
  const isLate = await Promise.race([stopping.then(() => false).catch(() => false), late]);
  abort.abort();
  if (isLate) diag.warn(`the last were not sent within ${STOP_WITHIN_MS} ms`);
}
