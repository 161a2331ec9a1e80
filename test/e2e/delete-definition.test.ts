import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
let other: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  other = await startTestGateway({ databaseUrl: gateway.databaseUrl });
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const DELETE =
  'mutation($name: String!) { deleteEventDefinition(input: { name: $name }) { deletedName } }';
const DEFINE = `mutation($name: String!) {
  defineEvent(input: { name: $name, measures: ["n"] }) { definition { id } }
}`;
const RECORD = `mutation($type: String!) {
  recordEvent(input: { event: { type: $type, payload: { n: 1 } } }) { receipt { status } }
}`;
const NAMES = '{ eventDefinitions(first: 100) { nodes { name } } }';

async function names(): Promise<string[]> {
  const { eventDefinitions } = await gateway.data<{
    eventDefinitions: { nodes: { name: string }[] };
  }>(NAMES);
  return eventDefinitions.nodes.map(({ name }) => name);
}

test('a definition of a type without events is deleted, and its name is free again', async () => {
  await gateway.data(DEFINE, { name: 'order.piad' });
  expect(await names()).toContain('order.piad');
  const deleted = await gateway.data(DELETE, { name: 'order.piad' });
  expect(deleted).toEqual({ deleteEventDefinition: { deletedName: 'order.piad' } });
  expect(await names()).not.toContain('order.piad');
  await gateway.data(DEFINE, { name: 'order.piad' });
  await gateway.data(DELETE, { name: 'order.piad' });
});

test('one whose type has an event is kept, and so is the event', async () => {
  await gateway.data(RECORD, { type: 'order.paid' });
  const { errors } = await gateway.graphql(DELETE, { name: 'order.paid' });
  expect(errors?.[0]?.extensions['code']).toBe('CONFLICT');
  expect(errors?.[0]?.message).toContain('"order.paid"');
  expect(await names()).toContain('order.paid');
  expect(await gateway.data('{ events { totalCount } }')).toEqual({ events: { totalCount: 1 } });
});

test('one that is not there is told of with its workspace', async () => {
  const { errors } = await gateway.graphql(DELETE, { name: 'never' });
  expect(errors?.[0]).toMatchObject({
    message: 'There is no event definition "never" in the workspace "default".',
    extensions: { code: 'NOT_FOUND' },
  });
});

test('a gateway that knew the definition before makes a new one for the next event', async () => {
  await other.data(RECORD, { type: 'order.sent' });
  await gateway.db.write.query(
    `delete from events e using event_definitions d
     where d.id = e.definition_id and d.workspace_id = e.workspace_id and d.name = 'order.sent'`,
  );
  await gateway.db.write.query(
    `delete from event_counts c using event_definitions d
     where d.id = c.definition_id and d.workspace_id = c.workspace_id and d.name = 'order.sent'`,
  );
  await gateway.data(DELETE, { name: 'order.sent' });
  expect(await other.data(RECORD, { type: 'order.sent' })).toEqual({
    recordEvent: { receipt: { status: 'RECORDED' } },
  });
  expect(await names()).toContain('order.sent');
});
