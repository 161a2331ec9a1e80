/**
 * Matches a text in linear time: Thompson's construction, whose sets of states are kept once they
 * were met (a lazy deterministic automaton). All work is charged, so a match can be ended.
 */
import { WORD, type CharSet } from './char-set.ts';
import type { WorkBudget } from './work-budget.ts';

type Assertion = 'start' | 'end' | 'word' | 'notWord';
type Step =
  | { readonly kind: 'char'; readonly set: number; readonly next: number }
  | { readonly kind: 'split'; next: number; readonly other: number }
  | { readonly kind: 'assert'; readonly what: Assertion; readonly next: number }
  | { readonly kind: 'match' };

/** The steps of an automaton. Each is made after those that it goes on to, but for loops. */
export class Program {
  readonly steps: Step[] = [];
  readonly sets: CharSet[] = [];
  readonly #setByKey = new Map<string, number>();
  start = 0;

  match(): number {
    return this.#add({ kind: 'match' });
  }

  char(set: CharSet, next: number): number {
    let index = this.#setByKey.get(set.key);
    if (index === undefined) {
      index = this.sets.push(set) - 1;
      this.#setByKey.set(set.key, index);
    }
    return this.#add({ kind: 'char', set: index, next });
  }

  split(next: number, other: number): number {
    return this.#add({ kind: 'split', next, other });
  }

  loop(body: (loop: number) => number, next: number): number {
    const step: Step = { kind: 'split', next: 0, other: next };
    const loop = this.#add(step);
    step.next = body(loop);
    return loop;
  }

  assert(what: Assertion, next: number): number {
    return this.#add({ kind: 'assert', what, next });
  }

  #add(step: Step): number {
    return this.steps.push(step) - 1;
  }
}

/** Code points that no set of the pattern tells apart. */
interface CharClass {
  readonly inSet: readonly boolean[];
  readonly isWord: boolean;
}

/** Where a match may stand before a character: the steps that it has reached, none followed yet. */
interface State {
  readonly steps: readonly number[];
  readonly isAtStart: boolean;
  readonly isAfterWord: boolean;
  /** By class of the character. */
  readonly next: (State | undefined)[];
  /** Whether a text that ends here matches; undefined until it is asked. */
  atEnd?: boolean;
}

interface Around {
  readonly isAtStart: boolean;
  readonly isAtEnd: boolean;
  readonly isWordBefore: boolean;
  readonly isWordAfter: boolean;
}

/** What one automaton keeps of states and characters; then it forgets them. */
const KEPT_STEPS_MAX = 10_000;
const KEPT_CHARS_MAX = 2_000;
const KEPT_CLASSES_MAX = 500;
const ASCII = 128;

export class Automaton {
  readonly #program: Program;
  /** Looking at one character that was not met yet. */
  readonly #charUnits: number;
  readonly #classes: CharClass[] = [];
  readonly #classByKey = new Map<string, number>();
  readonly #asciiClass = new Int32Array(ASCII).fill(-1);
  readonly #otherClass = new Map<number, number>();
  readonly #states = new Map<string, State>();
  #keptSteps = 0;
  /** Stands for a match: nothing that follows changes it. */
  readonly #matched: State;
  #initial: State;
  readonly #mark: Uint32Array;
  #marking = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#charUnits = program.sets.reduce((sum, { weight }) => sum + weight, 1);
    this.#mark = new Uint32Array(program.steps.length);
    this.#matched = { steps: [], isAtStart: false, isAfterWord: false, next: [] };
    this.#initial = this.#freshStart();
  }

  /** What it may hold. */
  get bytes(): number {
    return this.#program.steps.length * 60 + KEPT_STEPS_MAX * 16;
  }

  /** Whether the pattern occurs in the text. @throws OutOfWork */
  test(text: string, budget: WorkBudget): boolean {
    budget.charge(1 + text.length);
    const asciiClass = this.#asciiClass;
    const matched = this.#matched;
    let state = this.#initial;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      let charClass = code < ASCII ? (asciiClass[code] as number) : -1;
      if (charClass === -1) {
        const codePoint = text.codePointAt(at) as number;
        if (codePoint > 0xffff) at++;
        if (this.#classes.length >= KEPT_CLASSES_MAX) {
          this.#forget();
          state = { ...state, next: [] };
        }
        charClass = this.#classOf(codePoint, budget);
      }
      state = state.next[charClass] ?? this.#follow(state, charClass, budget);
      if (state === matched) return true;
    }
    return this.#endsWell(state, budget);
  }

  #freshStart(): State {
    return { steps: [this.#program.start], isAtStart: true, isAfterWord: false, next: [] };
  }

  #classOf(codePoint: number, budget: WorkBudget): number {
    const known = this.#otherClass.get(codePoint);
    if (known !== undefined) return known;
    budget.charge(this.#charUnits);
    const inSet = this.#program.sets.map(set => set.has(codePoint));
    const isWord = WORD.has(codePoint);
    const key = inSet.map(Number).join('') + String(isWord);
    let index = this.#classByKey.get(key);
    if (index === undefined) {
      index = this.#classes.push({ inSet, isWord }) - 1;
      this.#classByKey.set(key, index);
    }
    if (codePoint < ASCII) {
      this.#asciiClass[codePoint] = index;
    } else {
      if (this.#otherClass.size >= KEPT_CHARS_MAX) this.#otherClass.clear();
      this.#otherClass.set(codePoint, index);
    }
    return index;
  }

  #follow(state: State, charClass: number, budget: WorkBudget): State {
    const { inSet, isWord } = this.#classes[charClass] as CharClass;
    const chars = this.#closure(state, { isAtEnd: false, isWordAfter: isWord }, budget);
    budget.charge((chars?.length ?? 0) * 8);
    const next = chars === null ? this.#matched : this.#stateOf(this.#taken(chars, inSet), isWord);
    state.next[charClass] = next;
    return next;
  }

  #taken(chars: readonly number[], inSet: readonly boolean[]): number[] {
    // A match may begin at every character.
    const reached = new Set([this.#program.start]);
    for (const index of chars) {
      const step = this.#program.steps[index] as Step & { kind: 'char' };
      if (inSet[step.set] === true) reached.add(step.next);
    }
    return [...reached].sort((a, b) => a - b);
  }

  #stateOf(steps: readonly number[], isAfterWord: boolean): State {
    const key = `${isAfterWord ? 'w' : ''}${steps.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#keptSteps > KEPT_STEPS_MAX) this.#forget();
    const state: State = { steps, isAtStart: false, isAfterWord, next: [] };
    this.#states.set(key, state);
    this.#keptSteps += steps.length + this.#classes.length + 1;
    return state;
  }

  /** What was met still holds, but is no longer reached from the beginning. */
  #forget(): void {
    this.#states.clear();
    this.#keptSteps = 0;
    this.#initial = this.#freshStart();
    this.#asciiClass.fill(-1);
    this.#otherClass.clear();
    this.#classByKey.clear();
    this.#classes.length = 0;
  }

  #endsWell(state: State, budget: WorkBudget): boolean {
    state.atEnd ??= this.#closure(state, { isAtEnd: true, isWordAfter: false }, budget) === null;
    return state.atEnd;
  }

  /** The steps that take a character, from here; null where the pattern has matched. */
  #closure(
    { steps, isAtStart, isAfterWord }: State,
    after: Pick<Around, 'isAtEnd' | 'isWordAfter'>,
    budget: WorkBudget,
  ): number[] | null {
    const around = { isAtStart, isWordBefore: isAfterWord, ...after };
    const mark = ++this.#marking;
    const chars: number[] = [];
    const open = [...steps];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (this.#mark[index] === mark) continue;
      this.#mark[index] = mark;
      budget.charge(4);
      const step = this.#program.steps[index] as Step;
      if (step.kind === 'match') return null;
      if (step.kind === 'char') chars.push(index);
      else if (step.kind === 'split') open.push(step.next, step.other);
      else if (holds(step.what, around)) open.push(step.next);
    }
    return chars;
  }
}

function holds(what: Assertion, around: Around): boolean {
  const { isAtStart, isAtEnd, isWordBefore, isWordAfter } = around;
  switch (what) {
    case 'start':
      return isAtStart;
    case 'end':
      return isAtEnd;
    case 'word':
      return isWordBefore !== isWordAfter;
    case 'notWord':
      return isWordBefore === isWordAfter;
  }
}
