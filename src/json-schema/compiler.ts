/** Schemas become functions that call each other. */
import { ExactNumber } from '../core/exact-number.ts';
import type { JsonObject } from '../core/json.ts';
import { arrayChecks } from './arrays.ts';
import { combinationChecks } from './combinations.ts';
import type { Document, Place, Resource } from './document.ts';
import type { Keywords } from './keywords.ts';
import { objectChecks } from './objects.ts';
import type { Check } from './run.ts';
import { numberChecks, stringChecks, typeChecks, valueChecks } from './scalars.ts';
import type { Kind } from './values.ts';
import type { WorkBudget } from './work-budget.ts';

const fits: Check = () => true;
const never: Check = (_value, run) => run.fail('must not be there');

/** What entering a schema costs, and each of its keywords. */
const ENTRY_UNITS = 4;
/** What making the functions of one schema costs, beside what its keywords hold. */
const MAKING_UNITS = 500;

export class Compiler {
  readonly #document: Document;
  readonly #budget: WorkBudget;
  readonly #checks = new Map<JsonObject, Check>();

  constructor(document: Document, budget: WorkBudget) {
    this.#document = document;
    this.#budget = budget;
  }

  compile(place: Place): Check {
    const { schema } = place;
    if (typeof schema === 'boolean') return schema ? fits : never;
    const known = this.#checks.get(schema);
    if (known !== undefined) return known;
    // A reference may lead back here before it is made.
    const later: Check = (value, run) => (this.#checks.get(schema) as Check)(value, run);
    this.#checks.set(schema, later);
    const made = this.#make(place, schema);
    this.#checks.set(schema, made);
    return made;
  }

  #make(place: Place, schema: JsonObject): Check {
    this.#budget.charge(MAKING_UNITS);
    const keywords: Keywords = {
      place,
      schema,
      document: this.#document,
      budget: this.#budget,
      held: held => this.compile(this.#document.placeOf(held as JsonObject | boolean, place)),
      at: other => this.compile(other),
    };
    const always = [...valueChecks(keywords), ...combinationChecks(keywords)];
    const byKind = (kind: Kind, own: readonly Check[]) =>
      together([...typeChecks(keywords, kind), ...always, ...own]);
    const check = byKindOf({
      null: byKind('null', []),
      boolean: byKind('boolean', []),
      number: byKind('number', numberChecks(keywords)),
      string: byKind('string', stringChecks(keywords)),
      array: byKind('array', arrayChecks(keywords)),
      object: byKind('object', objectChecks(keywords)),
    });
    return this.#document.hasDynamicReferences ? inResource(check, place.resource) : check;
  }
}

function byKindOf(checks: Readonly<Record<Kind, Check>>): Check {
  const { null: ofNull, boolean, number, string, array, object } = checks;
  return (value, run) => {
    if (typeof value === 'string') return string(value, run);
    if (typeof value === 'number') return number(value, run);
    if (typeof value === 'boolean') return boolean(value, run);
    if (value === null) return ofNull(value, run);
    if (Array.isArray(value)) return array(value, run);
    return value instanceof ExactNumber ? number(value, run) : object(value, run);
  };
}

/** Every mismatch is told, but where none is, the first one decides. */
function together(checks: readonly Check[]): Check {
  const units = ENTRY_UNITS * (1 + checks.length);
  const [only] = checks;
  if (only === undefined) return fits;
  if (checks.length === 1) {
    return (value, run) => {
      run.budget.charge(units);
      return only(value, run);
    };
  }
  return (value, run) => {
    run.budget.charge(units);
    let all = true;
    for (let i = 0; i < checks.length; i++) {
      if ((checks[i] as Check)(value, run)) continue;
      if (run.silent > 0) return false;
      all = false;
    }
    return all;
  };
}

function inResource(check: Check, resource: Resource): Check {
  return (value, run) => {
    const { scope } = run;
    if (scope.at(-1) === resource) return check(value, run);
    scope.push(resource);
    const result = check(value, run);
    scope.pop();
    return result;
  };
}
