/** One payload by one schema, both as JSON text. Compiled schemas are kept. */
import { LRUCache } from 'lru-cache';
import type { JsonObject } from '../core/json.ts';
import { SchemaFault } from './fault.ts';
import { Meter, OutOfWork } from './meter.ts';
import type { Mismatch } from './run.ts';
import { compileSchema, type Schema } from './schema.ts';

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

/** Null as payload: the schema alone. */
export type Evaluate = (schema: string, payload: string | null) => Answer;

export function createEvaluate({ compileUnits, checkUnits, ms }: Allowance): Evaluate {
  const kept = new LRUCache<string, Kept>({ max: KEPT_MAX, maxSize: KEPT_BYTES_MAX });
  const compiled = (text: string): Kept => {
    let known = kept.get(text);
    if (known === undefined) {
      known = compile(text, new Meter(compileUnits, performance.now() + ms));
      kept.set(text, known, { size: known.schema?.bytes ?? text.length + 1 });
    }
    return known;
  };
  return (text, payload) => {
    const { schema, answer } = compiled(text);
    if (schema === null || payload === null) return answer;
    try {
      const mismatches = schema.mismatches(payload, new Meter(checkUnits, performance.now() + ms));
      return mismatches.length === 0 ? FITS : { kind: 'CHECKED', mismatches };
    } catch (error) {
      return answerOf(error);
    }
  };
}

function compile(text: string, meter: Meter): Kept {
  try {
    meter.charge(text.length);
    return { schema: compileSchema(JSON.parse(text) as JsonObject, meter), answer: FITS };
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
