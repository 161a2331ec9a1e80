import {
  astFromValue,
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  print,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { federatedSchema, printedSchema, schema } from '../src/graphql/schema.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** What holds of each element, by its coordinate: a kind, a type, a default. */
function factsOf(whole: GraphQLSchema): Map<string, string> {
  const facts = new Map<string, string>();
  for (const type of ownTypes(whole)) {
    facts.set(type.name, type.constructor.name);
    for (const [name, fact] of membersOf(type)) facts.set(`${type.name}${name}`, fact);
  }
  return facts;
}

function ownTypes(whole: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(whole.getTypeMap()).filter(
    type => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
  );
}

function* membersOf(type: GraphQLNamedType): Generator<[string, string]> {
  if (isEnumType(type)) for (const { name } of type.getValues()) yield [`.${name}`, 'a value'];
  if (isInputObjectType(type)) {
    yield ['@oneOf', String(type.isOneOf)];
    for (const field of Object.values(type.getFields())) yield [`.${field.name}`, inputFact(field)];
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return;
  for (const { name } of type.getInterfaces()) yield [` implements ${name}`, 'yes'];
  for (const field of Object.values(type.getFields())) {
    yield [`.${field.name}`, String(field.type)];
    for (const arg of field.args) yield [`.${field.name}(${arg.name}:)`, inputFact(arg)];
  }
}

function inputFact({ type, defaultValue }: GraphQLArgument | GraphQLInputField): string {
  const literal = astFromValue(defaultValue, type);
  return literal ? `${String(type)} = ${print(literal)}` : String(type);
}

describe('schema.graphql', () => {
  test('is what the code prints: run `npm run schema` after a change', () => {
    expect(read('../schema.graphql')).toBe(printedSchema());
  });

  test('holds every type of the code', () => {
    const printed = factsOf(buildSchema(printedSchema()));
    expect([...printed.keys()].sort()).toEqual([...factsOf(schema).keys()].sort());
  });

  test('holds all of the public contract: names, arguments, types, nullability and defaults', () => {
    const contract = factsOf(buildSchema(read('./fixtures/contract.graphql')));
    const ours = factsOf(schema);
    const kept = new Map([...contract.keys()].map(name => [name, ours.get(name) ?? 'missing']));
    expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(contract));
    expect(contract.size).toBeGreaterThan(400);
  });

  test('asks for nothing that the contract does not: what is more is optional', () => {
    const contract = factsOf(buildSchema(read('./fixtures/contract.graphql')));
    const required = [...factsOf(schema)].filter(([name, fact]) => {
      return !contract.has(name) && /\(\w+:\)$/.test(name) && /!$/.test(fact);
    });
    expect(required).toEqual([]);
  });

  test('describes every type, field, argument, enum value and input field', () => {
    const bare: string[] = [];
    for (const type of ownTypes(federatedSchema())) {
      for (const [coordinate, description] of descriptionsOf(type)) {
        if (!/^[A-Z`][^]+[.:]$/.test(description ?? '')) bare.push(coordinate);
      }
    }
    expect(bare).toEqual([]);
  });
});

function* descriptionsOf(type: GraphQLNamedType): Generator<[string, string | null | undefined]> {
  yield [type.name, type.description];
  if (isEnumType(type)) {
    for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value.description];
  }
  if (isInputObjectType(type) || isObjectType(type) || isInterfaceType(type)) {
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`;
      yield [coordinate, field.description];
      for (const arg of 'args' in field ? field.args : []) {
        yield [`${coordinate}(${arg.name}:)`, arg.description];
      }
    }
  }
}

test('every field of a root says what a key needs for it', () => {
  const whole = federatedSchema();
  const roots = [whole.getQueryType(), whole.getMutationType(), whole.getSubscriptionType()];
  const fields = roots.flatMap(root => Object.values(root?.getFields() ?? {}));
  expect(fields.length).toBeGreaterThan(25);
  const silent = fields.filter(({ description }) => {
    return !/Needs (a valid key|the scope [A-Z_]+)( or [A-Z_]+)?( for all workspaces)?\.$/.test(
      description ?? '',
    );
  });
  expect(silent.map(({ name }) => name)).toEqual([]);
});
