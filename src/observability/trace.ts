/**
 * Spans of what the gateway does. Without a provider (see `tracing.ts`) the calls of
 * `@opentelemetry/api` do nothing.
 */
import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from '@opentelemetry/api';

const tracer = trace.getTracer('sluice');

/** Runs `work` in a span of its own; one that is refused or fails is marked as failed. */
export function traced<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async span => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).name });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The headers of an HTTP request, by lower-case name. */
export type Carrier = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Runs `handle` in the span of an HTTP request, as a part of the trace that the caller's
 * `traceparent` names (https://www.w3.org/TR/trace-context/). The span is ended by who handles.
 */
export function inRequestSpan<T>(
  { name, headers, attributes }: { name: string; headers: Carrier; attributes: Attributes },
  handle: (span: Span) => T,
): T {
  const parent = propagation.extract(context.active(), headers);
  const options = { kind: SpanKind.SERVER, attributes };
  return tracer.startActiveSpan(name, options, parent, handle);
}

/** Marks a request's span with its answer, and ends it. */
export function endRequestSpan(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
