/**
 * The content modes of the HTTP binding: from a request to events in the JSON format. The
 * published SDK is not used for this: it makes up an id and a time where none came (so that a
 * retry is another event), cuts times and numbers, drops data that is 0, false or empty, and
 * does not decode headers. `test/unit/doors/cloudevents-sdk.test.ts` shows each of these.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
import { GatewayError } from '../../core/errors.ts';
import type { ExactJson } from '../../core/exact-json.ts';
import { LIMITS } from '../../core/limits.ts';
import type { DoorRequest } from '../door.ts';
import { mediaTypeOf } from '../request.ts';
import { checkCloudEvent, type CloudEvent } from './wire.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const STRUCTURED = 'application/cloudevents+json';
export const BATCHED = 'application/cloudevents-batch+json';

/** @throws GatewayError BAD_REQUEST, BAD_USER_INPUT, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE */
export function readEvents(request: DoorRequest): CloudEvent[] {
  const type = mediaTypeOf(request);
  if (type === STRUCTURED) return [checkCloudEvent(jsonOf(request))];
  if (type === BATCHED) return readBatch(jsonOf(request));
  const isBinary = request.headers['ce-specversion'] !== undefined;
  if (type.startsWith('application/cloudevents') || !isBinary) {
    const message = `Expected a CloudEvent: as ${STRUCTURED}, as ${BATCHED}, or with ce- headers.`;
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', message);
  }
  return [checkCloudEvent({ ...attributesOf(request), ...dataOf(request, type) })];
}

function readBatch(batch: ExactJson): CloudEvent[] {
  if (!Array.isArray(batch)) {
    throw new GatewayError('BAD_USER_INPUT', 'A batch is a JSON list of CloudEvents.');
  }
  if (batch.length > LIMITS.batchEventsMax) {
    const message = `A batch has at most ${LIMITS.batchEventsMax} events.`;
    throw new GatewayError('PAYLOAD_TOO_LARGE', message);
  }
  return batch.map(checkCloudEvent);
}

function jsonOf(request: DoorRequest): ExactJson {
  return request.json() as ExactJson;
}

function attributesOf(request: DoorRequest): CloudEvent {
  const { headers } = request;
  const attributes: [string, string][] = [];
  // Node joins some, and drops others: what was meant, nobody can tell.
  const twice = request
    .repeatedHeaders()
    .find(name => name.startsWith('ce-') || name === 'content-type');
  if (twice !== undefined) {
    throw new GatewayError('BAD_REQUEST', `${twice}: the header comes twice, and has one value.`);
  }
  const said = headers['ce-datacontenttype'];
  if (said !== undefined && said !== headers['content-type']) {
    const message = 'ce-datacontenttype: the type of the data is the Content-Type, which differs.';
    throw new GatewayError('BAD_REQUEST', message);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-') || value === undefined) continue;
    const attribute = name.slice(3);
    if (attribute === 'data' || attribute === 'data_base64') {
      throw new GatewayError(
        'BAD_REQUEST',
        `${name}: a header must not have data. The body is the data.`,
      );
    }
    // The type of data is the Content-Type.
    if (attribute !== 'datacontenttype') attributes.push([attribute, headerText(name, value)]);
  }
  const type = headers['content-type'];
  if (type !== undefined) {
    const text = utf8Text('content-type', Buffer.from(type, 'latin1'));
    attributes.push(['datacontenttype', text]);
  }
  return Object.fromEntries(attributes);
}

/**
 * A quoted string is unquoted, then percent-encoding undone once. What comes of it is UTF-8, whether
 * it was encoded or, as many senders do it, not.
 * @throws GatewayError BAD_REQUEST for anything else: the binding forbids to guess
 */
function headerText(name: string, value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value.trim())?.[1];
  const text = quoted === undefined ? value : quoted.replaceAll(/\\(.)/g, '$1');
  const decoded = text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  // Node gives the bytes of a header as latin1.
  return utf8Text(name, Buffer.from(decoded, 'latin1'));
}

/** @throws GatewayError BAD_REQUEST */
function utf8Text(name: string, bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    const message = `${name}: a header must be UTF-8, raw or percent-encoded.`;
    throw new GatewayError('BAD_REQUEST', message, { cause });
  }
}

/** JSON as JSON, text as a string, and all else as base64: no byte is lost. */
function dataOf(request: DoorRequest, type: string): CloudEvent {
  if (request.body.length === 0) return {};
  if (/^(application|text)\/(json|[\w.-]+\+json)$/.test(type)) return { data: jsonOf(request) };
  const text = /^text\/|[/+]xml$/.test(type) ? decodedText(request) : null;
  return text === null ? { data_base64: request.body.toString('base64') } : { data: text };
}

function decodedText({ body, headers }: DoorRequest): string | null {
  const charset = /;\s*charset="?([\w-]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) return null;
  try {
    return utf8.decode(body);
  } catch {
    return null;
  }
}
