/**
 * A schema with all that it names: resources by `$id`, anchors, and what a reference means. Every
 * part is looked at once, also those that no payload reaches, so a fault is found when a schema is
 * defined. Other documents are not fetched.
 */
import { pointerStep } from '../core/isomorphic.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { Automaton } from './automaton.ts';
import { META_SCHEMAS } from './meta-schemas.ts';
import { compilePattern } from './pattern.ts';
import { dialectFault, HOLDS, shapeFault } from './vocabulary.ts';
import type { WorkBudget } from './work-budget.ts';
import { SchemaFault, shown } from './work-budget.ts';

/** What a `$id` names: a part with a base for references, and anchors of its own. */
export interface Resource {
  readonly uri: string;
  readonly root: JsonObject | boolean;
  readonly anchors: Map<string, Place>;
  readonly dynamicAnchors: Map<string, Place>;
}

/** A schema within the document. */
export interface Place {
  readonly schema: JsonObject | boolean;
  readonly resource: Resource;
  readonly pointer: string;
}

/** Where a `$dynamicRef` leads unless an outer resource has an anchor of this name. */
export interface DynamicTarget {
  readonly place: Place;
  /** Null: it is like a `$ref`. */
  readonly anchor: string | null;
}

const DEPTH_MAX = 100;
const BASE = 'schema://payload/';
/** What reading one keyword costs. */
const KEYWORD_UNITS = 40;

export class Document {
  readonly root: Place;
  /** Whether `unevaluatedItems` or `unevaluatedProperties` stand anywhere. */
  notesEvaluated = false;
  /** Whether what a part means may depend on the way to it. */
  hasDynamicReferences = false;
  readonly #budget: WorkBudget;
  readonly #resources = new Map<string, Resource>();
  readonly #places = new Map<JsonObject, Place>();
  readonly #patterns = new Map<string, Automaton>();
  readonly #references: (() => void)[] = [];
  #hasMetaSchemas = false;

  /** @throws SchemaFault, OutOfWork */
  constructor(schema: JsonObject | boolean, budget: WorkBudget) {
    this.#budget = budget;
    this.root = this.#add(schema, BASE);
    // Only now is everything known that a reference may mean. One may make a place of its own.
    for (const check of this.#references) check();
  }

  placeOf(schema: JsonObject | boolean, near: Place): Place {
    if (typeof schema === 'boolean') return { ...near, schema };
    return this.#places.get(schema) ?? this.#visit(schema, near.resource, near.pointer);
  }

  /** @throws SchemaFault */
  pattern(pattern: string, pointer: string): Automaton {
    let automaton = this.#patterns.get(pattern);
    if (automaton === undefined) {
      automaton = this.#compilePattern(pattern, pointer);
      this.#patterns.set(pattern, automaton);
    }
    return automaton;
  }

  get patternBytes(): number {
    return [...this.#patterns.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @throws SchemaFault where it leads nowhere */
  resolve(reference: string, from: Place): Place {
    const uri = this.#absolute(reference, from);
    const [base = '', fragment = ''] = uri.split('#', 2);
    const resource = this.#resource(base);
    if (resource === undefined) {
      const reason = `it refers to ${shown(reference)}, which is not part of it. Other documents are not fetched. Put it into "$defs"`;
      throw new SchemaFault(`${from.pointer}/$ref`, reason);
    }
    const target = this.#target(resource, fragment);
    if (target !== undefined) return target;
    const reason = `it refers to ${shown(reference)}, but there is no such part`;
    throw new SchemaFault(`${from.pointer}/$ref`, reason);
  }

  resolveDynamic(reference: string, from: Place): DynamicTarget {
    const place = this.resolve(reference, from);
    const anchor = this.#absolute(reference, from).split('#', 2)[1] ?? '';
    const isDynamic = place.resource.dynamicAnchors.get(anchor)?.schema === place.schema;
    return { place, anchor: isDynamic ? anchor : null };
  }

  #compilePattern(pattern: string, pointer: string): Automaton {
    try {
      return compilePattern(pattern, this.#budget);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SchemaFault(
        pointer,
        `the pattern ${shown(pattern)} is not usable: ${error.message}`,
      );
    }
  }

  #absolute(reference: string, { resource, pointer }: Place): string {
    try {
      return new URL(reference, resource.uri).href;
    } catch {
      const reason = `${shown(reference)} is not a reference to a URI`;
      throw new SchemaFault(`${pointer}/$ref`, reason);
    }
  }

  #resource(uri: string): Resource | undefined {
    const known = this.#resources.get(uri);
    if (known !== undefined || this.#hasMetaSchemas) return known;
    if (!uri.startsWith('https://json-schema.org/draft/2020-12/')) return undefined;
    this.#hasMetaSchemas = true;
    for (const schema of META_SCHEMAS) this.#add(schema, schema['$id'] as string);
    return this.#resources.get(uri);
  }

  #add(schema: JsonObject | boolean, uri: string): Place {
    const resource = this.#newResource(uri, schema);
    if (typeof schema === 'boolean') return { schema, resource, pointer: '' };
    return this.#visit(schema, resource, '');
  }

  #newResource(uri: string, root: JsonObject | boolean): Resource {
    const resource = { uri, root, anchors: new Map(), dynamicAnchors: new Map() };
    this.#resources.set(uri, resource);
    return resource;
  }

  /** Looks at a schema and all within it. */
  #visit(schema: JsonObject, within: Resource, pointer: string): Place {
    if (pointer.split('/', DEPTH_MAX * 2 + 1).length > DEPTH_MAX * 2) {
      throw new SchemaFault(
        shown(pointer),
        `schemas within each other may have ${DEPTH_MAX} levels`,
      );
    }
    const place = { schema, resource: this.#resourceOf(schema, within, pointer), pointer };
    this.#places.set(schema, place);
    for (const [keyword, value] of Object.entries(schema)) {
      this.#budget.charge(KEYWORD_UNITS);
      const at = `${pointer}${pointerStep(keyword)}`;
      const expected = shapeFault(keyword, value);
      if (expected !== null) throw new SchemaFault(at, misshaped(keyword, expected, value));
      this.#note(place, keyword, value);
      this.#visitHeld(place, keyword, value);
    }
    return place;
  }

  #resourceOf(schema: JsonObject, within: Resource, pointer: string): Resource {
    const id = schema['$id'];
    if (typeof id !== 'string') return within;
    const uri = this.#absolute(id, { schema, resource: within, pointer }).replace(/#$/, '');
    const known = this.#resources.get(uri);
    if (known !== undefined && known.root !== schema) {
      throw new SchemaFault(`${pointer}/$id`, `two parts have the same "$id": ${shown(id)}`);
    }
    // The document itself is also known by the base that it was given.
    return known ?? this.#newResource(uri, schema);
  }

  #note(place: Place, keyword: string, value: Json): void {
    const { resource, pointer } = place;
    switch (keyword) {
      case '$schema': {
        const fault = dialectFault(value as string, JSON.stringify(place.schema));
        if (fault !== null) throw new SchemaFault(`${pointer}/$schema`, fault);
        break;
      }
      case '$anchor':
        resource.anchors.set(value as string, place);
        break;
      case '$dynamicAnchor':
        resource.anchors.set(value as string, place);
        resource.dynamicAnchors.set(value as string, place);
        break;
      case '$dynamicRef':
        this.hasDynamicReferences = true;
        this.#references.push(() => this.resolve(value as string, place));
        break;
      case '$ref':
        this.#references.push(() => this.resolve(value as string, place));
        break;
      case 'pattern':
        this.pattern(value as string, `${pointer}/pattern`);
        break;
      case 'patternProperties':
        for (const pattern of Object.keys(value as JsonObject)) {
          this.pattern(pattern, `${pointer}/patternProperties${pointerStep(pattern)}`);
        }
        break;
      case 'unevaluatedItems':
      case 'unevaluatedProperties':
        this.notesEvaluated = true;
        break;
    }
  }

  #visitHeld({ resource, pointer }: Place, keyword: string, value: Json): void {
    const at = `${pointer}${pointerStep(keyword)}`;
    const visit = (held: Json, step: string) => {
      if (isJsonObject(held)) this.#visit(held, resource, `${at}${step}`);
    };
    const holds = keyword === 'dependencies' ? 'map' : HOLDS.get(keyword);
    if (holds === 'one') visit(value, '');
    if (holds === 'list') (value as Json[]).forEach((held, i) => visit(held, pointerStep(i)));
    if (holds !== 'map') return;
    for (const [name, held] of Object.entries(value as JsonObject)) visit(held, pointerStep(name));
  }

  #target(resource: Resource, fragment: string): Place | undefined {
    const name = decoded(fragment);
    if (name !== '' && !name.startsWith('/')) return resource.anchors.get(name);
    let near = this.placeOf(resource.root, { schema: true, resource, pointer: '' });
    let part: Json | undefined = resource.root;
    for (const step of name.split('/').slice(1)) {
      part = memberOf(part, step.replaceAll('~1', '/').replaceAll('~0', '~'));
      const known = isJsonObject(part) ? this.#places.get(part) : undefined;
      near = known ?? { ...near, pointer: `${near.pointer}/${step}` };
    }
    if (part === undefined || !(typeof part === 'boolean' || isJsonObject(part))) return undefined;
    return this.placeOf(part, near);
  }
}

function memberOf(value: Json | undefined, step: string): Json | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return (value as JsonObject)[step];
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

function misshaped(keyword: string, expected: string, value: Json): string {
  if (keyword === 'items' && Array.isArray(value)) {
    return '"items" is one schema for all items; a list of schemas is called "prefixItems" since 2020-12';
  }
  return `"${keyword}" must be ${expected}, but it is ${shown(JSON.stringify(value), 40)}`;
}
