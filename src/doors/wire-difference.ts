/**
 * What a mapping can't invert, found by trying: a body as it came is compared with the one that
 * its event would be given back as, and only what differs is kept, in `EventInput.wire`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';

/** @returns what `restored` puts right, or null where there is nothing to put right. */
export function differenceOf(sent: ExactObject, derived: ExactObject): JsonObject | null {
  const differing: [string, Json][] = [];
  const absent: string[] = [];
  for (const name of Object.keys(sent)) {
    const value = sent[name] as Json;
    if (!isSame(value, Object.hasOwn(derived, name) ? derived[name] : undefined)) {
      differing.push([name, value]);
    }
  }
  for (const name of Object.keys(derived)) if (!Object.hasOwn(sent, name)) absent.push(name);
  if (differing.length === 0 && absent.length === 0) return null;
  return {
    ...(differing.length === 0 ? {} : { sent: Object.fromEntries(differing) }),
    ...(absent.length === 0 ? {} : { absent }),
  };
}

function isSame(a: ExactJson, b: ExactJson | undefined): boolean {
  return Object.is(a, b) || (typeof a === 'object' && isDeepStrictEqual(a, b));
}

/** The body as it came. What is kept of an event from elsewhere is not a difference of ours. */
export function restored(derived: ExactObject, wire: Json | null): ExactObject {
  if (!isJsonObject(wire)) return derived;
  const absent = new Set(Array.isArray(wire['absent']) ? wire['absent'] : []);
  const kept = Object.entries(derived).filter(([name]) => !absent.has(name));
  const sent = isJsonObject(wire['sent']) ? Object.entries(wire['sent']) : [];
  return Object.fromEntries([...kept, ...sent]);
}
