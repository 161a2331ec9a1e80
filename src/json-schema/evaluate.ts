/** One payload by one schema, both as JSON text. Compiled schemas are kept. */
import { LRUCache } from 'lru-cache';
import type { JsonObject } from '../core/json.ts';
import type { Mismatch } from './run.ts';
import { compileSchema, type Schema } from './schema.ts';
import { OutOfWork, SchemaFault, WorkBudget } from './work-budget.ts';

export type Answer =
  | { readonly kind: 'CHECKED'; readonly mismatches: readonly Mismatch[] }
  /** The schema is not usable. */
  | { readonly kind: 'FAULT'; readonly pointer: string; readonly message: string }
  /** It takes more work than it may have. */
  | { readonly kind: 'TOO_COSTLY' };

export interface Allowance {
  readonly compileUnits: number;
  readonly checkUnits: number;
  readonly ms: number;
}

const KEPT_BYTES_MAX = 134_217_728;
const KEPT_MAX = 2_000;

const TOO_COSTLY: Answer = { kind: 'TOO_COSTLY' };
const FITS: Answer = { kind: 'CHECKED', mismatches: [] };

interface Kept {
  readonly schema: Schema | null;
  /** Why there is none. */
  readonly answer: Answer;
}

export class Evaluator {
  readonly #allowance: Allowance;
  readonly #kept = new LRUCache<string, Kept>({ max: KEPT_MAX, maxSize: KEPT_BYTES_MAX });
  /** Units that all answers have taken. */
  used = 0;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** @param payload null: the schema alone */
  evaluate(text: string, payload: string | null): Answer {
    const { schema, answer } = this.#kept.get(text) ?? this.#compile(text);
    if (schema === null || payload === null) return answer;
    const budget = new WorkBudget(this.#allowance.checkUnits, this.#allowance.ms);
    try {
      const mismatches = schema.mismatches(payload, budget);
      return mismatches.length === 0 ? FITS : { kind: 'CHECKED', mismatches };
    } catch (error) {
      return answerOf(error);
    } finally {
      this.used += budget.used;
    }
  }

  #compile(text: string): Kept {
    const budget = new WorkBudget(this.#allowance.compileUnits, this.#allowance.ms);
    const kept = compile(text, budget);
    this.used += budget.used;
    this.#kept.set(text, kept, { size: kept.schema?.bytes ?? text.length + 1 });
    return kept;
  }
}

function compile(text: string, budget: WorkBudget): Kept {
  try {
    budget.charge(text.length);
    return { schema: compileSchema(JSON.parse(text) as JsonObject, budget), answer: FITS };
  } catch (error) {
    return { schema: null, answer: answerOf(error) };
  }
}

function answerOf(error: unknown): Answer {
  if (error instanceof SchemaFault) {
    return { kind: 'FAULT', pointer: error.pointer, message: error.message };
  }
  // A stack that overflows is work, too.
  if (error instanceof OutOfWork || error instanceof RangeError) return TOO_COSTLY;
  throw error;
}
