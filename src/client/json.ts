/**
 * JavaScript values as JSON, for all that the client sends. `JSON.stringify` makes null of what
 * JSON cannot say, and `{}` of a Map: here such a value is a fault, and its place is told.
 *
 * What is absent stays absent: a member that is undefined is left out. What knows its JSON, such as
 * a Date, is asked for it (`toJSON`). Negative zero is 0, as JSON readers take it.
 */
import { pointerStep } from '../core/isomorphic.ts';

/** JSON that is written already: it is sent as it stands, with every digit of its numbers. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value that is no JSON. The message says where it stands, as a JSON Pointer, and what it is. */
export class NoJson extends Error {
  override readonly name = 'NoJson';
}

export interface WriteOptions {
  /** Whether to take integers beyond 2^53, which JavaScript may have rounded. */
  readonly rounded: boolean;
}

/** @throws NoJson, and whatever a getter or `toJSON` throws */
export function writeJson(value: object, { rounded }: WriteOptions): string {
  return new Writer(rounded).write(value, '') as string;
}

const LEVELS_MAX = 500;

class Writer {
  readonly #rounded: boolean;
  /** The objects around the value. */
  readonly #around = new Set<object>();

  constructor(rounded: boolean) {
    this.#rounded = rounded;
  }

  /** Undefined where there is nothing to be written. */
  write(value: unknown, path: string): string | undefined {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'number':
        return this.#number(value, path);
      case 'boolean':
        return String(value);
      case 'undefined':
        return undefined;
      case 'bigint':
        return bigintText(value, path);
      case 'object':
        return value === null ? 'null' : this.#object(value, path);
      case 'function':
      case 'symbol':
        throw expected(path, 'JSON', `a ${typeof value}`);
    }
  }

  #number(value: number, path: string): string {
    if (!Number.isFinite(value)) throw expected(path, 'a finite number', String(value));
    // From 1e21 on a number is written with an exponent: it was never meant as its digits.
    const mayBeRounded = Number.isInteger(value) && !Number.isSafeInteger(value);
    if (mayBeRounded && Math.abs(value) < 1e21 && !this.#rounded && !TAKES_DOUBLES.test(path)) {
      throw new NoJson(
        `${path} may have lost digits: JavaScript rounds integers beyond 2^53. Use a bigint.`,
      );
    }
    return value === 0 ? '0' : String(value);
  }

  #object(value: object, path: string): string {
    if (value instanceof JsonText) return value.text;
    if (this.#around.has(value)) throw expected(path, 'JSON', 'an object that holds itself');
    if (this.#around.size >= LEVELS_MAX) {
      throw expected(path, `at most ${LEVELS_MAX} levels`, 'more');
    }
    this.#around.add(value);
    const text = this.#members(value, path);
    this.#around.delete(value);
    return text;
  }

  #members(value: object, path: string): string {
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      const json: unknown = value.toJSON();
      if (json == null)
        throw expected(path, 'JSON', `${nameOf(value)} that is no value of its kind`);
      return this.write(json, path) as string;
    }
    if (Array.isArray(value)) {
      // Also what is missing from a list with holes.
      return `[${Array.from(value, (item, index) => this.#item(item, `${path}/${index}`)).join(',')}]`;
    }
    if (!isPlain(value)) throw expected(path, 'JSON', `${nameOf(value)}${adviceOn(value)}`);
    const members: string[] = [];
    for (const [key, member] of Object.entries(value)) {
      const text = this.write(member, path + pointerStep(key));
      if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
    }
    return `{${members.join(',')}}`;
  }

  #item(item: unknown, path: string): string {
    const text = this.write(item, path);
    if (text === undefined) throw expected(path, 'JSON', 'undefined, where a list may hold null');
    return text;
  }
}

/** Properties whose type is one that rounds. */
const TAKES_DOUBLES = /^\/properties\/\d+\/(?:double|float)\/value$/;

/** Whether it is an object of its members alone, from whichever realm. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty');
}

function bigintText(value: bigint, path: string): string {
  const text = String(value);
  if (Number.isFinite(Number(text))) return text;
  throw expected(
    path,
    'a number below 1.8e308',
    `a bigint of ${text.replace('-', '').length} digits`,
  );
}

function nameOf(value: object): string {
  const name: unknown = value.constructor?.name;
  if (typeof name !== 'string' || name === '') return 'an object of a class';
  return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`;
}

function adviceOn(value: object): string {
  if (value instanceof Map) return ' (Object.fromEntries makes an object of it)';
  if (value instanceof Set || ArrayBuffer.isView(value)) return ' (Array.from makes a list of it)';
  if (value instanceof Error) return ' (its message is a text)';
  return ' (copy its fields into an object, or give it a method toJSON)';
}

function expected(path: string, what: string, came: string): NoJson {
  return new NoJson(`${path === '' ? 'The value' : path} expects ${what}, got ${came}.`);
}
