import {
  getIntrospectionQuery,
  getNamedType,
  isObjectType,
  Lexer,
  parse,
  Source,
  TokenKind,
} from 'graphql';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { exceededLimit, resolveOperation } from '../../../src/graphql-http/measure.ts';
import { costOf } from '../../../src/graphql-http/query-cost.ts';
import { schema } from '../../../src/graphql/schema.ts';
import { SERVER_DEFAULTS } from '../../../src/http/settings.ts';

function cost(source: string, variables: Record<string, unknown> = {}): number {
  const document = parse(source);
  const operation = resolveOperation(document, null);
  return costOf({ schema, document, operation, variables });
}

test.for([
  ['a page by a literal', '{ events(first: 10) { nodes { id } } }', {}, 2 + 10],
  ['a page by default', '{ events { nodes { id type } } }', {}, 2 + 50 * 2],
  ['a page from its end', '{ events(last: 7) { edges { cursor } } }', {}, 2 + 7],
  ['a page by a variable', 'query($n: Int) { events(first: $n) { nodes { id } } }', { n: 9 }, 11],
  ['a variable’s default', 'query($n: Int = 8) { events(first: $n) { nodes { id } } }', {}, 10],
  ['a variable of null', 'query($n: Int) { events(first: $n) { nodes { id } } }', { n: null }, 52],
  [
    'pages within pages',
    '{ events(first: 10) { nodes { children(first: 5) { nodes { id } } } } }',
    {},
    2 + 10 * (1 + 1 + 5),
  ],
  [
    'pages of workspaces, each by a statement of its own',
    `{ workspaces(first: 3) { nodes { apiKeys(first: 4) { nodes { id } }
      quarantinedEvents(first: 5) { nodes { id } } eventDefinitions(first: 6) { nodes { id } } } } }`,
    {},
    2 + 3 * (501 + 4 + (501 + 5) + (501 + 6)),
  ],
  [
    'proofs, which take many hashes',
    '{ events(first: 10) { nodes { inclusionProof { index } } } }',
    {},
    2 + 10 * (100 + 1),
  ],
  [
    'checkpoints of workspaces, each by statements of its own',
    '{ workspaces(first: 3) { nodes { checkpoint { size } } } }',
    {},
    2 + 3 * (500 + 1),
  ],
  [
    'what is beside the items',
    '{ events(first: 10) { totalCount pageInfo { endCursor } } }',
    {},
    4,
  ],
  [
    'fragments',
    'query { events(first: 10) { ...P } } fragment P on EventConnection { nodes { ... on Node { id } } }',
    {},
    12,
  ],
  [
    'aliases',
    '{ a: events(first: 10) { nodes { id } } b: events(first: 10) { nodes { id } } }',
    {},
    24,
  ],
  [
    'objects by their ids',
    'query($ids: [ID!]!) { nodes(ids: $ids) { ... on Event { children(first: 10) { nodes { id } } } } }',
    { ids: ['a', 'b', 'c'] },
    1 + 3 * (2 + 10),
  ],
  [
    'the receipts of a batch',
    'mutation($e: [EventInput!]!) { recordEvents(input: { events: $e }) { receipts { status } } }',
    { e: Array.from({ length: 40 }, () => ({ type: 'a' })) },
    2 + 40,
  ],
  [
    'the same in one variable',
    'mutation($i: RecordEventsInput!) { recordEvents(input: $i) { receipts { status } } }',
    { i: { events: Array.from({ length: 40 }, () => ({ type: 'a' })) } },
    2 + 40,
  ],
] as const)('%s are counted', ([, source, variables, expected]) => {
  expect(cost(source, variables)).toBe(expected);
});

test('no size makes an operation cheap', () => {
  for (const first of [-5, 1e12, 'many', [1], {}, NaN]) {
    const source = 'query($n: Int) { events(first: $n) { nodes { id } } events { nodes { id } } }';
    const counted = cost(source, { n: first });
    expect(counted).toBeGreaterThanOrEqual(52);
    expect(counted).toBeLessThanOrEqual(54 + LIMITS.pageSizeMax);
  }
});

test('every connection of the schema is a page whose size is counted', () => {
  const uncounted: string[] = [];
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    for (const field of Object.values(type.getFields())) {
      if (!getNamedType(field.type).name.endsWith('Connection')) continue;
      const names = field.args.map(({ name }) => name);
      if (!names.includes('first') || !names.includes('last')) {
        uncounted.push(`${type.name}.${field.name}`);
      }
    }
  }
  expect(uncounted).toEqual([]);
});

function tokensOf(source: string): number {
  const lexer = new Lexer(new Source(source));
  let tokens = 0;
  while (lexer.advance().kind !== TokenKind.EOF) tokens++;
  return tokens;
}

const HALF = {
  ...SERVER_DEFAULTS,
  queryDepthMax: LIMITS.queryDepthMax / 2,
  aliasesMax: LIMITS.aliasesMax / 2,
  directivesMax: LIMITS.directivesMax / 2,
  rootFieldsMax: LIMITS.rootFieldsMax / 2,
  fieldsMax: SERVER_DEFAULTS.fieldsMax / 2,
};

test('what the tour shows is far below every limit of a query', () => {
  const tour = readFileSync('docs/tour.md', 'utf8');
  const documents = [...tour.matchAll(/<<'GRAPHQL'[^\n]*\n([\s\S]*?)\nGRAPHQL/g)].map(
    ([, document]) => document as string,
  );
  expect(documents.length).toBeGreaterThanOrEqual(6);
  for (const document of documents) {
    expect(exceededLimit(parse(document), HALF), document).toBeUndefined();
    expect(tokensOf(document)).toBeLessThan(LIMITS.documentTokensMax / 2);
    expect(cost(document)).toBeLessThan(LIMITS.queryCostMax / 100);
  }
});

test('what tools ask to know the schema is below every limit', () => {
  const query = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
  expect(exceededLimit(parse(query), SERVER_DEFAULTS)).toBeUndefined();
  expect(tokensOf(query)).toBeLessThan(LIMITS.documentTokensMax);
  expect(cost(query)).toBeLessThan(LIMITS.queryCostMax);
});
