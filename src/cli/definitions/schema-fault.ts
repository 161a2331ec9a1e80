import type { JsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { compileSchema } from '../../json-schema/schema.ts';
import { OutOfWork, SchemaFault, WorkBudget } from '../../json-schema/work-budget.ts';

/** As much as the gateway gives a schema, and more. */
const UNITS = 100_000_000;
const MS = 5_000;

/** Why the gateway would refuse the schema, or null. */
export function schemaFault(schema: JsonObject): string | null {
  const { length } = JSON.stringify(schema);
  const { schemaCharsMax } = LIMITS;
  if (length > schemaCharsMax) {
    return `payloadSchema has ${length} characters as JSON, and may have ${schemaCharsMax}.`;
  }
  try {
    compileSchema(schema, new WorkBudget(UNITS, MS));
    return null;
  } catch (error) {
    if (error instanceof OutOfWork) return 'payloadSchema takes too long to read: simplify it.';
    if (!(error instanceof SchemaFault)) throw error;
    return `payloadSchema${error.pointer} is not usable: ${error.message}.`;
  }
}
