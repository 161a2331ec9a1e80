import type { DoorRequest } from './door.ts';

/** The token of `Authorization: Bearer …`, or null. */
export function bearerOf({ headers }: DoorRequest): string | null {
  return /^Bearer +(\S+) *$/i.exec(headers['authorization'] ?? '')?.[1] ?? null;
}
