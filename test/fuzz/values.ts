/** Values as they should be, as they should not, and as nobody thinks of. */
import type { Dice } from './dice.ts';

/** What a gateway has given out, which random values would never hit. */
export interface Known {
  readonly slugs: readonly string[];
  readonly types: readonly string[];
  readonly eventIds: readonly string[];
  readonly ids: readonly string[];
  readonly cursors: readonly string[];
}

/** As callers write addresses: one may have many spellings. */
const IPS = [
  ...[
    '10.0.0.1',
    '::1',
    '2001:0DB8::0001',
    '::FFFF:192.0.2.1',
    '::ffff:c000:201',
    '0:0:0:0:0:0:0:0',
  ],
  ...[
    'fe80::1%eth0',
    '1.2.3',
    '01.2.3.4',
    '256.0.0.1',
    '::1::',
    '[::1]',
    '1.2.3.4/8',
    '::/0',
    '１.２.３.４',
  ],
];
/** With and without their variation selectors, joined, and what only looks like one. */
const EMOJI = [
  ...[
    '🔥',
    '❤',
    '❤\ufe0f',
    '❤\ufe0e',
    '❤\u200d🔥',
    '🏳\u200d🌈',
    '1\u20e3',
    '1\ufe0f\u20e3',
    '🇦🇹',
    '🇦',
  ],
  ...[
    '👩\u200d',
    '\u200d',
    '\ufe0f',
    '🏻',
    '👍🏽',
    '🏴\u{e0067}\u{e007f}',
    '🔥🔥',
    '\ud83d',
    ':fire:',
    '#',
  ],
];
const UUID = '0197a000-0000-7000-8000-000000000001';
const WORDS = ['a', 'os/cpu', 'user.signup', 'fuzz', 'x y', '1', 'true', UUID];
const NASTY = [
  ...['', ' ', '\n', '\0', 'a\0b', '\ud800', 'x\udc00y', '\udfff\ud800', '\u202e', 'İı'],
  ...['e\u0301', '\uffff', '\u{10ffff}', '👩‍👩‍👧', '\ufeff', '\u007f', '\u2028'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', '$ref'],
  ...['null', 'NaN', 'undefined', '1e400', '-0', '0x10', '١٢٣', "'; drop table events; --"],
  ...['%', '%00', '%zz', '_', '\\', '\\u0000', '"', "'", '`', '${x}', '{{x}}', '<script>', '../..'],
  ...['(a+)+$', '(?<!a)b', '[', '*', '(?i)x', '^(([a-z])+.)+[A-Z]([a-z])+$'],
  ...['x'.repeat(257), '€'.repeat(100), 'x'.repeat(3_000), 'ab '.repeat(100), '😀'.repeat(700)],
];
const LONG = ['x'.repeat(70_000), 'é'.repeat(40_000), '"'.repeat(20_000), '\0'.repeat(10_000)];

const DATES = [
  ...['2026-01-01T00:00:00Z', '2026-02-28T23:59:59.123456789+01:00', '2024-02-29T00:00:00Z'],
  ...['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+23:59', '9999-12-31T23:59:59.999-23:59'],
  ...[
    '294277-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '0044-03-15 BC',
    'infinity',
    '-infinity',
  ],
  ...[
    '2026-02-29T00:00:00Z',
    '2026-12-31T23:59:60Z',
    '2026-01-01T24:00:00Z',
    '2026-13-01T00:00:00Z',
  ],
  ...['2026-01-01T00:00:00', '2026-01-01T00:00:00+99:99', '2026-01-01', 'now', 'epoch', 'allballs'],
  ...[
    '2026-01-01T00:00:00z',
    '2026-01-01t00:00:00Z',
    '２０２６-01-01T00:00:00Z',
    '1e9',
    '1767225600000',
  ],
];
const DURATIONS = [
  ...['PT1H', 'P1D', 'P30D', 'PT15M', 'P36525D', 'PT0.001S', 'P1W', 'PT36H', 'P7DT1M'],
  ...[
    'P36526D',
    'P1Y',
    'P1M',
    'PT0S',
    '-PT1H',
    'P',
    'PT',
    'P1.5D',
    'PT1e9S',
    'P99999999999999999D',
  ],
];
const ZONES = [
  ...['UTC', 'Europe/Vienna', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia'],
  ...['Europe/Nowhere', 'CET', 'EST5EDT', '+01:00', 'utc', '../etc/passwd', 'posixrules'],
];
const NUMBERS = [
  ...[1, 0, 2, 10, 100, -1, 1_000, 1_001, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1],
  ...[2 ** 53, -(2 ** 53) - 2, 1e20, 1.5, 0.1, -0.5, 1e308, 5e-324, 1e-400],
];

const RAW = '\uf8ffraw:';

/** Stands in a value for text that `toWire` writes as it is, such as `1e400`. */
export function raw(text: string): string {
  return `${RAW}${text}\uf8ff`;
}

const RAW_NUMBERS = [
  ...['1e400', '-1e400', '1e-400', '-0', '0e999', '1E+2', '1.0', '6.022e23', '9e131071'],
  ...['9007199254740993', '-12345678901234567890', '123456789012.123456789', '1e9999999999'],
  ...['1'.repeat(400), `0.${'1'.repeat(401)}`, `1${'0'.repeat(308)}`, '4.9406564584124654e-324'],
];
/** Objects that an object of JavaScript is not: a name twice, no name, many names and levels. */
const RAW_OBJECTS = [
  ...[
    '{"a":1,"a":12345678901234567890}',
    '{"":{"":1}}',
    '{"__proto__":{"n":0.1234567890123456789}}',
  ],
  `{"n":12345678901234567890,"deep":${'[{"a":'.repeat(20)}1${'}]'.repeat(20)}}`,
  `{${Array.from({ length: 2_100 }, (_, i) => `"k${i}":${i}e${i}`).join()}}`,
  `{"n":[${Array(3_000).fill('1e308').join()}]}`,
];
const RAW_JUNK = [...RAW_NUMBERS, 'NaN', 'Infinity', '01', '+1', '.5', "'a'", 'undefined', '/**/1'];

/** JSON, but for what `raw` put in. */
export function toWire(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.replace(/"\uf8ffraw:(.*?)\uf8ff"/g, (_, inner: string) => {
    return String(JSON.parse(`"${inner}"`));
  });
}

export function text(dice: Dice): string {
  const sort = dice.below(100);
  if (sort >= 94) return dice.of(sort < 97 ? IPS : EMOJI);
  if (sort < 40) return dice.of(WORDS);
  if (sort < 75) return dice.of(NASTY);
  if (sort < 77) return dice.of(LONG);
  return dice.characters();
}

export function number(dice: Dice): unknown {
  if (dice.chance(15)) return raw(dice.chance(50) ? dice.of(RAW_NUMBERS) : literal(dice));
  return dice.of(NUMBERS);
}

/** A number of any size and form, near the bounds of doubles, 64 bits and digits that are kept. */
function literal(dice: Dice): string {
  const digits = (count: number) => Array.from({ length: count }, () => dice.below(10)).join('');
  const whole = digits(dice.of([1, 2, 16, 17, 19, 20, 39, 200, 399, 401])).replace(/^0+(?=.)/, '');
  const fraction = dice.chance(50) ? `.${digits(dice.of([1, 2, 17, 100, 400]))}` : '';
  const exponents = [0, 1, 15, 21, 22, 290, 307, 308, 309, 400, 131_071, 1e9];
  const sign = dice.of(['', '+', '-']);
  const exponent = dice.chance(50) ? `${dice.of(['e', 'E'])}${sign}${dice.of(exponents)}` : '';
  return `${dice.of(['', '-'])}${whole}${fraction}${exponent}`;
}

export function date(dice: Dice): string {
  if (dice.chance(5)) return text(dice);
  return dice.chance(40) ? instant(dice) : dice.of(DATES);
}

/** As RFC 3339, Postgres, pandas and others write instants, on the calendar or not. */
function instant(dice: Dice): string {
  const two = (...given: number[]) => String(dice.of(given)).padStart(2, '0');
  const year = dice.of(['2026', '2024', '1970', '0000', '0001', '9999', '10000', '-001', '26']);
  const day = `${year}-${two(1, 2, 12, 13)}-${two(1, 28, 29, 30, 31, 0)}`;
  const clock = `${two(0, 23, 24)}:${two(0, 59, 60)}:${two(0, 59, 60)}`;
  const fraction = dice.of(['', '.1', '.123456789', ',5', '.', `.${'9'.repeat(30)}`]);
  const zones = [
    'Z',
    'z',
    '',
    '+00',
    '+0530',
    '+05:30',
    '-23:59',
    '+24:00',
    ' UTC',
    '[Europe/Vienna]',
  ];
  return `${day}${dice.of(['T', 't', ' ', '_', ''])}${clock}${fraction}${dice.of(zones)}`;
}
export const duration = (dice: Dice): string => (dice.chance(5) ? text(dice) : dice.of(DURATIONS));
export const zone = (dice: Dice): string => (dice.chance(5) ? text(dice) : dice.of(ZONES));

/** One that was given out, or what looks much like it. */
export function nearly(dice: Dice, given: readonly string[]): string {
  const one = given.length === 0 ? text(dice) : dice.of(given);
  const at = dice.below(one.length + 1);
  switch (dice.below(10)) {
    case 6:
      return one.slice(0, at);
    case 7:
      return one.slice(0, at) + dice.of(['A', '_', '=', '%', '\0', '9', 'é']) + one.slice(at + 1);
    case 8:
      return Buffer.from(`${dice.of(['Event:', '', 'e1.', '{', '[1,'])}${text(dice)}`).toString(
        'base64url',
      );
    case 9:
      return text(dice);
    default:
      return one;
  }
}

/** Any JSON value, not deep, or very. */
export function json(dice: Dice, depth = 3): unknown {
  const sort = dice.below(depth > 0 ? 12 : 6);
  if (sort < 2) return text(dice);
  if (sort < 4) return number(dice);
  if (sort < 6) return dice.of([true, null, false, '', {}, []]);
  if (sort === 6 && dice.chance(20)) return raw(dice.of(RAW_OBJECTS));
  if (sort < 8) return Array.from({ length: dice.below(4) }, () => json(dice, depth - 1));
  if (sort === 11 && dice.chance(10)) return dice.of(DEEP);
  return object(dice, depth);
}

export function object(dice: Dice, depth = 3): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (let n = dice.below(4); n > 0; n--) {
    const value = json(dice, depth - 1);
    const key = dice.chance(30) ? text(dice) : dice.of(['total', 'n', 'order', 'tags']);
    // An assignment to `__proto__` would set no field.
    Object.defineProperty(made, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return made;
}

const DEEP = [30, 33, 101, 2_000, 20_000].flatMap(levels => [
  raw('['.repeat(levels) + ']'.repeat(levels)),
  raw('{"a":'.repeat(levels) + '1' + '}'.repeat(levels)),
]);

/** What a place was not made for. */
export function junk(dice: Dice): unknown {
  switch (dice.below(5)) {
    case 0:
      return json(dice);
    case 1:
      return raw(dice.of(RAW_JUNK));
    case 2:
      return dice.of(DEEP);
    case 3:
      return Array.from({ length: dice.of([2, 1_001, 5_000]) }, () => 'x');
    default:
      return text(dice);
  }
}

/** JSON Schema, or what looks like it. */
export function jsonSchema(dice: Dice, depth = 3): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  const inner = () => (depth > 0 ? jsonSchema(dice, depth - 1) : {});
  for (let n = dice.below(4); n > 0; n--) {
    const [keyword, value] = dice.of(KEYWORDS);
    made[keyword] = dice.chance(10) ? json(dice) : value(dice, inner);
  }
  return made;
}

type Inner = () => Record<string, unknown>;
const KEYWORDS: readonly (readonly [string, (dice: Dice, inner: Inner) => unknown])[] = [
  ['type', dice => dice.of(['object', 'string', 'integer', 'nothing', ['array', 'null']])],
  ['properties', (dice, inner) => ({ [text(dice)]: inner(), n: inner(), order: inner() })],
  ['required', dice => [dice.of(['n', 'order', '__proto__']), text(dice)]],
  ['pattern', text],
  ['patternProperties', (dice, inner) => ({ [text(dice)]: inner() })],
  ['additionalProperties', (_, inner) => inner()],
  ['items', (_, inner) => inner()],
  ['enum', dice => [json(dice), json(dice)]],
  ['const', dice => json(dice)],
  ['minimum', number],
  ['maxLength', number],
  ['multipleOf', number],
  ['format', dice => dice.of(['date-time', 'uuid', 'regex', 'email', 'none', '__proto__'])],
  ['allOf', (_, inner) => [inner(), inner()]],
  ['anyOf', (_, inner) => [inner(), inner()]],
  ['not', (_, inner) => inner()],
  [
    '$ref',
    dice => dice.of(['#', '#/$defs/a', 'https://example.org/schema', '#/properties/n', '%']),
  ],
  ['$defs', (_, inner) => ({ a: inner() })],
  ['$id', text],
  ['uniqueItems', () => true],
];
