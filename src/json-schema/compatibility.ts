/**
 * Whether all that one schema allows, another allows too: told from the schemas alone, as far as
 * rules can tell. What they cannot tell is said as well. Pure.
 */
import { canonicalJson } from '../core/canonical-json.ts';
import { pointerStep } from '../core/isomorphic.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { FORMATS } from './formats.ts';
import {
  ANNOTATIONS,
  VALUED,
  boundOf,
  hasReference,
  isOpen,
  isSubset,
  listIn,
  mapIn,
  namesIn,
  saysTheSame,
  targetOf,
  typesOf,
  valuesOf,
} from './schema-facts.ts';
import { TYPES } from './vocabulary.ts';

export interface Finding {
  /** Of the keyword in the schema that must allow it, as a JSON Pointer through its references. */
  readonly pointer: string;
  readonly message: string;
  /** False: it may be narrower, and rules cannot tell. */
  readonly isCertain: boolean;
}

/** What each schema is called in messages. */
export interface Names {
  readonly from: string;
  readonly to: string;
}

/** Pairs of schemas that are compared: references can make many of few. */
const PAIRS_MAX = 5_000;
const FINDINGS_MAX = 50;
const DEPTH_MAX = 100;

/** Where the second schema may refuse what the first allows. Empty: it allows all of it. */
export function narrowings(from: Json, to: Json, names: Names): readonly Finding[] {
  const comparison = new Comparison({ from, to }, names);
  comparison.compare({ from, to, pointer: '', depth: 0 });
  return comparison.findings;
}

interface Pair {
  readonly from: Json;
  readonly to: Json;
  readonly pointer: string;
  readonly depth: number;
}

interface ObjectPair extends Pair {
  readonly from: JsonObject;
  readonly to: JsonObject;
  /** Types that the first one allows. */
  readonly types: ReadonlySet<string>;
}

/** Whose meaning is not told from the keyword alone. */
const COMBINING = [
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', '$dynamicRef', '$ref'],
  ...['dependentSchemas', 'dependencies', 'contains', 'minContains', 'maxContains'],
  ...['unevaluatedProperties', 'unevaluatedItems'],
];

const UPPER = { number: ['maximum', 'exclusiveMaximum'] } as const;
const LOWER = { number: ['minimum', 'exclusiveMinimum'] } as const;

/** By keyword: of which type, and whether a greater value allows less. */
const COUNTS: Readonly<Record<string, readonly [type: string, isLower: boolean]>> = {
  minLength: ['string', true],
  maxLength: ['string', false],
  minItems: ['array', true],
  maxItems: ['array', false],
  minProperties: ['object', true],
  maxProperties: ['object', false],
};

class Comparison {
  readonly findings: Finding[] = [];
  readonly #roots: { readonly from: Json; readonly to: Json };
  readonly #names: Names;
  readonly #met = new Set<string>();
  /** Above 0, the first schema says more than is looked at, so nothing is certain. */
  #unsure = 0;
  #pairs = 0;

  constructor(roots: { readonly from: Json; readonly to: Json }, names: Names) {
    this.#roots = roots;
    this.#names = names;
  }

  compare(pair: Pair): void {
    this.#pairs += 1;
    if (this.findings.length >= FINDINGS_MAX) return;
    if (this.#pairs > PAIRS_MAX || pair.depth > DEPTH_MAX) {
      return this.#add(pair.pointer, 'the schemas are too large to be compared by rules', false);
    }
    if (this.#isKnown(pair)) return;
    if (isOpen(pair.to) || pair.from === false) return;
    const from = this.#resolved(pair.from, 'from', pair.pointer);
    const to = this.#resolved(pair.to, 'to', pair.pointer);
    if (from === undefined || to === undefined || isOpen(to) || from === false) return;
    if (to === false) {
      return this.#add(pair.pointer, `${this.#names.to} allows no value here`, true);
    }
    const first = isJsonObject(from) ? from : {};
    const isUnsure = COMBINING.some(name => Object.hasOwn(first, name));
    if (isUnsure) this.#unsure += 1;
    this.#compareObjects({
      ...pair,
      from: first,
      to: to as JsonObject,
      types: typesOf(first),
    });
    if (isUnsure) this.#unsure -= 1;
  }

  /** The same pair is compared once: a schema may refer to itself. Equal ones without references allow the same. */
  #isKnown({ from, to }: Pair): boolean {
    const [a, b] = [canonicalJson(from), canonicalJson(to)];
    if (a === b && !hasReference(a)) return true;
    const both = `${this.#unsure > 0} ${a}\n${b}`;
    if (this.#met.has(both)) return true;
    this.#met.add(both);
    return false;
  }

  #add(pointer: string, message: string, isCertain: boolean): void {
    if (this.findings.length >= FINDINGS_MAX) return;
    if (this.findings.some(each => each.pointer === pointer && each.message === message)) return;
    this.findings.push({ pointer, message, isCertain: isCertain && this.#unsure === 0 });
  }

  /** What a schema that is only a reference stands for; undefined where that cannot be followed. */
  #resolved(schema: Json, side: 'from' | 'to', pointer: string): Json | undefined {
    let found = schema;
    for (let steps = 0; isJsonObject(found) && typeof found['$ref'] === 'string'; steps++) {
      const others = Object.keys(found).filter(name => !ANNOTATIONS.has(name) && name !== '$ref');
      if (others.length > 0) break;
      const target = targetOf(this.#roots[side], found['$ref']);
      if (target === undefined || steps > DEPTH_MAX) {
        this.#add(`${pointer}/$ref`, `rules do not follow the reference ${found['$ref']}`, false);
        return undefined;
      }
      found = target;
    }
    return found;
  }

  #compareObjects(pair: ObjectPair): void {
    this.#compareTypes(pair);
    this.#compareValues(pair);
    if (valuesOf(pair.from) !== null) return this.#compareRest(pair);
    if (pair.types.has('number') || pair.types.has('integer')) this.#compareNumbers(pair);
    this.#compareCounts(pair);
    if (pair.types.has('string')) this.#compareTexts(pair);
    if (pair.types.has('array')) this.#compareArrays(pair);
    if (pair.types.has('object')) {
      this.#compareRequired(pair);
      this.#compareProperties(pair);
    }
    this.#compareCombinations(pair);
  }

  /** Of a schema that lists its values: whether these fit is not told keyword by keyword. */
  #compareRest({ to, pointer }: ObjectPair): void {
    const rest = Object.keys(to).filter(name => !ANNOTATIONS.has(name) && !VALUED.has(name));
    if (rest.length === 0) return;
    const message = `rules do not compare the values that ${this.#names.from} lists with ${rest.join(', ')}`;
    this.#add(pointer, message.slice(0, 300), false);
  }

  #compareTypes({ to, types, pointer }: ObjectPair): void {
    const allowed = typesOf({ type: to['type'] ?? [...TYPES] });
    const lost = [...types].filter(
      type => !allowed.has(type) && !(type === 'integer' && allowed.has('number')),
    );
    if (lost.length === 0) return;
    const message = `${this.#names.to} does not allow ${lost.join(', ')}, which ${this.#names.from} allows`;
    this.#add(`${pointer}/type`, message, true);
  }

  #compareValues({ from, to, pointer }: ObjectPair): void {
    const allowed = valuesOf(to);
    if (allowed === null) return;
    const keyword = `${pointer}/${Object.hasOwn(to, 'const') ? 'const' : 'enum'}`;
    const given = valuesOf(from);
    if (given === null) {
      const message = `${this.#names.to} allows only listed values, ${this.#names.from} allows others`;
      return this.#add(keyword, message, true);
    }
    const known = new Set(allowed.map(canonicalJson));
    const lost = given.map(canonicalJson).filter(value => !known.has(value));
    if (lost.length === 0) return;
    const listed = lost.slice(0, 5).join(', ').slice(0, 200);
    this.#add(
      keyword,
      `${this.#names.to} does not allow ${listed}${lost.length > 5 ? ', …' : ''}`,
      true,
    );
  }

  #compareNumbers({ from, to, pointer }: ObjectPair): void {
    for (const [keywords, sign] of [
      [LOWER.number, 1],
      [UPPER.number, -1],
    ] as const) {
      const [wanted, given] = [boundOf(to, keywords, sign), boundOf(from, keywords, sign)];
      if (wanted === null) continue;
      const isTighter =
        given === null ||
        wanted.value > given.value ||
        (wanted.value === given.value && wanted.isExclusive && !given.isExclusive);
      if (!isTighter) continue;
      this.#bound(pointer, wanted.keyword, [wanted.value * sign, given && given.value * sign]);
    }
    const [wanted, given] = [to['multipleOf'], from['multipleOf']];
    if (typeof wanted !== 'number') return;
    const step = typeof given === 'number' ? given : 1;
    const isKnown = typeof given === 'number' || !typesOf(from).has('number');
    if (wanted === given || (isKnown && Number.isInteger(step / wanted))) return;
    this.#bound(pointer, 'multipleOf', [wanted, typeof given === 'number' ? given : null]);
  }

  #bound(
    pointer: string,
    keyword: string,
    [wanted, given]: readonly [number, number | null],
  ): void {
    const { from, to } = this.#names;
    const other = given === null ? `${from} has none` : `${from} allows ${given}`;
    this.#add(`${pointer}/${keyword}`, `${to} has ${keyword} ${wanted}, ${other}`, true);
  }

  #compareCounts({ from, to, types, pointer }: ObjectPair): void {
    for (const [keyword, [type, isLower]] of Object.entries(COUNTS)) {
      const wanted = to[keyword];
      if (typeof wanted !== 'number' || !types.has(type) || (isLower && wanted <= 0)) continue;
      const own = from[keyword];
      const given = typeof own === 'number' ? own : null;
      const required = keyword === 'minProperties' ? namesIn(from['required']).length : 0;
      if (isLower && Math.max(given ?? 0, required) >= wanted) continue;
      if (!isLower && given !== null && given <= wanted) continue;
      this.#bound(pointer, keyword, [wanted, given]);
    }
  }

  #compareTexts({ from, to, pointer }: ObjectPair): void {
    const { from: other, to: name } = this.#names;
    const [pattern, before] = [to['pattern'], from['pattern']];
    if (pattern !== undefined && pattern !== before) {
      const message =
        before === undefined
          ? `${name} has a pattern, ${other} has none`
          : `rules do not compare the pattern of ${name} with that of ${other}`;
      this.#add(`${pointer}/pattern`, message, before === undefined);
    }
    const format = to['format'];
    if (typeof format === 'string' && FORMATS.has(format) && format !== from['format']) {
      this.#add(`${pointer}/format`, `${name} has the format ${format}, ${other} does not`, true);
    }
  }

  #compareArrays(pair: ObjectPair): void {
    const { from, to, pointer, depth } = pair;
    if (to['uniqueItems'] === true && from['uniqueItems'] !== true) {
      const message = `${this.#names.to} has uniqueItems, ${this.#names.from} does not`;
      this.#add(`${pointer}/uniqueItems`, message, true);
    }
    const [first, second] = [listIn(from['prefixItems']), listIn(to['prefixItems'])];
    for (let index = 0; index < Math.max(first.length, second.length); index++) {
      const place = index < second.length ? `/prefixItems/${index}` : '/items';
      this.compare({
        from: first[index] ?? from['items'] ?? true,
        to: second[index] ?? to['items'] ?? true,
        pointer: pointer + place,
        depth: depth + 1,
      });
    }
    this.#held(pair, 'items');
  }

  #held({ from, to, pointer, depth }: ObjectPair, keyword: string): void {
    if (to[keyword] === undefined) return;
    this.compare({
      from: from[keyword] ?? true,
      to: to[keyword],
      pointer: `${pointer}/${keyword}`,
      depth: depth + 1,
    });
  }

  #compareRequired({ from, to, pointer }: ObjectPair): void {
    const given = new Set(namesIn(from['required']));
    const { from: other, to: name } = this.#names;
    for (const property of namesIn(to['required'])) {
      if (given.has(property)) continue;
      const message = `${name} requires ${JSON.stringify(property)}, ${other} does not`;
      this.#add(`${pointer}/required`, message, true);
    }
    if (!isJsonObject(to['dependentRequired'])) return;
    const before = isJsonObject(from['dependentRequired']) ? from['dependentRequired'] : {};
    for (const [property, needed] of Object.entries(to['dependentRequired'])) {
      const known = new Set([...given, ...namesIn(before[property])]);
      const lost = namesIn(needed).filter(each => !known.has(each));
      if (lost.length === 0) continue;
      const message = `${name} requires ${lost.join(', ')} beside ${property}, ${other} does not`;
      this.#add(`${pointer}/dependentRequired${pointerStep(property)}`, message, true);
    }
  }

  #compareProperties(pair: ObjectPair): void {
    const { from, to, pointer, depth } = pair;
    const [first, second] = [mapIn(from['properties']), mapIn(to['properties'])];
    const isPatterned =
      from['patternProperties'] !== undefined || to['patternProperties'] !== undefined;
    for (const property of new Set([...Object.keys(first), ...Object.keys(second)])) {
      const own = Object.hasOwn(second, property);
      const place = own ? `/properties${pointerStep(property)}` : '/additionalProperties';
      const next = {
        // A pattern may be what says something of it: then anything may come.
        from: Object.hasOwn(first, property)
          ? (first[property] as Json)
          : from['patternProperties'] !== undefined || (from['additionalProperties'] ?? true),
        to: own ? (second[property] as Json) : (to['additionalProperties'] ?? true),
        pointer: pointer + place,
        depth: depth + 1,
      };
      if (!own && next.to === false && next.from !== false) {
        const message = `${this.#names.to} does not allow the property ${JSON.stringify(property)}`;
        this.#add(next.pointer, message, !isPatterned);
      } else if (own && !Object.hasOwn(first, property) && isOpen(next.from) && !isOpen(next.to)) {
        // Nobody said what it holds: rules alone would refuse each new property of an open schema.
        const message = `${this.#names.from} allows any value of the property ${JSON.stringify(property)}`;
        this.#add(next.pointer, message, false);
      } else {
        this.#unsurely(isPatterned, () => this.compare(next));
      }
    }
    this.#unsurely(isPatterned, () => this.#held(pair, 'additionalProperties'));
    this.#held(pair, 'propertyNames');
    this.#comparePatterned(pair);
  }

  #unsurely(isUnsure: boolean, work: () => void): void {
    if (isUnsure) this.#unsure += 1;
    work();
    if (isUnsure) this.#unsure -= 1;
  }

  #comparePatterned({ from, to, pointer, depth }: ObjectPair): void {
    const first = mapIn(from['patternProperties']);
    for (const [pattern, schema] of Object.entries(mapIn(to['patternProperties']))) {
      const place = `${pointer}/patternProperties${pointerStep(pattern)}`;
      const before = Object.hasOwn(first, pattern) ? first[pattern] : undefined;
      if (before !== undefined) {
        this.compare({ from: before, to: schema, pointer: place, depth: depth + 1 });
      } else if (!isOpen(schema)) {
        this.#add(place, `${this.#names.from} does not have this pattern of names`, false);
      }
    }
    const second = mapIn(to['patternProperties']);
    const isLost = Object.keys(first).some(pattern => !Object.hasOwn(second, pattern));
    if (!isLost || isOpen(to['additionalProperties'] ?? true)) return;
    const message = `${this.#names.from} has patternProperties that ${this.#names.to} does not have`;
    this.#add(`${pointer}/additionalProperties`, message, false);
  }

  /** What combines schemas is only followed through `allOf`, and else compared as a whole. */
  #compareCombinations({ from, to, pointer, depth }: ObjectPair): void {
    for (const keyword of COMBINING) {
      const wanted = to[keyword];
      if (wanted === undefined) continue;
      if (saysTheSame(keyword, from, to)) continue;
      if (keyword === 'allOf') {
        listIn(wanted).forEach((each, index) => {
          if (isSubset([each], from['allOf'] ?? [])) return;
          this.compare({ from, to: each, pointer: `${pointer}/allOf/${index}`, depth: depth + 1 });
        });
        continue;
      }
      const isWider =
        keyword === 'anyOf' && listIn(from['anyOf']).length > 0 && isSubset(from['anyOf'], wanted);
      if (isWider) continue;
      const message = `rules do not compare ${keyword} of ${this.#names.to} with ${this.#names.from}`;
      this.#add(`${pointer}/${keyword}`, message, false);
    }
  }
}
