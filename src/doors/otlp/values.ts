/** Attributes and their values ↔ properties and JSON. Pure. */
import type { EventInput, EventProperty, PropertyType, PropertyTypes } from '../../core/event.ts';
import type { ExactJson, ExactObject } from '../../core/exact-json.ts';
import { exactNumber, isNumber } from '../../core/exact-number.ts';
import { numberType } from '../../core/typed-properties.ts';
import { inOrder, type AnyValue, type KeyValue } from './wire.ts';

/** Each key once, which is the rule of OTLP: what comes again under a key is passed over. */
export function firsts(attributes: readonly KeyValue[]): Map<string, AnyValue> {
  const values = new Map<string, AnyValue>();
  for (const { key = '', value = {} } of attributes) if (!values.has(key)) values.set(key, value);
  return values;
}

type Property = NonNullable<EventInput['properties']>[number];

/** Null for what has no single type: it is JSON in the payload. */
export function propertyOf(name: string, value: AnyValue): Property | null {
  const items = itemsOf(value);
  const values = items ?? [value];
  const type = typeOf(values[0]);
  if (type === null || values.some(each => typeOf(each) !== type)) return null;
  return { name, type, values: values.map(each => String(plainOf(each))), isList: items !== null };
}

const TYPES: Readonly<Record<string, PropertyType>> = {
  stringValue: 'STRING',
  boolValue: 'BOOLEAN',
  intValue: 'LONG',
  doubleValue: 'DOUBLE',
  bytesValue: 'STRING',
};

function typeOf(value: AnyValue | undefined): PropertyType | null {
  return TYPES[kindOf(value ?? {})] ?? null;
}

function kindOf(value: AnyValue): string {
  return Object.keys(value)[0] ?? '';
}

/** Of a list; null for anything else. */
function itemsOf({ arrayValue }: AnyValue): readonly AnyValue[] | null {
  if (arrayValue === undefined) return null;
  return ((arrayValue as ExactObject)['values'] ?? []) as readonly AnyValue[];
}

/** As JSON. Bytes are base64, and NaN and the infinities are texts. */
export function plainOf(value: AnyValue): ExactJson {
  const items = itemsOf(value);
  if (items !== null) return items.map(plainOf);
  const { intValue, doubleValue, kvlistValue } = value;
  if (intValue !== undefined) return exactNumber(intValue as string);
  if (doubleValue === '-0') return 0;
  if (kvlistValue !== undefined) {
    return plainAttributes((kvlistValue as ExactObject)['values'] as readonly KeyValue[]);
  }
  return value[kindOf(value)] ?? null;
}

export function plainAttributes(attributes: readonly KeyValue[] = []): ExactObject {
  return Object.fromEntries([...firsts(attributes)].map(([key, value]) => [key, plainOf(value)]));
}

/** What JSON would be as a value. Without a type numbers are what their digits say. */
export function anyValueOf(value: ExactJson, type?: PropertyType): AnyValue {
  if (value === null) return {};
  if (typeof value === 'boolean') return { boolValue: value };
  if (isNumber(value)) {
    const literal = String(value);
    const isDouble = (type ?? numberType(literal)) === 'DOUBLE';
    return isDouble ? { doubleValue: Number(literal) } : { intValue: literal };
  }
  if (typeof value === 'string') {
    return type === 'DOUBLE' ? { doubleValue: value } : { stringValue: value };
  }
  if (Array.isArray(value)) {
    const values = (value as readonly ExactJson[]).map(each => anyValueOf(each, type));
    return { arrayValue: values.length === 0 ? {} : { values } };
  }
  const attributes = attributesOf(Object.entries(value));
  return { kvlistValue: attributes === undefined ? {} : { values: attributes } };
}

/** Undefined for none. */
export function attributesOf(
  members: readonly (readonly [name: string, value: ExactJson])[],
  types: PropertyTypes | null = null,
): readonly KeyValue[] | undefined {
  if (members.length === 0) return undefined;
  const attributes = members.map(([key, value]) => {
    const mark = types !== null && Object.hasOwn(types, key) ? types[key] : undefined;
    const type = typeof mark === 'string' ? mark : undefined;
    return { ...(key === '' ? {} : { key }), value: anyValueOf(value, type) };
  });
  return inOrder(attributes) as readonly KeyValue[];
}

/** What is kept beside the payload of these, or needn't be. */
export function typesOf(properties: readonly EventProperty[]): PropertyTypes {
  return Object.fromEntries(properties.map(({ name, type }) => [name, type]));
}
