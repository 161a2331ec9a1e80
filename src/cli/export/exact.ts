/** An event as it was recorded, in the form in which `import` and `recordEvents` take it. */
import type { JsonObject, PropertyInput, RecordedEvent } from '../../client/index.ts';

interface StoredProperty {
  readonly name: string;
  readonly type: string;
  readonly values: readonly string[];
}

export interface ReadEvent extends RecordedEvent {
  readonly properties: readonly StoredProperty[];
}

export type ExportedEvent = Readonly<Record<string, unknown>>;

/**
 * What is null is left out. A payload value whose type its JSON does not tell, such as a 64-bit
 * integer or an instant, stands in `properties`: nothing is lost on the way back. An event that
 * can't be read stands there with its place and its problems, and without a payload.
 */
export function exported({ unreadable, ...event }: ReadEvent): ExportedEvent {
  if (unreadable.length === 0) return whole(event);
  const { payload, properties, ...rest } = whole(event);
  const isShown = unreadable.every(({ pointer }) => pointer !== '/payload');
  return { ...rest, ...(isShown && { payload, properties }), unreadable };
}

function whole({
  eventId,
  payload,
  properties,
  notify,
  ...event
}: Omit<ReadEvent, 'unreadable'>): ExportedEvent {
  const exact = exactOf(payload, properties);
  const fields: ExportedEvent = {
    ...{ id: eventId, ...event, ...(notify && { notify }) },
    payload: exact.payload,
    ...(exact.properties.length > 0 && { properties: exact.properties }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function exactOf(payload: JsonObject, properties: readonly StoredProperty[]) {
  const inexact = properties.filter(property => {
    const value = payload[property.name];
    // A list of one would come back as its only value.
    const isListOfOne = Array.isArray(value) && property.values.length === 1;
    return property.type !== 'JSON' && !isListOfOne && inferredType(value) !== property.type;
  });
  if (inexact.length === 0) return { payload, properties: [] };
  const inputs = inexact.flatMap(({ name, type, values }) =>
    values.map(value => inputOf(name, type, value)),
  );
  // JSON has no NaN and no infinity: such a value stays as the text that the payload shows.
  if (inputs.some(input => input === null)) return { payload, properties: [] };
  const moved = new Set(inexact.map(({ name }) => name));
  const rest = Object.entries(payload).filter(([name]) => !moved.has(name));
  return { payload: Object.fromEntries(rest), properties: inputs as PropertyInput[] };
}

const INT32_MAX = 2_147_483_647;
const WIDTH = ['INTEGER', 'LONG', 'DOUBLE'];

/** The type that the gateway would read from the JSON; null for none. */
function inferredType(value: unknown): string | null {
  if (Array.isArray(value)) {
    const types = [...new Set(value.map(inferredType))];
    if (types.length === 1) return types[0] ?? null;
    const widths = types.map(type => WIDTH.indexOf(type ?? ''));
    return widths.includes(-1) ? null : (WIDTH[Math.max(...widths)] ?? null);
  }
  if (typeof value === 'string') return 'STRING';
  if (typeof value === 'boolean') return 'BOOLEAN';
  if (typeof value !== 'number') return null;
  if (!Number.isSafeInteger(value)) return 'DOUBLE';
  return value >= -INT32_MAX - 1 && value <= INT32_MAX ? 'INTEGER' : 'LONG';
}

function inputOf(name: string, type: string, value: string): PropertyInput | null {
  switch (type) {
    case 'BOOLEAN':
      return { boolean: { name, value: value === 'true' } };
    case 'DATE':
      return { date: { name, value } };
    case 'DOUBLE':
      return Number.isFinite(Number(value)) ? { double: { name, value: Number(value) } } : null;
    case 'FLOAT':
      return Number.isFinite(Number(value)) ? { float: { name, value: Number(value) } } : null;
    case 'INTEGER':
      return { integer: { name, value: Number(value) } };
    case 'LONG':
      return { long: { name, value } };
    default:
      return { string: { name, value } };
  }
}
