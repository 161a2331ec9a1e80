/** The types of columns that several tables have, under names that say what they hold. */
import { bigint, customType, jsonb, timestamp } from 'drizzle-orm/pg-core';

/** Times are cut to milliseconds once, in `core`. */
export const instant = <Name extends string>(name: Name) =>
  timestamp(name, { withTimezone: true, precision: 3 });

/** Counts and positions, which a double holds. */
export const count = <Name extends string>(name: Name) => bigint(name, { mode: 'number' });

/** The driver gives JSON as text, with all digits of its numbers. */
export const jsonText = <Name extends string>(name: Name) => jsonb(name).$type<string>();

/** Statements read and write it as base64: see `bytesOf` in `evidence`. */
export const bytes = customType<{ data: string }>({ dataType: () => 'bytea' });
