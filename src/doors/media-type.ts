import { GatewayError } from '../core/errors.ts';
import type { DoorRequest } from './door.ts';

/** Without parameters, in lower case; empty where there is none. */
export function mediaTypeOf({ headers }: DoorRequest): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** @throws GatewayError UNSUPPORTED_MEDIA_TYPE for a body that does not say it is JSON. */
export function requireJson(request: DoorRequest): void {
  if (request.headers['content-type'] === 'application/json') return;
  const type = mediaTypeOf(request);
  if (type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type)) return;
  const came = type === '' ? 'none came' : `"${type}" came`;
  const message = `The Content-Type must be application/json, but ${came}.`;
  throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', message);
}
