/**
 * The JSON format of OTLP: that of protobuf, but for ids in hexadecimal and enums as numbers.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import type { ExactJson, ExactObject } from '../../core/exact-json.ts';
import { isNumber } from '../../core/exact-number.ts';
import { isJsonObject } from '../../core/json.ts';
import { createTally, type Tally } from './tally.ts';
import {
  doubleForm,
  inOrder,
  isDefault,
  MESSAGE_DEPTH_MAX,
  REQUEST,
  Unreadable,
  type Field,
  type Format,
  type LogsRequest,
  type Message,
} from './wire.ts';

export const JSON_TYPE = 'application/json';

export function jsonFormat(body: () => ExactJson): Format {
  return {
    contentType: JSON_TYPE,
    readRequest: () => readWhole(body(), REQUEST) as LogsRequest,
    read: (unread, of) => readWhole(unread as ExactJson, of),
  };
}

function readWhole(value: ExactJson, of: Message): ExactObject {
  return readMessage(value, { of, path: [], tally: createTally() });
}

interface Place {
  readonly of: Message;
  readonly path: readonly (string | number)[];
  readonly tally: Tally;
}

/** Names that a newer version has are passed over. */
function readMessage(value: ExactJson, { of, path, tally }: Place): ExactObject {
  if (!isJsonObject(value)) throw refusal('an object', path);
  tally.count(of);
  if (path.length > 2 * MESSAGE_DEPTH_MAX) {
    throw new Unreadable(`Messages may be nested ${MESSAGE_DEPTH_MAX} deep.`, '');
  }
  const members: Record<string, ExactJson> = {};
  for (const field of of.fields) {
    const { name, isList } = field;
    const sent = Object.hasOwn(value, name) ? (value[name] as ExactJson) : null;
    // Null is as good as absent.
    if (sent === null) continue;
    const place = { of, path: [...path, name], tally };
    if (isList === true) {
      const values = readList(sent, field, place);
      if (values.length > 0) members[name] = values;
    } else {
      const read = readField(sent, field, place);
      if (of.isOneOf === true || !isDefault(read)) members[name] = read;
    }
  }
  if (of.isOneOf === true && Object.keys(members).length > 1) {
    throw refusal('one kind of value alone', path);
  }
  return members;
}

function readList(sent: ExactJson, field: Field, { of, path, tally }: Place) {
  if (!Array.isArray(sent)) throw refusal('a list', path);
  const values = (sent as readonly ExactJson[]).map((each, index) => {
    if (field.kind === 'unread') tally.countRecord();
    return readField(each, field, { of, path: [...path, index], tally });
  });
  return field.of?.().isKeyed === true ? inOrder(values) : values;
}

function readField(sent: ExactJson, field: Field, { path, tally }: Place): ExactJson {
  switch (field.kind) {
    case 'string':
      if (typeof sent !== 'string') throw refusal('a text', path);
      return sent;
    case 'bool':
      if (typeof sent !== 'boolean') throw refusal('true or false', path);
      return sent;
    case 'bytes':
      return base64Of(sent, path);
    case 'hex':
      if (typeof sent !== 'string' || !/^(?:[0-9a-f]{2})*$/i.test(sent)) {
        throw refusal('an id in hexadecimal', path);
      }
      return sent.toLowerCase();
    case 'int32':
      return Number(wholeNumber(sent, -(2n ** 31n), 2n ** 31n - 1n, path));
    case 'uint32':
    case 'fixed32':
      return Number(wholeNumber(sent, 0n, 2n ** 32n - 1n, path));
    case 'int64':
      return wholeNumber(sent, -(2n ** 63n), 2n ** 63n - 1n, path);
    case 'fixed64':
      return wholeNumber(sent, 0n, 2n ** 64n - 1n, path);
    case 'double':
      return doubleOf(sent, path);
    case 'unread':
      return sent;
    case 'message':
      return readMessage(sent, { of: (field.of as () => Message)(), path, tally });
  }
}

type Path = Place['path'];

/** As digits, whether it came as a number or as a text. */
function wholeNumber(sent: ExactJson, min: bigint, max: bigint, path: Path): string {
  const literal = isNumber(sent) ? String(sent) : sent;
  const expected = `a whole number from ${min} to ${max}`;
  if (typeof literal !== 'string' || !/^-?\d{1,20}$/.test(literal)) throw refusal(expected, path);
  const value = BigInt(literal);
  if (value < min || value > max) throw refusal(expected, path);
  return String(value);
}

const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const NAMED = /^(?:NaN|-?Infinity)$/;

/** To the nearest double, as whoever reads it would have it, but not from beyond its range. */
function doubleOf(sent: ExactJson, path: Path): ExactJson {
  const literal = isNumber(sent) ? String(sent) : sent;
  if (typeof literal !== 'string') throw refusal('a number', path);
  if (NAMED.test(literal)) return doubleForm(Number(literal));
  if (!DECIMAL.test(literal)) throw refusal('a number', path);
  const double = Number(literal);
  const isLost = double === 0 && /^[-0.]*[1-9]/.test(literal);
  if (!Number.isFinite(double) || isLost) {
    throw refusal('a number within the range of a 64-bit float, 5e-324 to 1.8e308', path);
  }
  return doubleForm(double);
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

function base64Of(sent: ExactJson, path: Path): string {
  if (typeof sent !== 'string' || !BASE64.test(sent)) throw refusal('bytes in base64', path);
  return Buffer.from(sent, 'base64').toString('base64');
}

function refusal(expected: string, path: Path): Unreadable {
  const pointer = path.map(step => `/${step}`).join('');
  return new Unreadable(`Expected ${expected}.`, pointer);
}
