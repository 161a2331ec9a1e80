/** Keywords for objects. Members are the object's own, whatever their names. */
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { pointerStep } from '../core/isomorphic.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Automaton } from './automaton.ts';
import type { Keywords } from './keywords.ts';
import type { Check, Run } from './run.ts';
import { shown } from './work-budget.ts';

const objectCheck =
  (check: (object: ExactObject, run: Run) => boolean): Check =>
  (value, run) =>
    check(value as ExactObject, run);

const KEYWORDS = [
  ...['minProperties', 'maxProperties', 'required', 'dependentRequired', 'dependencies'],
  ...['properties', 'patternProperties', 'additionalProperties', 'dependentSchemas'],
  ...['propertyNames', 'unevaluatedProperties'],
];

/** The last one looks at what all others have left. */
export function objectChecks(keywords: Keywords): Check[] {
  const { schema, held } = keywords;
  if (!KEYWORDS.some(keyword => Object.hasOwn(schema, keyword))) return [];
  const checks = [...countChecks(keywords), ...requiredChecks(keywords)];
  checks.push(...memberChecks(keywords), ...dependentSchemaChecks(keywords));
  const names = schema['propertyNames'];
  if (names !== undefined) checks.push(namesCheck(held(names)));
  const unevaluated = schema['unevaluatedProperties'];
  if (unevaluated !== undefined) checks.push(unevaluatedCheck(unevaluated, held(unevaluated)));
  return checks;
}

function countChecks({ schema }: Keywords): Check[] {
  const { minProperties: min = 0, maxProperties: max = Infinity } = schema as {
    minProperties?: number;
    maxProperties?: number;
  };
  if (min === 0 && max === Infinity) return [];
  return [
    objectCheck((object, run) => {
      const count = namesOf(object, run).length;
      if (count < min) return run.fail(`must have at least ${min} properties`);
      return count <= max || run.fail(`must have at most ${max} properties`);
    }),
  ];
}

function namesOf(object: ExactObject, run: Run): string[] {
  const names = Object.keys(object);
  run.budget.charge(names.length * 2);
  return names;
}

function requiredChecks({ schema }: Keywords): Check[] {
  const required = (schema['required'] ?? []) as readonly string[];
  const checks: Check[] = required.length === 0 ? [] : [requireAll(required, '')];
  const groups = [
    ...Object.entries((schema['dependentRequired'] ?? {}) as JsonObject),
    ...Object.entries((schema['dependencies'] ?? {}) as JsonObject).filter(([, v]) =>
      Array.isArray(v),
    ),
  ];
  for (const [name, others] of groups) {
    const check = requireAll(others as string[], `, since it has "${shown(name)}"`);
    checks.push(whenPresent(name, check));
  }
  return checks;
}

function requireAll(names: readonly string[], reason: string): Check {
  return objectCheck((object, run) => {
    run.budget.charge(names.length * 2);
    let all = true;
    for (const name of names) {
      if (Object.hasOwn(object, name)) continue;
      all = run.fail(`must have the property "${shown(name)}"${reason}`);
      if (run.silent > 0) return false;
    }
    return all;
  });
}

function whenPresent(name: string, check: Check): Check {
  return (value, run) => !Object.hasOwn(value as ExactObject, name) || check(value, run);
}

function dependentSchemaChecks({ schema, held }: Keywords): Check[] {
  const groups = [
    ...Object.entries((schema['dependentSchemas'] ?? {}) as JsonObject),
    ...Object.entries((schema['dependencies'] ?? {}) as JsonObject).filter(
      ([, v]) => !Array.isArray(v),
    ),
  ];
  return groups.map(([name, dependent]) => {
    const check = held(dependent);
    return whenPresent(name, (value, run) => run.same(check, value));
  });
}

/** `properties`, `patternProperties` and `additionalProperties` share the members out. */
function memberChecks(keywords: Keywords): Check[] {
  const { schema, held } = keywords;
  const named = new Map(
    Object.entries((schema['properties'] ?? {}) as JsonObject).map(([name, s]) => [name, held(s)]),
  );
  const patterns = patternsOf(keywords);
  const rest = schema['additionalProperties'];
  if (patterns.length === 0 && rest === undefined) {
    return named.size === 0 ? [] : [namedCheck(named)];
  }
  const additional = rest === undefined ? null : additionalCheck(rest, held);
  return [objectCheck((object, run) => membersFit({ named, patterns, additional }, object, run))];
}

function patternsOf({ schema, document, place, held }: Keywords): [Automaton, Check][] {
  return Object.entries((schema['patternProperties'] ?? {}) as JsonObject).map(([pattern, s]) => {
    const at = `${place.pointer}/patternProperties${pointerStep(pattern)}`;
    return [document.pattern(pattern, at), held(s)];
  });
}

type MemberCheck = (object: ExactObject, name: string, run: Run) => boolean;

function additionalCheck(rest: Json, held: (schema: Json) => Check): MemberCheck {
  if (rest === false)
    return (_object, name, run) => run.fail(`must not have the property "${shown(name)}"`);
  const check = held(rest);
  return (object, name, run) => run.child(check, object[name] as ExactJson, name);
}

function namedCheck(named: ReadonlyMap<string, Check>): Check {
  const names = [...named.keys()];
  const checks = [...named.values()];
  return objectCheck((object, run) => {
    run.budget.charge(names.length * 2);
    let all = true;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      if (!Object.hasOwn(object, name)) continue;
      run.evaluated?.members.add(name);
      all = run.child(checks[i] as Check, object[name] as ExactJson, name) && all;
      if (!all && run.silent > 0) return false;
    }
    return all;
  });
}

interface Members {
  readonly named: ReadonlyMap<string, Check>;
  readonly patterns: readonly (readonly [Automaton, Check])[];
  readonly additional: MemberCheck | null;
}

function membersFit(
  { named, patterns, additional }: Members,
  object: ExactObject,
  run: Run,
): boolean {
  let all = true;
  for (const name of namesOf(object, run)) {
    const own = named.get(name);
    let isMet = own !== undefined;
    if (own !== undefined) all = run.child(own, object[name] as ExactJson, name) && all;
    for (const [pattern, check] of patterns) {
      if (!pattern.test(name, run.budget)) continue;
      isMet = true;
      all = run.child(check, object[name] as ExactJson, name) && all;
    }
    if (!isMet && additional !== null) all = additional(object, name, run) && all;
    if (isMet || additional !== null) run.evaluated?.members.add(name);
    if (!all && run.silent > 0) return false;
  }
  return all;
}

function namesCheck(check: Check): Check {
  return objectCheck((object, run) => {
    let all = true;
    for (const name of namesOf(object, run)) {
      all = run.child(check, name, name) && all;
      if (!all && run.silent > 0) return false;
    }
    return all;
  });
}

function unevaluatedCheck(schema: Json, check: Check): Check {
  return objectCheck((object, run) => {
    const { evaluated } = run;
    if (evaluated === null || evaluated.allMembers) return true;
    let all = true;
    for (const name of namesOf(object, run)) {
      if (evaluated.members.has(name)) continue;
      const fits =
        schema === false
          ? run.fail(`must not have the property "${shown(name)}"`)
          : run.child(check, object[name] as ExactJson, name);
      all = fits && all;
      if (!all && run.silent > 0) return false;
    }
    evaluated.allMembers = true;
    return all;
  });
}
