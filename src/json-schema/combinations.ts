/** Keywords that hold a value against other schemas: references, all, any, one, not, if. */
import type { Json } from '../core/json.ts';
import type { Keywords } from './keywords.ts';
import type { Check, Run } from './run.ts';

export function combinationChecks(keywords: Keywords): Check[] {
  const { schema, held } = keywords;
  const list = (keyword: string) => ((schema[keyword] ?? []) as readonly Json[]).map(held);
  const checks = [...referenceChecks(keywords), ...conditionChecks(keywords)];
  for (const check of list('allOf')) checks.push((value, run) => run.same(check, value));
  const any = list('anyOf');
  if (any.length > 0) checks.push(anyCheck(any));
  const one = list('oneOf');
  if (one.length > 0) checks.push(oneCheck(one));
  if (schema['not'] !== undefined) checks.push(notCheck(held(schema['not'])));
  return checks;
}

function referenceChecks({ schema, document, place, at }: Keywords): Check[] {
  const { $ref, $dynamicRef } = schema as { $ref?: string; $dynamicRef?: string };
  const checks: Check[] = [];
  if ($ref !== undefined) {
    const check = at(document.resolve($ref, place));
    checks.push((value, run) => run.same(check, value));
  }
  if ($dynamicRef !== undefined) {
    const { place: target, anchor } = document.resolveDynamic($dynamicRef, place);
    const nearest = at(target);
    checks.push((value, run) => {
      const outermost =
        anchor === null
          ? undefined
          : run.scope
              .find(({ dynamicAnchors }) => dynamicAnchors.has(anchor))
              ?.dynamicAnchors.get(anchor as string);
      run.budget.charge(run.scope.length);
      return run.same(outermost === undefined ? nearest : at(outermost), value);
    });
  }
  return checks;
}

function conditionChecks({ schema, held }: Keywords): Check[] {
  if (schema['if'] === undefined) return [];
  const condition = held(schema['if']);
  const branch = (keyword: string) =>
    schema[keyword] === undefined ? null : held(schema[keyword]);
  const then = branch('then');
  const otherwise = branch('else');
  return [
    (value, run) => {
      const next = run.silently(condition, value) ? then : otherwise;
      return next === null || run.same(next, value);
    },
  ];
}

/** What each schema finds is told only where none fits. */
function anyCheck(checks: readonly Check[]): Check {
  return (value, run) => {
    const told = run.mismatches.length;
    let any = false;
    for (const check of checks) {
      if (!run.same(check, value)) continue;
      any = true;
      // All of them may have looked at members, where that is asked for.
      if (run.evaluated === null) break;
    }
    if (any) run.mismatches.length = told;
    return any || run.fail('must fit at least one schema of "anyOf"');
  };
}

function oneCheck(checks: readonly Check[]): Check {
  return (value, run) => {
    const told = run.mismatches.length;
    const fitting = countFitting(checks, value, run);
    if (fitting > 0) run.mismatches.length = told;
    if (fitting === 1) return true;
    const found = fitting === 0 ? 'fits none' : `fits ${fitting}`;
    return run.fail(`must fit exactly one schema of "oneOf", but ${found}`);
  };
}

function countFitting(checks: readonly Check[], value: Parameters<Check>[0], run: Run): number {
  let count = 0;
  for (const check of checks) if (run.same(check, value)) count += 1;
  return count;
}

function notCheck(check: Check): Check {
  return (value, run) => {
    const outer = run.evaluated;
    const fits = run.silently(check, value);
    run.evaluated = outer;
    return !fits || run.fail('must not fit the schema of "not"');
  };
}
