import { beginTracing } from './trace.ts';

/** What ends tracing: sends what is left, and no longer traces. */
export type StopTracing = () => Promise<void>;

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
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  beginTracing();
  return () => provider.shutdown();
}
