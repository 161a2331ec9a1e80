/**
 * JSON as Logspace agents write it. `JSON.parse` won't do: they send bare NaN, Infinity and
 * -Infinity, integers of 64 bits, and one key several times for several values. So numbers are
 * kept as they are written, and the members of an object as a list. One pass over the text, with
 * bounded depth; what is JSON reads as `JSON.parse` reads it, and all else is a `JsonFault`.
 */
export type WireJson = null | boolean | string | WireNumber | readonly WireJson[] | WireObject;

/** A number as it is written, every digit of it: also NaN, Infinity and -Infinity. */
export class WireNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

/** Members in the order they came, repeated names included. */
export class WireObject {
  readonly names: string[] = [];
  readonly values: WireJson[] = [];
}

/** The text is no JSON, nor what agents make of it. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  /** In UTF-16 code units. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Events have four levels. */
const DEPTH_MAX = 64;

/** @throws JsonFault */
export function parseJson(text: string): WireJson {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): WireJson {
    const start = this.#skipSpace();
    switch (start) {
      case QUOTE:
        return this.#string();
      case 0x7b:
        return this.#object(depth);
      case 0x5b:
        return this.#array(depth);
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  end(): void {
    if (!Number.isNaN(this.#skipSpace())) this.#fail('the end');
  }

  /** The next code unit that is no white space, NaN at the end. */
  #skipSpace(): number {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return unit;
      this.#at += 1;
    }
  }

  #object(depth: number): WireObject {
    const object = new WireObject();
    this.#open(depth);
    if (this.#skipSpace() === 0x7d) return this.#closed(object);
    for (;;) {
      if (this.#skipSpace() !== QUOTE) this.#fail('a name in quotes');
      object.names.push(this.#string());
      if (this.#skipSpace() !== 0x3a) this.#fail('":"');
      this.#at += 1;
      object.values.push(this.value(depth + 1));
      const next = this.#skipSpace();
      if (next === 0x7d) return this.#closed(object);
      if (next !== COMMA) this.#fail('"," or "}"');
      this.#at += 1;
    }
  }

  #array(depth: number): WireJson[] {
    const array: WireJson[] = [];
    this.#open(depth);
    if (this.#skipSpace() === 0x5d) return this.#closed(array);
    for (;;) {
      array.push(this.value(depth + 1));
      const next = this.#skipSpace();
      if (next === 0x5d) return this.#closed(array);
      if (next !== COMMA) this.#fail('"," or "]"');
      this.#at += 1;
    }
  }

  #open(depth: number): void {
    if (depth >= DEPTH_MAX) this.#fail(`at most ${DEPTH_MAX} levels`);
    this.#at += 1;
  }

  #closed<T>(value: T): T {
    this.#at += 1;
    return value;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let isPlain = true;
    let at = start + 1;
    for (;;) {
      const unit = text.charCodeAt(at);
      if (unit === QUOTE) break;
      if (unit === BACKSLASH) {
        isPlain = false;
        at += 1;
      } else if (!(unit >= 0x20)) {
        this.#at = at;
        this.#fail('a string that is closed, with control characters escaped');
      }
      at += 1;
    }
    this.#at = at + 1;
    return isPlain ? text.slice(start + 1, at) : this.#unescape(start);
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      this.#at = start;
      return this.#fail('a string without unknown escapes');
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('a value');
    this.#at += word.length;
    return value;
  }

  #number(): WireNumber {
    NUMBER.lastIndex = this.#at;
    if (NUMBER.test(this.#text)) {
      const literal = this.#text.slice(this.#at, NUMBER.lastIndex);
      this.#at = NUMBER.lastIndex;
      return new WireNumber(literal);
    }
    for (const word of ['NaN', 'Infinity', '-Infinity']) {
      if (this.#text.startsWith(word, this.#at)) return this.#word(word, new WireNumber(word));
    }
    return this.#fail('a value');
  }

  #fail(expected: string): never {
    const came = this.#at < this.#text.length ? JSON.stringify(this.#text.charAt(this.#at)) : null;
    throw new JsonFault(`expected ${expected}, but got ${came ?? 'the end'}`, this.#at);
  }
}

/** The text of a value, with everything that `parseJson` keeps. */
export function writeJson(value: WireJson): string {
  if (value instanceof WireNumber) return value.literal;
  if (value instanceof WireObject) {
    const members = value.names.map(
      (name, at) => `${JSON.stringify(name)}:${writeJson(value.values[at] as WireJson)}`,
    );
    return `{${members.join(',')}}`;
  }
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  return JSON.stringify(value);
}

export type PlainJson =
  null | boolean | string | readonly PlainJson[] | { readonly [name: string]: PlainJson };

/** With numbers as texts of their digits; of a repeated name, the last value counts. */
export function toPlain(value: WireJson): PlainJson {
  if (value instanceof WireNumber) return value.literal;
  if (value instanceof WireObject) {
    // fromEntries defines own properties, also one that is called __proto__.
    return Object.fromEntries(
      value.names.map((name, at) => [name, toPlain(value.values[at] as WireJson)]),
    );
  }
  return Array.isArray(value) ? value.map(toPlain) : (value as null | boolean | string);
}
