/** The API as a subgraph: composed with another one by Apollo's composition, served by its gateway. */
import { composeServices } from '@apollo/composition';
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { buildSchema, parse, print, type DocumentNode, type GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

const ACCOUNTS = `
  type Account @key(fields: "name") { name: String! email: String! latest: Event }
  type Event @key(fields: "id") {
    id: ID!
    subject: String @external
    account: Account @requires(fields: "subject")
  }
  type Query { account(name: String!): Account }
`;
const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@external", "@requires"])`;

let gateway: TestGateway;
let plain: TestGateway;
let mine: { slug: string; key: string };
let theirs: { slug: string; key: string };
/** Ids of the events of each. */
const ids = new Map<string, string[]>();

beforeAll(async () => {
  gateway = await startTestGateway({ config: { federation: true } });
  plain = await startTestGateway({ databaseUrl: gateway.databaseUrl });
  [mine, theirs] = [await gateway.workspace(), await gateway.workspace()];
  for (const { slug } of [mine, theirs]) {
    const events = ['ada', 'bob', 'ada'].map((subject, n) => ({
      type: 't',
      subject,
      payload: { n },
    }));
    await gateway.data(
      `mutation($slug: String!, $events: [EventInput!]!) {
        recordEvents(input: { workspace: $slug, events: $events }) { recordedCount } }`,
      { slug, events },
    );
    const read = await gateway.data<{ events: { nodes: { id: string }[] } }>(
      `query($slug: String!) { events(workspace: $slug, order: { direction: ASC }) { nodes { id } } }`,
      { slug },
    );
    ids.set(
      slug,
      read.events.nodes.map(({ id }) => id),
    );
  }
});
afterAll(async () => {
  await plain[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const ENTITIES = `query($representations: [_Any!]!) { _entities(representations: $representations) {
  __typename
  ... on Event { id subject payload }
  ... on EventDefinition { id name }
  ... on Workspace { id slug }
} }`;

const event = (id: string) => ({ __typename: 'Event', id });

async function entities(representations: readonly unknown[], key: string | null = mine.key) {
  const { data, errors } = await gateway.graphql<{ _entities: unknown[] }>(
    ENTITIES,
    { representations },
    key,
  );
  return { found: data?._entities, codes: errors?.map(({ extensions }) => extensions['code']) };
}

async function sdl(): Promise<string> {
  const { _service: service } = await gateway.data<{ _service: { sdl: string } }>(
    '{ _service { sdl } }',
  );
  return service.sdl;
}

/** The other subgraph, which knows accounts by the subjects of events. */
function accounts(): GraphQLSchema {
  const schema = buildSchema(`
    scalar _Any
    union _Entity = Account | Event
    directive @key(fields: String!) on OBJECT
    directive @external on FIELD_DEFINITION
    directive @requires(fields: String!) on FIELD_DEFINITION
    ${ACCOUNTS}
    extend type Query { _entities(representations: [_Any!]!): [_Entity]! }
  `);
  const accountOf = (name: unknown) => ({
    ...{ __typename: 'Account', name, email: `${String(name)}@example.org` },
    latest: { __typename: 'Event', id: ids.get(mine.slug)?.at(-1) },
  });
  const { account, _entities: found } = schema.getQueryType()!.getFields();
  account!.resolve = (_root, { name }: { name: string }) => accountOf(name);
  found!.resolve = (_root, { representations }: { representations: Record<string, unknown>[] }) =>
    representations.map(each =>
      each['__typename'] === 'Account'
        ? accountOf(each['name'])
        : { ...each, account: each['subject'] == null ? null : accountOf(each['subject']) },
    );
  return schema;
}

async function compose() {
  const { supergraphSdl, errors } = composeServices([
    { name: 'events', url: `${gateway.url}/graphql`, typeDefs: parse(await sdl()) },
    { name: 'accounts', url: 'http://accounts.invalid', typeDefs: parse(LINK + ACCOUNTS) },
  ]);
  expect(errors).toBeUndefined();
  return supergraphSdl!;
}

/** Of a request to the whole, with a key that goes on to this subgraph. */
async function ask(supergraphSdl: string, query: string, variables: object, key: string) {
  const whole = new ApolloGateway({
    supergraphSdl,
    buildService: ({ name, url }) =>
      name === 'accounts'
        ? new LocalGraphQLDataSource(accounts())
        : new RemoteGraphQLDataSource({
            ...(url === undefined ? {} : { url }),
            willSendRequest: ({ request }) => {
              request.http?.headers.set('authorization', `Bearer ${key}`);
            },
          }),
  });
  const { executor } = await whole.load();
  const document: DocumentNode = parse(query);
  const result = await executor({
    document,
    ...{ request: { query, variables }, queryHash: print(document), operationName: null },
    operation: document.definitions[0],
    ...{ context: {}, metrics: {}, cache: undefined, logger: console, schema: undefined },
  } as never);
  await whole.stop();
  return result as {
    data?: Record<string, unknown>;
    errors?: readonly { readonly message: string }[];
  };
}

describe('a whole of two subgraphs', () => {
  test('composes, and joins the other one’s accounts by subject, and events by the other one', async () => {
    const supergraph = await compose();
    const query = `query($slug: String!) {
      events(workspace: $slug, order: { direction: ASC }) { nodes { subject account { email } } }
      account(name: "ada") { latest { type subject payload workspace { slug } } }
    }`;
    const { data, errors } = await ask(supergraph, query, { slug: mine.slug }, mine.key);
    expect(errors).toBeUndefined();
    const joined = (name: string) => ({ subject: name, account: { email: `${name}@example.org` } });
    expect(data).toEqual({
      events: { nodes: [joined('ada'), joined('bob'), joined('ada')] },
      account: {
        latest: { type: 't', subject: 'ada', payload: { n: 2 }, workspace: { slug: mine.slug } },
      },
    });
  });

  test('shows an entity to none whose key does not cover it', async () => {
    const supergraph = await compose();
    const query = '{ account(name: "ada") { name latest { type } } }';
    const { data } = await ask(supergraph, query, {}, theirs.key);
    expect(data).toEqual({ account: { name: 'ada', latest: null } });
  });
});

describe('_entities', () => {
  test('finds events, definitions and workspaces, in the order given, and null for what is not there', async () => {
    const [first = '', second = ''] = ids.get(mine.slug) ?? [];
    const { workspace } = await gateway.data<{
      workspace: { id: string; eventDefinitions: { nodes: { id: string }[] } };
    }>(
      `query($slug: String!) { workspace(slug: $slug) { id eventDefinitions { nodes { id } } } }`,
      { slug: mine.slug },
    );
    const definition = workspace.eventDefinitions.nodes[0]!.id;
    const gone = Buffer.from('Event:1:999999:1767225600000').toString('base64url');
    const { found } = await entities([
      event(second),
      { __typename: 'Workspace', id: workspace.id, slug: 'x' },
      event(gone),
      { __typename: 'EventDefinition', id: definition },
      event(first),
    ]);
    expect(found).toEqual([
      { __typename: 'Event', id: second, subject: 'bob', payload: { n: 1 } },
      { __typename: 'Workspace', id: workspace.id, slug: mine.slug },
      null,
      { __typename: 'EventDefinition', id: definition, name: 't' },
      { __typename: 'Event', id: first, subject: 'ada', payload: { n: 0 } },
    ]);
  });

  test('obeys the rules of access: null for another workspace’s, a refusal without a key', async () => {
    const [other = ''] = ids.get(theirs.slug) ?? [];
    expect(await entities([event(other)])).toEqual({ found: [null], codes: undefined });
    expect(await entities([event(other)], null)).toMatchObject({ codes: ['UNAUTHENTICATED'] });
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) { createApiKey(input: {
        name: "writer", workspace: $slug, scopes: [EVENTS_WRITE] }) { secret } }`,
      { slug: mine.slug },
    );
    const [own = ''] = ids.get(mine.slug) ?? [];
    const refused = await entities([event(own)], createApiKey.secret);
    expect(refused).toEqual({ found: [null], codes: ['FORBIDDEN'] });
  });

  test('refuses what is no representation, and more than a page of them', async () => {
    const [own = ''] = ids.get(mine.slug) ?? [];
    for (const wrong of [
      ...[{}, { __typename: 'Event' }, { __typename: 'ApiKey', id: own }, 'text', null],
      ...[
        { __typename: 'Workspace', id: own },
        { __typename: 'Event', id: 'x' },
      ],
    ]) {
      expect((await entities([wrong])).codes, JSON.stringify(wrong)).toEqual(['BAD_USER_INPUT']);
    }
    const many = Array<unknown>(LIMITS.pageSizeMax + 1).fill(event(own));
    expect((await entities(many)).codes).toEqual(['BAD_USER_INPUT']);
  });

  test('counts toward the cost of a query as a list of that length', async () => {
    const [own = ''] = ids.get(mine.slug) ?? [];
    const representations = Array<unknown>(LIMITS.pageSizeMax).fill(event(own));
    const { errors } = await gateway.graphql(
      `query($representations: [_Any!]!) { _entities(representations: $representations) {
        ... on Event { workspace { events(first: 300) { nodes { type } } } } } }`,
      { representations },
      mine.key,
    );
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(['QUERY_TOO_COMPLEX']);
  });
});

test('without the setting there is nothing of it', async () => {
  const { errors } = await plain.graphql('{ _service { sdl } }');
  expect(errors?.map(({ extensions }) => extensions['code'])).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
  ]);
  expect(await sdl()).toContain('@link(url: "https://specs.apollo.dev/federation/v2.3"');
  expect(await sdl()).not.toContain('_entities');
});
