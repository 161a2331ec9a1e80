import { GraphQLScalarType, type GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';
import { once } from 'node:events';
import { GatewayError } from '../../../../src/core/errors.ts';
import type { Principal } from '../../../../src/core/principal.ts';

interface StubContext {
  readonly principal: Principal | null;
  readonly signal: AbortSignal;
}

/** What the resolvers of the stub were seen doing. */
export interface Sightings {
  resolved: number;
  /** Subscriptions that began, and those whose generator came to its end. */
  streamsBegun: number;
  streamsEnded: number;
  /** Results that `flood` was asked for. */
  pulled: number;
}

const typeDefs = /* GraphQL */ `
  scalar Even
  enum Color {
    RED
    GREEN
  }
  input ThingInput {
    name: String!
    size: Int
    color: Color
    nested: ThingInput
  }
  type Thing {
    id: ID!
    name: String!
    self: Thing
  }
  type Query {
    hello: String!
    keyId: Int
    thing(id: ID, size: Int, color: Color, even: Even, input: ThingInput): Thing
    echo(text: String): String
    boom: String
    boomHard: String!
    bigint: Int
    denied: String
    away: String
    awayHard: String!
    taken: String!
    large(kilobytes: Int!): String!
    slow(ms: Int!): String!
  }
  type Mutation {
    record(input: ThingInput!): Thing!
    noop: Boolean!
  }
  type Subscription {
    count(to: Int!): Int!
    wait: Int!
    flood(kilobytes: Int!): String!
    revoked: Int!
    refused: Int!
    broken: Int!
    fieldBoom: Int
  }
`;

export function stubSchema(seen: Sightings): GraphQLSchema {
  const Even = new GraphQLScalarType({
    name: 'Even',
    parseValue(value) {
      if (typeof value === 'number' && value % 2 === 0) return value;
      throw new GatewayError('BAD_USER_INPUT', 'An even number is expected.');
    },
  });
  const thing = { id: '1', name: 'thing', self: () => thing };
  const query = {
    hello: () => 'world',
    keyId: (_: unknown, __: unknown, { principal }: StubContext) => principal?.keyId,
    thing: () => thing,
    echo: (_: unknown, { text }: { text: string }) => text,
    boom: () => Promise.reject(new Error('secret: postgres://u:p@host/db')),
    boomHard: () => Promise.reject(new TypeError('secret at /srv/app.ts')),
    bigint: () => 2 ** 40,
    denied: () => Promise.reject(new GatewayError('FORBIDDEN', 'This needs a scope.')),
    away: () => Promise.reject(unavailable()),
    awayHard: () => Promise.reject(unavailable()),
    taken: () => Promise.reject(new GatewayError('CONFLICT', 'Taken.', { extensions: { by: 7 } })),
    large: (_: unknown, { kilobytes }: { kilobytes: number }) => 'x'.repeat(kilobytes * 1024),
    slow: async (_: unknown, { ms }: { ms: number }) => {
      await new Promise(resolve => setTimeout(resolve, ms));
      return 'done';
    },
  };
  return createSchema({
    typeDefs,
    resolvers: {
      Even,
      Query: mapValues(query, resolve => (...args: unknown[]) => {
        seen.resolved++;
        return (resolve as (...given: unknown[]) => unknown)(...args);
      }),
      Mutation: {
        record: () => {
          seen.resolved++;
          return thing;
        },
        noop: () => true,
      },
      Subscription: mapValues(streams(seen), subscribe => ({
        subscribe,
        resolve: (value: unknown) => {
          if (value === 'boom') throw new Error('secret of a field');
          return value;
        },
      })),
    },
  }) as GraphQLSchema;
}

function streams(seen: Sightings) {
  function watched<A, T>(generate: (args: A, context: StubContext) => AsyncGenerator<T>) {
    return async function* (_: unknown, args: A, context: StubContext) {
      seen.streamsBegun++;
      try {
        yield* generate(args, context);
      } finally {
        seen.streamsEnded++;
      }
    };
  }
  return {
    count: watched(async function* ({ to }: { to: number }) {
      for (let n = 1; n <= to; n++) yield n;
    }),
    wait: watched(async function* (_: object, { signal }: StubContext) {
      yield 0;
      if (!signal.aborted) await once(signal, 'abort');
    }),
    flood: watched(async function* ({ kilobytes }: { kilobytes: number }) {
      for (;;) {
        seen.pulled++;
        yield 'x'.repeat(kilobytes * 1024);
      }
    }),
    revoked: watched(async function* () {
      yield 1;
      throw new GatewayError('KEY_REVOKED', 'The key was revoked.', {
        extensions: { cursor: 'c1' },
      });
    }),
    refused: () => {
      throw new GatewayError('CURSOR_INVALID', 'The cursor was not given out for this list.');
    },
    broken: watched(async function* () {
      yield 1;
      throw new Error('secret of a stream');
    }),
    fieldBoom: watched(async function* () {
      yield 'boom';
      yield 2;
    }),
  };
}

function unavailable(): GatewayError {
  const cause = new Error('connect ECONNREFUSED 127.0.0.1:5432');
  return new GatewayError('SERVICE_UNAVAILABLE', 'The database does not answer.', { cause });
}

function mapValues<V, W>(from: Record<string, V>, map: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, map(value)]));
}
