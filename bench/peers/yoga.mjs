/** The least that a GraphQL server does: a mutation of the same shape that records nothing. */
import { createSchema, createYoga } from 'graphql-yoga';
import { createServer } from 'node:http';

const typeDefs = `
  scalar JSONObject
  scalar DateTime
  input EventInput {
    id: String type: String! occurredAt: DateTime source: String subject: String actor: String
    payload: JSONObject
  }
  input RecordEventInput { workspace: String event: EventInput! }
  type EventReceipt { status: String! }
  type RecordEventPayload { receipt: EventReceipt! }
  type Query { ok: Boolean }
  type Mutation { recordEvent(input: RecordEventInput!): RecordEventPayload! }`;
const RECEIPT = { receipt: { status: 'RECORDED' } };
const schema = createSchema({
  typeDefs,
  resolvers: { Mutation: { recordEvent: () => RECEIPT } },
});
const yoga = createYoga({ schema, maskedErrors: false, logging: false, graphiql: false });
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
