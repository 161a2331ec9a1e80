/** OTLP over HTTP: the log records of OpenTelemetry, as its exporters and collectors send them. */
import { GatewayError } from '../../core/errors.ts';
import type { ExactJson } from '../../core/exact-json.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { bearerOf, mediaTypeOf } from '../request.ts';
import { encodeError, isProtobuf, success } from './answer.ts';
import { readBatch } from './batch.ts';
import { JSON_TYPE, jsonFormat } from './json.ts';
import { PROTOBUF, protobufFormat } from './protobuf.ts';
import type { Format } from './wire.ts';

const PATH = '/v1/logs';

export function createOtlpDoor(): Door {
  return {
    name: 'OTLP',
    owns: path => path === PATH || path.startsWith(`${PATH}/`),
    credential: bearerOf,
    encodeError,
    routes: [{ method: 'POST', path: PATH, scope: 'EVENTS_WRITE', handle: post }],
  };
}

async function post(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const format = formatOf(request);
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const { events, places } = await readBatch(format);
  const receipts = events.length === 0 ? [] : await context.record(workspace, events, false);
  return success(request, receipts, places);
}

/** @throws GatewayError UNSUPPORTED_MEDIA_TYPE */
function formatOf(request: DoorRequest): Format {
  if (isProtobuf(request)) return protobufFormat(request.body);
  if (mediaTypeOf(request) === JSON_TYPE) return jsonFormat(() => request.json() as ExactJson);
  const message = `The Content-Type must be ${PROTOBUF} or ${JSON_TYPE}.`;
  throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', message);
}
