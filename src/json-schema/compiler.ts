/** Schemas become functions that call each other. */
import type { ExactJson } from '../core/exact-json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { arrayChecks } from './arrays.ts';
import { combinationChecks } from './combinations.ts';
import type { Document, Place, Resource } from './document.ts';
import type { Meter } from './meter.ts';
import { objectChecks } from './objects.ts';
import type { Check, Run } from './run.ts';
import { anyChecks, numberChecks, stringChecks } from './scalars.ts';
import { kindOf, type Kind } from './values.ts';

/** What keywords are made with: the place that they stand in, and how to compile what they hold. */
export interface Keywords {
  readonly place: Place;
  readonly schema: JsonObject;
  readonly document: Document;
  readonly meter: Meter;
  /** A schema that a keyword holds. */
  held(schema: Json): Check;
  at(place: Place): Check;
}

const fits: Check = () => true;
const never: Check = (_value, run) => run.fail('must not be there');

/** What entering a schema costs, and each of its keywords. */
const ENTRY_UNITS = 4;

export class Compiler {
  readonly #document: Document;
  readonly #meter: Meter;
  readonly #checks = new Map<JsonObject, Check>();

  constructor(document: Document, meter: Meter) {
    this.#document = document;
    this.#meter = meter;
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
    this.#meter.charge(Object.keys(schema).length * 20);
    const keywords: Keywords = {
      ...{ place, schema, document: this.#document, meter: this.#meter },
      held: held => this.compile(this.#document.placeOf(held as JsonObject | boolean, place)),
      at: other => this.compile(other),
    };
    const { unevaluated: unevaluatedItems, checks: array } = arrayChecks(keywords);
    const { unevaluated: unevaluatedMembers, checks: object } = objectChecks(keywords);
    const byKind: Readonly<Record<Kind, readonly Check[]>> = {
      ...{ null: [], boolean: [], array, object },
      number: numberChecks(keywords),
      string: stringChecks(keywords),
    };
    const always = [...anyChecks(keywords), ...combinationChecks(keywords)];
    const last = [...unevaluatedItems, ...unevaluatedMembers];
    const check = inOrder(always, byKind, last);
    return inResource(check, place.resource);
  }
}

function inOrder(
  always: readonly Check[],
  byKind: Readonly<Record<Kind, readonly Check[]>>,
  last: readonly Check[],
): Check {
  const weights = Object.fromEntries(
    Object.entries(byKind).map(([kind, checks]) => [
      kind,
      ENTRY_UNITS * (1 + always.length + checks.length + last.length),
    ]),
  ) as Record<Kind, number>;
  return (value, run) => {
    const kind = kindOf(value);
    run.meter.charge(weights[kind]);
    const all = hold(always, value, run);
    if (!all && run.silent > 0) return false;
    const own = hold(byKind[kind], value, run);
    if (!own && run.silent > 0) return false;
    return hold(last, value, run) && all && own;
  };
}

/** Every mismatch is told, but where none is, the first one decides. */
function hold(checks: readonly Check[], value: ExactJson, run: Run): boolean {
  let all = true;
  for (const check of checks) {
    if (check(value, run)) continue;
    if (run.silent > 0) return false;
    all = false;
  }
  return all;
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
