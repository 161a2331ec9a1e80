import fc from 'fast-check';
import {
  buildSchema,
  execute,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  parse,
  responsePathAsArray,
  specifiedRules,
  validate,
  type ExecutionResult,
  type GraphQLNamedType,
  type GraphQLResolveInfo,
  type OperationDefinitionNode,
} from 'graphql';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { prepareExecution } from '../../../src/graphql-http/executor/executor.ts';
import { prepareVariables } from '../../../src/graphql-http/executor/variables.ts';

/** Every kind of type, nested in lists and nulls, whose resolvers answer by the seed and the path. */
const schema = buildSchema(/* GraphQL */ `
  interface Named {
    name: String
    self: Named
  }
  enum Color {
    RED
    GREEN
  }
  input Size {
    width: Int! = 3
    names: [String!]
  }
  type Cat implements Named {
    name: String
    self: Named
    color: Color!
    kittens: [Cat!]
    grid(size: Size, times: Int = 2): [[Int!]]!
  }
  type Dog implements Named {
    name: String
    self: Named
    friend: Pet
    bark(loud: Boolean!): String!
  }
  union Pet = Cat | Dog
  type Query {
    cat: Cat
    dog: Dog!
    pets: [Pet!]!
    named: [Named]
    number(of: Int!): Int
  }
  type Mutation {
    first: Cat
    second(color: Color): Dog
    third: Int!
  }
`);

type Source = { readonly seed: number; readonly kind?: string };

/** The same for both executors: decided by the seed and by where the value lies. */
function outcome(info: GraphQLResolveInfo, args: unknown, { seed }: Source): unknown {
  const text = JSON.stringify([seed, responsePathAsArray(info.path), args, info.variableValues]);
  const [chance = 0, kind = 0, size = 0, wait = 0] = createHash('md5').update(text).digest();
  const value = valueFor(String(info.returnType), chance, kind, size, seed);
  if (chance < 12) throw new Error(`failed at ${info.path.key}`);
  return wait < 100 && seed % 3 !== 0 ? settles(value) : value;
}

async function settles(value: unknown): Promise<unknown> {
  if (value instanceof Error) throw value;
  return value;
}

function valueFor(type: string, chance: number, kind: number, size: number, seed: number): unknown {
  if (chance < 24) return null;
  if (chance < 30) return new Error('an error as a value');
  if (chance < 36) return undefined;
  if (type.endsWith('!')) return valueFor(type.slice(0, -1), 255, kind, size, seed);
  if (type.startsWith('[')) {
    if (chance < 42) return 'not a list';
    const inner = type.slice(1, -1);
    return Array.from({ length: size % 4 }, (_, at) =>
      valueFor(inner, (chance * 7 + at * 31) % 256, kind + at, size, seed),
    );
  }
  if (type === 'Int') return chance < 48 ? 'not a number' : kind;
  if (type === 'Color') return kind % 8 === 0 ? 'BLUE' : kind % 2 === 0 ? 'RED' : 'GREEN';
  if (type === 'String') return `text ${kind}`;
  const named = type === 'Cat' || type === 'Dog' ? type : kind % 2 === 0 ? 'Cat' : 'Dog';
  return { seed, kind: kind % 16 === 3 && type === 'Pet' ? 'Nothing' : named };
}

for (const type of Object.values(schema.getTypeMap())) {
  if (type.name.startsWith('__')) continue;
  if (isAbstractType(type)) type.resolveType = source => (source as Source).kind;
  if (!isObjectType(type)) continue;
  for (const field of Object.values(type.getFields())) {
    field.resolve = (source, args, _context, info) => outcome(info, args, source as Source);
  }
}

/** Writes valid operations with fragments, aliases, arguments, variables and conditions. */
function operationOf(pick: (count: number) => number, kind: 'query' | 'mutation'): string {
  function selection(type: GraphQLNamedType, depth: number): string {
    const parts: string[] = [];
    if (isAbstractType(type)) {
      for (const member of schema.getPossibleTypes(type)) {
        if (pick(3) > 0)
          parts.push(`... on ${member.name}${condition()} ${selection(member, depth - 1)}`);
      }
      if (type.name === 'Named' && pick(2) === 0) parts.push('name');
      if (pick(3) === 0) parts.push('...OnNamed');
    }
    if (isObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        field => depth > 0 || isLeafType(getNamedType(field.type)),
      );
      for (let n = 0; n <= pick(3); n++) {
        const field = fields[pick(fields.length)];
        if (field !== undefined) parts.push(fieldOf(field.name, getNamedType(field.type), depth));
      }
      if (pick(4) === 0) parts.push(`... { ${parts.at(-1) ?? '__typename'} }`);
    }
    return `{ ${parts.length === 0 || pick(5) === 0 ? '__typename' : ''} ${parts.join(' ')} }`;
  }

  const ARGUMENTS: Record<string, readonly string[]> = {
    grid: ['', '(size: { names: ["a"] })', '(size: $size)', '(size: { width: $n }, times: null)'],
    bark: ['(loud: true)', '(loud: $yes)'],
    number: ['(of: 1)', '(of: $n)'],
    second: ['', '(color: RED)', '(color: $color)'],
  };

  function fieldOf(name: string, type: GraphQLNamedType, depth: number): string {
    const choices = ARGUMENTS[name] ?? [''];
    const at = pick(choices.length);
    // The alias tells the arguments apart, so that fields with the same key always merge.
    const key =
      ARGUMENTS[name] === undefined ? (pick(4) === 0 ? `${name}Again: ` : '') : `${name}${at}: `;
    const below = isLeafType(type) ? '' : selection(type, depth - 1);
    return `${key}${name}${choices[at]}${condition()} ${below}`;
  }

  const condition = () =>
    ['', '', '', '', ' @skip(if: $no)', ' @include(if: $yes)', ' @include(if: false)'][pick(7)] ??
    '';

  const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType();
  return `${kind} ($n: Int! = 2, $yes: Boolean!, $no: Boolean = false, $size: Size, $color: Color) ${selection(root as GraphQLNamedType, 4)}
    fragment OnNamed on Named { name self { __typename ... on Cat { color } } }`;
}

/** What is declared need not be used. */
const RULES = specifiedRules.filter(
  rule => rule !== NoUnusedVariablesRule && rule !== NoUnusedFragmentsRule,
);

async function byReference(query: string, seed: number, variables: Record<string, unknown>) {
  const args = { schema, document: parse(query), rootValue: { seed }, variableValues: variables };
  return normalized(await execute(args));
}

async function byPlan(query: string, seed: number, variables: Record<string, unknown>) {
  const document = parse(query);
  const operation = document.definitions[0] as OperationDefinitionNode;
  const run = prepareExecution(schema, document, operation);
  const { coerced, errors } = prepareVariables(schema, operation)(variables);
  if (errors !== undefined) return [normalized({ errors })];
  const input = { rootValue: { seed }, contextValue: {}, variables: coerced };
  // The second time the plan is there.
  return [normalized(await run(input)), normalized(await run(input))];
}

/**
 * The data as text, its nulls that stand for errors, and every error. Errors of fields that wait
 * come in the order in which the fields settle.
 */
function normalized({ data, errors }: ExecutionResult) {
  const written = (errors ?? []).map(error => ({
    ...error.toJSON(),
    message: worded(error.message),
  }));
  return {
    text: JSON.stringify(data),
    nulls: [...new Set(written.map(({ path }) => nullAbove(data, path ?? [])))].sort(),
    errors: written.map(error => JSON.stringify(error)).sort(),
  };
}

/** Where the answer is null for an error at a path. */
function nullAbove(data: unknown, path: readonly (string | number)[]): string {
  let value = data;
  const above = path.findIndex(key => {
    if (value === null || value === undefined) return true;
    value = (value as Record<string | number, unknown>)[key];
    return false;
  });
  return JSON.stringify(above === -1 ? path : path.slice(0, above));
}

/** A resolver that returns what its type does not allow is a fault of the schema, worded freely. */
function worded(message: string): string {
  return /^(Abstract type|A value of) "Pet"/.test(message) ? 'not a type of Pet' : message;
}

test('the executor gives the results of graphql-js', async () => {
  let valid = 0;
  const operations = fc.record({
    picks: fc.array(fc.nat({ max: 1_000 }), { minLength: 40, maxLength: 400 }),
    kind: fc.constantFrom('query' as const, 'query' as const, 'mutation' as const),
    seed: fc.nat({ max: 10_000 }),
    variables: fc.record(
      {
        n: fc.constantFrom(1, 4, null, 'x'),
        yes: fc.constantFrom(true, false),
        no: fc.constantFrom(true, null),
        size: fc.constantFrom({}, { width: 2 }, { width: null }, { names: 'one' }, { typo: 1 }),
        color: fc.constantFrom('RED', 'BLUE', null),
        foreign: fc.constant(1),
      },
      { requiredKeys: ['yes'], noNullPrototype: true },
    ),
  });
  await fc.assert(
    fc.asyncProperty(operations, async ({ picks, kind, seed, variables }) => {
      let at = 0;
      const query = operationOf(count => (picks[at++ % picks.length] ?? 0) % count, kind);
      if (validate(schema, parse(query), RULES).length > 0) return;
      valid += 1;
      const expected = await byReference(query, seed, variables);
      for (const { errors, ...result } of await byPlan(query, seed, variables)) {
        const { errors: required, ...rest } = expected;
        expect(result).toEqual(rest);
        // Of errors below one null, graphql-js names those that came before it stopped to wait.
        expect(errors).toEqual(expect.arrayContaining(required));
      }
    }),
    { numRuns: 400 },
  );
  expect(valid).toBeGreaterThan(200);
});

test('a resolver gets the info that graphql-js gives it', async () => {
  const seen: Record<string, unknown>[] = [];
  const own = buildSchema('type Query { list: [Thing] } type Thing { name(of: Int): String }');
  const fields = own.getQueryType()!.getFields();
  fields['list']!.resolve = () => [{}, {}];
  const thing = own.getType('Thing');
  if (!isObjectType(thing)) throw new Error('Thing is an object type');
  thing.getFields()['name']!.resolve = (_source, args, context, info) => {
    const { fieldName, fieldNodes, returnType, parentType, path, fragments } = info;
    const { operation, variableValues, rootValue } = info;
    const place = responsePathAsArray(path);
    seen.push({ fieldName, fieldNodes, returnType, parentType, place, fragments, args, context });
    seen.push({ operation, variableValues, rootValue, isSchema: info.schema === own });
    return null;
  };
  const document = parse(
    'query ($n: Int) { list { alias: name(of: $n) ...F } } fragment F on Thing { alias: name(of: $n) }',
  );
  const operation = document.definitions[0] as OperationDefinitionNode;
  const args = { rootValue: { root: 1 }, contextValue: { its: 'own' } };
  await execute({ schema: own, document, variableValues: { n: 1 }, ...args });
  const expected = seen.splice(0);
  await prepareExecution(own, document, operation)({ variables: { n: 1 }, ...args });
  expect(JSON.parse(JSON.stringify(seen))).toEqual(JSON.parse(JSON.stringify(expected)));
  expect(seen).toHaveLength(4);
});

test('a method of the source is called as graphql-js calls it, and introspection is answered', async () => {
  const own = buildSchema('type Query { thing: Thing } type Thing { sum(a: Int!): Int }');
  const document = parse(
    '{ thing { sum(a: 2) __typename } __type(name: "Thing") { name fields { name } } }',
  );
  const operation = document.definitions[0] as OperationDefinitionNode;
  const rootValue = {
    thing: {
      base: 40,
      sum(this: { base: number }, { a }: { a: number }) {
        return this.base + a;
      },
    },
  };
  expect(
    JSON.parse(
      JSON.stringify(
        await prepareExecution(
          own,
          document,
          operation,
        )({ rootValue, contextValue: {}, variables: {} }),
      ),
    ),
  ).toEqual(JSON.parse(JSON.stringify(await execute({ schema: own, document, rootValue }))));
});
