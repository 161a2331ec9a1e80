/** What JSON is read into, and the reader: see `json.ts`. */
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

/** How the two kinds of values that hold others end. */
export const END = { array: 0x5d, object: 0x7d } as const;
type End = (typeof END)[keyof typeof END];

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Reads a text from its start: whole values, or a large one member by member, so that it never
 * stands in memory as a whole. An array or object is read as
 *
 *     reader.open(depth);
 *     for (let isFirst = true; reader.follows(END.object, isFirst); isFirst = false) {
 *       const name = reader.name();
 *       const value = reader.value(depth + 1);
 *     }
 *
 * Every method throws JsonFault.
 */
export class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the next value begins, or what stands in its place. */
  get start(): number {
    this.#skipSpace();
    return this.#at;
  }

  /** What has been read since there. */
  textFrom(start: number): string {
    return this.#text.slice(start, this.#at);
  }

  /** Whether the next value is an array or object, which has this end. */
  is(end: End): boolean {
    // '[' and ']', '{' and '}' are two apart.
    return this.#skipSpace() === end - 2;
  }

  /** Goes into an array or object; `depth` is the number of those around it. */
  open(depth: number): void {
    if (depth >= DEPTH_MAX) this.#fail(`at most ${DEPTH_MAX} levels`);
    this.#at += 1;
  }

  /** Whether another member follows in what is open; reads the comma before it, or the end. */
  follows(end: End, isFirst: boolean): boolean {
    const unit = this.#skipSpace();
    if (unit === end) {
      this.#at += 1;
      return false;
    }
    if (isFirst) return true;
    if (unit !== COMMA) this.#fail(end === END.array ? '"," or "]"' : '"," or "}"');
    this.#at += 1;
    return true;
  }

  /** The name of an object's member, and the colon behind it. */
  name(): string {
    if (this.#skipSpace() !== QUOTE) this.#fail('a name in quotes');
    const name = this.#string();
    if (this.#skipSpace() !== COLON) this.#fail('":"');
    this.#at += 1;
    return name;
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

  /** Nothing but white space is left. */
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
    this.open(depth);
    for (let isFirst = true; this.follows(END.object, isFirst); isFirst = false) {
      object.names.push(this.name());
      object.values.push(this.value(depth + 1));
    }
    return object;
  }

  #array(depth: number): WireJson[] {
    const array: WireJson[] = [];
    this.open(depth);
    for (let isFirst = true; this.follows(END.array, isFirst); isFirst = false) {
      array.push(this.value(depth + 1));
    }
    return array;
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
