/**
 * Spans of what the gateway does. Until there is a provider (see `tracing.ts`) nothing is asked of
 * `@opentelemetry/api`, which takes its time to do nothing.
 */
import {
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from '@opentelemetry/api';

const tracer = trace.getTracer('sluice');
const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
let isTracing = false;

/** From now on spans are made. */
export function beginTracing(): void {
  isTracing = true;
}

/** Runs `work` in a span of its own; one that is refused or fails is marked as failed. */
export function traced<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  if (!isTracing) return work();
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
  if (!isTracing) return handle(NO_SPAN);
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
