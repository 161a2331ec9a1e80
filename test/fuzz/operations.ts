/** Operations made by walking the schema: mostly valid, with values that are mostly not. */
import {
  buildSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
} from 'graphql';
import { readFileSync } from 'node:fs';
import type { Dice } from './dice.ts';
import type { Known } from './values.ts';
import * as values from './values.ts';

const SCHEMA = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const DEPTH_MAX = 5;

export interface Operation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

export function operation(dice: Dice, known: Known): Operation {
  const kind = dice.of([
    'query',
    'query',
    'query',
    'mutation',
    'mutation',
    'subscription',
  ] as const);
  const root = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' }[kind];
  const writer = new OperationWriter(dice, known);
  const selection = writer.selection(SCHEMA.getType(root) as GraphQLObjectType, DEPTH_MAX);
  const { declarations, variables } = writer;
  const declared = declarations.length === 0 ? '' : `(${declarations.join(', ')})`;
  const query = `${kind} Fuzz${declared} ${selection}`;
  return { kind, variables, query: dice.chance(12) ? spoilt(dice, query) : query };
}

class OperationWriter {
  readonly declarations: string[] = [];
  readonly variables: Record<string, unknown> = {};
  readonly #dice: Dice;
  readonly #known: Known;

  constructor(dice: Dice, known: Known) {
    this.#dice = dice;
    this.#known = known;
  }

  selection(type: GraphQLNamedType, depth: number): string {
    const dice = this.#dice;
    if (isAbstractType(type)) {
      const member = dice.of(SCHEMA.getPossibleTypes(type));
      return `{ __typename ... on ${member.name} ${this.selection(member, depth - 1)} }`;
    }
    if (!isObjectType(type)) return '';
    const isRoot = depth === DEPTH_MAX;
    const fields = Object.values(type.getFields()).filter(
      field => depth > 0 || isLeafType(getNamedType(field.type)),
    );
    const chosen = isRoot && dice.chance(85) ? [dice.of(fields)] : dice.some(fields, 5);
    const written = chosen.map(field => this.#field(field, depth));
    if (written.length === 0) written.push('__typename');
    if (dice.chance(2))
      written.push(dice.of(['nothing', '__schema { types { name } }', '...F', '']));
    return `{ ${written.join(' ')} }`;
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const dice = this.#dice;
    const given = field.args.filter(arg => this.#isGiven(arg));
    const args = given.map(arg => `${arg.name}: ${this.#argument(arg)}`);
    if (dice.chance(1)) args.push('nothing: 1');
    const alias = dice.chance(10) ? `a${dice.below(20)}: ` : '';
    const directive = dice.chance(3)
      ? dice.of([' @include(if: true)', ' @skip(if: true)', ' @nothing', ' @skip', ' @defer'])
      : '';
    const list = args.length === 0 ? '' : `(${args.join(', ')})`;
    const inner = this.selection(getNamedType(field.type), depth - 1);
    return `${alias}${field.name}${list}${directive} ${inner}`;
  }

  #isGiven(arg: GraphQLArgument | GraphQLInputField): boolean {
    if (isNonNullType(arg.type) && arg.defaultValue === undefined) return !this.#dice.chance(2);
    return this.#dice.chance(arg.name === 'workspace' ? 60 : 40);
  }

  #argument(arg: GraphQLArgument): string {
    const value = this.#value(arg.type, arg.name);
    if (this.#dice.chance(30)) return literal(value, arg.type);
    const name = `v${this.declarations.length}`;
    const type = this.#dice.chance(2)
      ? this.#dice.of(['Int', 'String!', '[ID]', 'Nothing', 'Event'])
      : String(arg.type);
    this.declarations.push(`$${name}: ${type}`);
    if (!this.#dice.chance(2)) this.variables[name] = value;
    return `$${name}`;
  }

  #value(type: GraphQLInputType, name: string, depth = 4): unknown {
    const dice = this.#dice;
    if (dice.chance(2)) return values.junk(dice);
    if (isNonNullType(type)) {
      return dice.chance(1) ? null : this.#value(type.ofType, name, depth);
    }
    if (dice.chance(2)) return null;
    if (isListType(type)) {
      if (dice.chance(5)) return this.#value(type.ofType, name, depth);
      const length = dice.chance(1) ? dice.of([1_001, 3_000]) : dice.below(4);
      if (length > 4) return repeated(this.#value(type.ofType, name, 0), length);
      return Array.from({ length }, () => this.#value(type.ofType, name, depth - 1));
    }
    if (isEnumType(type)) return dice.chance(3) ? 'NOTHING' : dice.of(type.getValues()).name;
    if (!isInputObjectType(type)) return this.#scalar(type.name, name);
    const made: Record<string, unknown> = {};
    const isDeepEnough = depth <= 0;
    const fields = Object.values(type.getFields()).filter(field => {
      return isNonNullType(field.type) || type.isOneOf || !isDeepEnough;
    });
    const chosen = type.isOneOf && !dice.chance(5) ? [dice.of(fields)] : fields;
    for (const field of chosen) {
      if (chosen.length > 1 && !this.#isGiven(field)) continue;
      made[field.name] = this.#value(field.type, field.name, depth - 1);
    }
    if (dice.chance(2)) made['nothing'] = 1;
    return made;
  }

  #scalar(type: string, name: string): unknown {
    const dice = this.#dice;
    switch (type) {
      case 'Int':
      case 'SafeInt':
        return dice.chance(70) ? dice.of([2, 0, 1, 5, 50]) : values.number(dice);
      case 'Float':
      case 'Long':
        return values.number(dice);
      case 'Boolean':
        return dice.chance(3) ? 'true' : dice.chance(50);
      case 'DateTime':
        return values.date(dice);
      case 'Duration':
        return values.duration(dice);
      case 'TimeZone':
        return values.zone(dice);
      case 'JSONObject':
        return name === 'payloadSchema' ? values.jsonSchema(dice) : values.object(dice);
      case 'JSON':
        return values.json(dice);
      case 'ID':
        return values.nearly(dice, this.#known.ids);
      default:
        return this.#text(name);
    }
  }

  #text(name: string): unknown {
    const dice = this.#dice;
    const known = this.#known;
    // `default` is never removed, so that the rest has something to ask for.
    if (name === 'confirmSlug') return dice.of(['fuzz-other', 'fuzz-2', 'DEFAULT ', '']);
    if (name === 'workspace' || name === 'slug') {
      return dice.chance(20) ? values.text(dice) : dice.of(known.slugs);
    }
    if (name === 'after' || name === 'before') return values.nearly(dice, known.cursors);
    if (name === 'eventId') return values.nearly(dice, known.eventIds);
    if ((name === 'type' || name === 'name' || name === 'types') && dice.chance(60)) {
      return dice.of(known.types);
    }
    return values.text(dice);
  }
}

/** As it is written in a document. */
function literal(value: unknown, type: GraphQLInputType): string {
  const bare = isNonNullType(type) ? type.ofType : type;
  if (Array.isArray(value)) {
    const item = isListType(bare) ? bare.ofType : bare;
    return `[${value.map(each => literal(each, item)).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const fields = isInputObjectType(bare) ? bare.getFields() : {};
    const entries = Object.entries(value).map(([key, each]) => {
      return `${key}: ${literal(each, Object.hasOwn(fields, key) ? fields[key]!.type : bare)}`;
    });
    return `{${entries.join(', ')}}`;
  }
  const written = values.toWire(value);
  return isEnumType(bare) && /^"[A-Z_]+"$/.test(written) ? written.slice(1, -1) : written;
}

/** More than this, and this process stands still for longer than any gateway. */
const REPEATED_CHARS_MAX = 1_000_000;

function repeated(value: unknown, times: number): unknown[] {
  const fitting = Math.floor(REPEATED_CHARS_MAX / values.toWire(value).length);
  return new Array<unknown>(Math.min(times, fitting)).fill(value);
}

/** A document that is cut, changed or blown up. */
function spoilt(dice: Dice, query: string): string {
  const at = dice.below(query.length + 1);
  const to = Math.min(query.length, at + 1 + dice.below(20));
  switch (dice.below(12)) {
    case 0:
      return query.slice(0, at);
    case 1:
      return query.slice(0, at) + query.slice(to);
    case 2:
      return query.slice(0, to) + query.slice(at);
    case 3:
      return query.slice(0, at) + values.text(dice) + query.slice(at);
    case 4:
      return (
        query.slice(0, at) + dice.of(['{', '}', '(', '"', '"""', '\\', '#', '$', '!', '&', '\0'])
      );
    case 5:
      return `${query} ${query.replace('Fuzz', 'Other')}`;
    case 6:
      return `{ viewer ${'{ workspace '.repeat(dice.of([5, 20, 99, 3_000]))}`;
    case 7:
      return `{ ${Array.from({ length: dice.of([10, 31, 900]) }, (_, n) => `a${n}: viewer { __typename }`).join(' ')} }`;
    case 8:
      return `{ viewer { __typename ${'@skip(if: false) '.repeat(dice.of([3, 51, 1_000]))} } }`;
    case 9:
      return '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A viewer { __typename } }';
    case 10:
      return `{ node(id: ${'['.repeat(dice.of([3, 200, 5_000]))} ) { id } }`;
    default:
      return `${query} #${'x'.repeat(dice.of([10, 60_000, 70_000]))}`;
  }
}
