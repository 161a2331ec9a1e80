import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { compileSchema, type Schema } from '../../src/json-schema/schema.ts';
import { SchemaFault, WorkBudget } from '../../src/json-schema/work-budget.ts';
import { DIFFERENCES } from './json-schema-differences.ts';

const ROOT = 'test/fixtures/json-schema-test-suite/tests/draft2020-12';

interface Group {
  readonly description: string;
  readonly schema: JsonObject | boolean;
  readonly tests: readonly { description: string; data: unknown; valid: boolean }[];
}

/** No test of the suite is costly. */
const budget = () => new WorkBudget(1_000_000, Infinity);

/** Null for a schema that is refused. */
function compile({ schema }: Group): Schema | null {
  try {
    return compileSchema(schema, budget());
  } catch (error) {
    if (error instanceof SchemaFault) return null;
    throw error;
  }
}

test('payload schemas pass the JSON Schema Test Suite, but for the differences listed with why', () => {
  const differing: string[] = [];
  let total = 0;
  for (const { file, group } of groups()) {
    const schema = compile(group);
    for (const { description, data, valid } of group.tests) {
      total += 1;
      const fits = schema?.mismatches(JSON.stringify(data), budget()).length === 0;
      if (schema !== null && fits === valid) continue;
      differing.push(`${file}: ${group.description} / ${description}`);
    }
  }
  expect(total).toBeGreaterThan(2_000);
  expect(differing.sort()).toEqual(Object.values(DIFFERENCES).flat().sort());
});

function groups(): { file: string; group: Group }[] {
  const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' });
  return files
    .filter(file => file.endsWith('.json'))
    .flatMap(file => {
      const content = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as Group[];
      return content.map(group => ({ file, group }));
    });
}
