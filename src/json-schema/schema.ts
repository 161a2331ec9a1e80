/**
 * JSON Schema 2020-12. A schema is somebody's program, run for everybody: all of its work is
 * charged, its patterns match in linear time, and nothing is fetched.
 */
import { parseExact } from '../core/exact-json.ts';
import type { JsonObject } from '../core/json.ts';
import { Compiler } from './compiler.ts';
import { Document } from './document.ts';
import { Run, type Mismatch } from './run.ts';
import type { WorkBudget } from './work-budget.ts';

export interface Schema {
  /** What it may hold. */
  readonly bytes: number;
  /** What does not fit in a payload, as JSON text: 20 at most. @throws OutOfWork */
  mismatches(payload: string, budget: WorkBudget): readonly Mismatch[];
}

/** @throws SchemaFault where the schema is not usable; OutOfWork */
export function compileSchema(schema: JsonObject | boolean, budget: WorkBudget): Schema {
  const document = new Document(schema, budget);
  const check = new Compiler(document, budget).compile(document.root);
  return {
    bytes: JSON.stringify(schema).length * 20 + document.patternBytes,
    mismatches(payload, runMeter) {
      // Parsing has to be done anyway, and a character of it is cheap.
      runMeter.charge(payload.length >> 2);
      const run = new Run(runMeter, document.notesEvaluated);
      check(parseExact(payload), run);
      return run.mismatches;
    },
  };
}
