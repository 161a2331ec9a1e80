/** What all doors read of a request in the same way. */
import { z } from 'zod';
import { GatewayError } from '../core/errors.ts';
import { bearerToken } from '../core/principal.ts';
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

/** The token of `Authorization: Bearer …`, or null. */
export function bearerOf({ headers }: DoorRequest): string | null {
  return bearerToken(headers['authorization']);
}

const upperCased = z.iso.datetime({ offset: true });

/**
 * The instant of a text in RFC 3339, whose `t` and `z` may be small letters, cut to milliseconds. Null
 * for any other text, such as one without a zone, and for a leap second (:60), which no clock here can
 * hold: no door takes one, nor does GraphQL.
 */
export function parseInstant(text: string): Date | null {
  const upper = text.toUpperCase();
  return upperCased.safeParse(upper).success ? new Date(upper) : null;
}

/** The user name of `Authorization: Basic …`, also where no password follows it, or null. */
export function basicUserOf(request: DoorRequest): string | null {
  const [user = ''] = basicOf(request)?.split(':', 1) ?? [];
  return user === '' ? null : user;
}

/** The user name and password of `Authorization: Basic …`, with a colon between them, or null. */
export function basicOf({ headers }: Pick<DoorRequest, 'headers'>): string | null {
  const encoded = /^Basic\s+([\w+/=-]+)\s*$/i.exec(headers['authorization'] ?? '')?.[1];
  return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString();
}
