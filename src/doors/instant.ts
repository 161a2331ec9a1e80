import { z } from 'zod';

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
