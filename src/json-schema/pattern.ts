/**
 * A pattern of a schema becomes an automaton. Patterns are ECMA-262 regular expressions with the
 * flag `u`. Look-around and back-references are refused: without them a text is matched in linear
 * time. Nothing here runs on the backtracking engine.
 */
import { RegExpParser, type AST } from '@eslint-community/regexpp';
import { Automaton, Program } from './automaton.ts';
import { setOf } from './char-set.ts';
import type { WorkBudget } from './work-budget.ts';
import { shown } from './work-budget.ts';

/** Of one pattern, with every repetition written out. */
const STATES_MAX = 20_000;
const CHARS_MAX = 10_000;

/** What reading one character of a pattern costs. */
const CHAR_UNITS = 100;

/** @throws SyntaxError that says what is wrong; OutOfWork */
export function compilePattern(pattern: string, budget: WorkBudget): Automaton {
  if (pattern.length > CHARS_MAX) {
    throw new SyntaxError(`it has ${pattern.length} characters, and may have ${CHARS_MAX}`);
  }
  budget.charge(pattern.length * CHAR_UNITS);
  const tree = parse(pattern);
  const states = sizeOf(tree);
  if (states > STATES_MAX) {
    throw new SyntaxError(
      `written out, its repetitions have ${states > 1e9 ? 'more than 10⁹' : states} steps, and may have ${STATES_MAX}`,
    );
  }
  budget.charge(states * 4);
  const program = new Program();
  program.start = emit(program, tree, program.match());
  return new Automaton(program);
}

/** Whether it is a regular expression of ECMA-262 with the flag `u`. @throws OutOfWork */
export function isPattern(text: string, budget: WorkBudget): boolean {
  if (text.length > CHARS_MAX) return false;
  budget.charge(text.length * CHAR_UNITS);
  try {
    parseStrictly(text);
    return true;
  } catch {
    return false;
  }
}

const parser = new RegExpParser();

function parse(pattern: string): AST.Pattern {
  try {
    return parseStrictly(pattern);
  } catch (error) {
    try {
      return parseStrictly(withPlainEscapes(pattern));
    } catch {
      return refuse(error as SyntaxError & { index?: number });
    }
  }
}

function parseStrictly(pattern: string): AST.Pattern {
  return parser.parsePattern(pattern, 0, pattern.length, { unicode: true });
}

function refuse({ message, index }: SyntaxError & { index?: number }): never {
  const reason = message.slice(message.lastIndexOf(': ') + 2);
  const place = index === undefined ? '' : ` at character ${index + 1}`;
  throw new SyntaxError(
    `it is not a regular expression of ECMA-262 with the flag u: ${reason}${place}`,
  );
}

/**
 * Many published schemas escape what needs no escape, such as `\-` or `[\w-.]`, which the flag `u`
 * forbids. Their meaning is plain. A letter or digit after a backslash is not: other dialects mean
 * something by `\Z` or `\a`.
 */
function withPlainEscapes(pattern: string): string {
  return pattern.replaceAll(/(\\[dDsSwW])-|\\([^])/gu, (whole, set?: string, char?: string) => {
    if (set !== undefined) return `${set}\\x2d`;
    const isMeant = char === undefined || /[A-Za-z0-9^$\\.*+?()[\]{}|/]/.test(char);
    return isMeant ? whole : `\\u{${(char.codePointAt(0) as number).toString(16)}}`;
  });
}

type Element = AST.Pattern | AST.Alternative | AST.Element;

/** How many states it becomes, without building them. */
function sizeOf(node: Element): number {
  switch (node.type) {
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup':
      return sum(node.alternatives) + node.alternatives.length;
    case 'Alternative':
      return sum(node.elements);
    case 'Quantifier': {
      const times = Number.isFinite(node.max) ? node.max : node.min + 1;
      return (sizeOf(node.element) + 1) * times + 1;
    }
    case 'Assertion':
    case 'Backreference':
    case 'Character':
    case 'CharacterClass':
    case 'CharacterSet':
    case 'ExpressionCharacterClass':
      return 1;
  }
}

function sum(nodes: readonly Element[]): number {
  return nodes.reduce((total, node) => total + sizeOf(node), 0);
}

/** The state that goes on to `next` once the node has matched. */
function emit(program: Program, node: Element, next: number): number {
  switch (node.type) {
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup':
      if (node.type === 'Group' && node.modifiers != null) {
        throw new SyntaxError(`flags within a pattern are not supported: ${shown(node.raw, 40)}`);
      }
      return node.alternatives
        .map(alternative => emit(program, alternative, next))
        .reduce((first, second) => program.split(first, second));
    case 'Alternative':
      return node.elements.reduceRight((state, element) => emit(program, element, state), next);
    case 'Quantifier':
      return repeat(program, node, next);
    case 'Character':
    case 'CharacterSet':
    case 'CharacterClass':
      return program.char(setOf(node), next);
    case 'Assertion':
      return assertion(program, node, next);
    case 'Backreference':
      throw new SyntaxError(`back-references are not supported: ${shown(node.raw, 40)}`);
    case 'ExpressionCharacterClass':
      throw new SyntaxError(`set operations are not supported: ${shown(node.raw, 40)}`);
  }
}

function repeat(program: Program, { element, min, max }: AST.Quantifier, next: number): number {
  let state = next;
  if (Number.isFinite(max)) {
    for (let i = min; i < max; i++) state = program.split(emit(program, element, state), next);
  } else {
    state = program.loop(loop => emit(program, element, loop), next);
  }
  for (let i = 0; i < min; i++) state = emit(program, element, state);
  return state;
}

function assertion(program: Program, node: AST.Assertion, next: number): number {
  switch (node.kind) {
    case 'start':
    case 'end':
      return program.assert(node.kind, next);
    case 'word':
      return program.assert(node.negate ? 'notWord' : 'word', next);
    case 'lookahead':
    case 'lookbehind':
      throw new SyntaxError(`look-around is not supported: ${shown(node.raw, 40)}`);
  }
}
