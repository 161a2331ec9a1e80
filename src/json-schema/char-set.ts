/** Sets of code points, as ECMA-262 has them with the flag `u` and without `i`. */
import type { AST } from '@eslint-community/regexpp';

export interface CharSet {
  /** Equal sets have equal keys. */
  readonly key: string;
  /** What a look costs. */
  readonly weight: number;
  has(codePoint: number): boolean;
}

export function oneChar(codePoint: number): CharSet {
  return range(codePoint, codePoint);
}

function range(from: number, to: number): CharSet {
  return { key: `${from}-${to}`, weight: 1, has: c => c >= from && c <= to };
}

function union(sets: readonly CharSet[]): CharSet {
  return {
    key: `(${sets.map(({ key }) => key).join(' ')})`,
    weight: sets.reduce((sum, { weight }) => sum + weight, 1),
    has: c => sets.some(set => set.has(c)),
  };
}

function not(set: CharSet): CharSet {
  return { key: `!${set.key}`, weight: set.weight, has: c => !set.has(c) };
}

const DIGIT = range(0x30, 0x39);
export const WORD = union([DIGIT, range(0x41, 0x5a), oneChar(0x5f), range(0x61, 0x7a)]);
const LINE_END = union([oneChar(0x0a), oneChar(0x0d), range(0x2028, 0x2029)]);
/** WhiteSpace and LineTerminator of ECMA-262. */
const SPACE = union([
  range(0x09, 0x0d),
  ...[0x20, 0xa0, 0x1680].map(oneChar),
  range(0x2000, 0x200a),
  range(0x2028, 0x2029),
  ...[0x202f, 0x205f, 0x3000, 0xfeff].map(oneChar),
]);
const ESCAPES = { digit: DIGIT, word: WORD, space: SPACE } as const;

/**
 * By the name that stands in the pattern. Unicode has some hundred of them, and the engine
 * answers from its own tables: a look is one character long, so it can't backtrack.
 */
const properties = new Map<string, CharSet>();
const PROPERTY_WEIGHT = 20;

function property(escape: string): CharSet {
  let set = properties.get(escape);
  if (set === undefined) {
    const pattern = new RegExp(`^${escape}$`, 'u');
    set = {
      key: escape,
      weight: PROPERTY_WEIGHT,
      has: c => pattern.test(String.fromCodePoint(c)),
    };
    properties.set(escape, set);
  }
  return set;
}

/** @throws SyntaxError for a property that this version of Unicode does not have. */
export function setOf(node: AST.Character | AST.CharacterSet | AST.CharacterClass): CharSet {
  if (node.type === 'Character') return oneChar(node.value);
  if (node.type === 'CharacterSet') return escapeSet(node);
  const set = union(
    node.elements.map(element => elementSet(element as AST.ClassRangesCharacterClassElement)),
  );
  return node.negate ? not(set) : set;
}

function elementSet(element: AST.ClassRangesCharacterClassElement): CharSet {
  return element.type === 'CharacterClassRange'
    ? range(element.min.value, element.max.value)
    : setOf(element);
}

function escapeSet(node: AST.CharacterSet): CharSet {
  if (node.kind === 'any') return not(LINE_END);
  if (node.kind === 'property') return property(node.raw);
  return node.negate ? not(ESCAPES[node.kind]) : ESCAPES[node.kind];
}
