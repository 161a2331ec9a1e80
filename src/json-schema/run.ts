/** One payload against one schema: what is found, and what it may take. */
import type { ExactJson } from '../core/exact-json.ts';
import { pointerStep } from '../core/isomorphic.ts';
import type { Resource } from './document.ts';
import type { Texts } from './values.ts';
import { OutOfWork, type WorkBudget } from './work-budget.ts';

export interface Mismatch {
  /** JSON Pointer into the payload. */
  readonly pointer: string;
  /** Goes on after "The payload …". */
  readonly message: string;
}

/** Whether the value fits. A value that does not is reported to the run, unless that is silent. */
export type Check = (value: ExactJson, run: Run) => boolean;

const MISMATCHES_MAX = 20;
/** References may lead back to where they stand. */
const DEPTH_MAX = 400;

/** Members and items of one value that some keyword has looked at. */
export class Evaluated {
  allMembers = false;
  readonly members = new Set<string>();
  allItems = false;
  /** All items before this one. */
  itemsBefore = 0;
  readonly items = new Set<number>();

  add(other: Evaluated): void {
    this.allMembers ||= other.allMembers;
    this.allItems ||= other.allItems;
    this.itemsBefore = Math.max(this.itemsBefore, other.itemsBefore);
    for (const name of other.members) this.members.add(name);
    for (const index of other.items) this.items.add(index);
  }
}

export class Run {
  readonly budget: WorkBudget;
  readonly mismatches: Mismatch[] = [];
  /** Resources that evaluation has entered and not left: for `$dynamicRef`. */
  readonly scope: Resource[] = [];
  readonly texts: Texts = new Map();
  /** Null where no keyword of the schema asks for it. */
  evaluated: Evaluated | null;
  /** Above 0, the first mismatch decides and none is told. */
  silent = 0;
  readonly #path: (string | number)[] = [];
  #depth = 0;

  constructor(budget: WorkBudget, notesEvaluated: boolean) {
    this.budget = budget;
    this.evaluated = notesEvaluated ? new Evaluated() : null;
  }

  fail(message: string): false {
    if (this.silent === 0 && this.mismatches.length < MISMATCHES_MAX) {
      this.mismatches.push({ pointer: this.#path.map(pointerStep).join(''), message });
    }
    return false;
  }

  /** A member or an item. */
  child(check: Check, value: ExactJson, step: string | number): boolean {
    const outer = this.evaluated;
    if (outer !== null) this.evaluated = new Evaluated();
    this.#path.push(step);
    const fits = check(value, this);
    this.#path.pop();
    if (outer !== null) this.evaluated = outer;
    return fits;
  }

  /** The same value by another schema: what that has looked at counts, where it fits. */
  same(check: Check, value: ExactJson): boolean {
    if (++this.#depth > DEPTH_MAX) throw new OutOfWork();
    const outer = this.evaluated;
    if (outer !== null) this.evaluated = new Evaluated();
    const fits = check(value, this);
    if (outer !== null && fits) {
      this.budget.charge(this.evaluated?.members.size ?? 0);
      this.budget.charge(this.evaluated?.items.size ?? 0);
      outer.add(this.evaluated as Evaluated);
    }
    this.evaluated = outer;
    this.#depth -= 1;
    return fits;
  }

  /** As `same`, without telling what does not fit. */
  silently(check: Check, value: ExactJson): boolean {
    this.silent += 1;
    const fits = this.same(check, value);
    this.silent -= 1;
    return fits;
  }
}
