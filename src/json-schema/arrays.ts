/** Keywords for lists. */
import type { ExactJson } from '../core/exact-json.ts';
import type { Json } from '../core/json.ts';
import type { Keywords } from './keywords.ts';
import type { Check, Run } from './run.ts';
import { textOf } from './values.ts';

type Items = readonly ExactJson[];
const itemsCheck =
  (check: (items: Items, run: Run) => boolean): Check =>
  (value, run) =>
    check(value as Items, run);

/** The last one looks at what all others have left. */
export function arrayChecks(keywords: Keywords): Check[] {
  const { schema, held } = keywords;
  const checks: Check[] = [...countChecks(keywords)];
  const prefix = ((schema['prefixItems'] ?? []) as readonly Json[]).map(held);
  if (prefix.length > 0) checks.push(prefixCheck(prefix));
  if (schema['items'] !== undefined) checks.push(restCheck(held(schema['items']), prefix.length));
  if (schema['contains'] !== undefined) checks.push(containsCheck(keywords));
  if (schema['uniqueItems'] === true) checks.push(itemsCheck(areUnique));
  const unevaluated = schema['unevaluatedItems'];
  if (unevaluated !== undefined) checks.push(unevaluatedCheck(held(unevaluated)));
  return checks;
}

function countChecks({ schema }: Keywords): Check[] {
  const { minItems: min = 0, maxItems: max = Infinity } = schema as {
    minItems?: number;
    maxItems?: number;
  };
  const checks: Check[] = [];
  if (min > 0) {
    checks.push(
      itemsCheck(({ length }, run) => length >= min || run.fail(`must have at least ${min} items`)),
    );
  }
  if (max < Infinity) {
    checks.push(
      itemsCheck(({ length }, run) => length <= max || run.fail(`must have at most ${max} items`)),
    );
  }
  return checks;
}

function prefixCheck(prefix: readonly Check[]): Check {
  return itemsCheck((items, run) => {
    const count = Math.min(prefix.length, items.length);
    let all = true;
    for (let i = 0; i < count; i++) {
      all = run.child(prefix[i] as Check, items[i] as ExactJson, i) && all;
      if (!all && run.silent > 0) return false;
    }
    if (run.evaluated !== null)
      run.evaluated.itemsBefore = Math.max(run.evaluated.itemsBefore, count);
    return all;
  });
}

function restCheck(check: Check, from: number): Check {
  return itemsCheck((items, run) => {
    let all = true;
    for (let i = from; i < items.length; i++) {
      all = run.child(check, items[i] as ExactJson, i) && all;
      if (!all && run.silent > 0) return false;
    }
    if (run.evaluated !== null) run.evaluated.allItems = true;
    return all;
  });
}

function containsCheck({ schema, held }: Keywords): Check {
  const check = held(schema['contains'] as Json);
  const min = (schema['minContains'] ?? 1) as number;
  const max = (schema['maxContains'] ?? Infinity) as number;
  return itemsCheck((items, run) => {
    let count = 0;
    for (const [i, item] of items.entries()) {
      run.silent += 1;
      const fits = run.child(check, item, i);
      run.silent -= 1;
      if (!fits) continue;
      count += 1;
      run.evaluated?.items.add(i);
    }
    if (count < min)
      return run.fail(`must contain at least ${min} items that fit "contains", but has ${count}`);
    return (
      count <= max ||
      run.fail(`must contain at most ${max} items that fit "contains", but has ${count}`)
    );
  });
}

function areUnique(items: Items, run: Run): boolean {
  const met = new Set<string>();
  for (const [i, item] of items.entries()) {
    run.budget.charge(4);
    met.add(textOf(item, run.texts, run.budget));
    if (met.size <= i)
      return run.fail(`must have no equal items, but item ${i} repeats an earlier one`);
  }
  return true;
}

function unevaluatedCheck(check: Check): Check {
  return itemsCheck((items, run) => {
    const { evaluated } = run;
    if (evaluated === null || evaluated.allItems) return true;
    let all = true;
    for (let i = evaluated.itemsBefore; i < items.length; i++) {
      if (evaluated.items.has(i)) continue;
      all = run.child(check, items[i] as ExactJson, i) && all;
      if (!all && run.silent > 0) return false;
    }
    evaluated.allItems = true;
    return all;
  });
}
