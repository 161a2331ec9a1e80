import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { sluice } from './cli/run.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const RECORD =
  'mutation { recordEvent(input: { event: { type: "unnamed" } }) { receipt { status } } }';
const OPERATIONS = [
  RECORD,
  'mutation { recordEvents(input: { events: [{ type: "unnamed" }] }) { recordedCount } }',
  'mutation { defineEvent(input: { name: "unnamed" }) { definition { id } } }',
  'mutation { deleteEventDefinition(input: { name: "unnamed" }) { deletedName } }',
  'mutation { redactEvents(input: { subject: "x" }) { redactedCount } }',
  'mutation { createStreamTicket(input: {}) { ticket } }',
  '{ events { nodes { id } } }',
  '{ event(eventId: "x") { id } }',
  '{ eventDefinition(name: "unnamed") { id } }',
  '{ eventDefinitions { nodes { id } } }',
  '{ quarantinedEvents { nodes { id } } }',
  '{ eventAggregates(input: { timeframe: { last: "PT1H" } }) { nodes { count } } }',
  'subscription { events(start: BEGINNING) { kind } }',
  'subscription { eventAggregates(input: { timeframe: { last: "PT1H" } }) { snapshot } }',
];

async function subscribe(query: string): Promise<string> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

function sendCloudEvent(query: string): Promise<Response> {
  return fetch(`${gateway.url}/cloudevents${query}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/cloudevents+json',
    },
    body: JSON.stringify({ specversion: '1.0', id: 'c1', source: '/x', type: 'unnamed' }),
  });
}

test('a key of all workspaces need not name the only one', async () => {
  expect(await gateway.data(RECORD)).toEqual({ recordEvent: { receipt: { status: 'RECORDED' } } });
  await gateway.data(
    'mutation { updateWorkspace(input: { slug: "default", newSlug: "only" }) { workspace { id } } }',
  );
  expect(await gateway.data(RECORD)).toEqual({ recordEvent: { receipt: { status: 'RECORDED' } } });
  expect(await gateway.data('{ events { totalCount } }')).toEqual({ events: { totalCount: 2 } });
});

describe('while there are several workspaces, a key of all that names none', () => {
  let own: { slug: string; key: string };
  const slugs = () => [own.slug, 'only'].sort();
  beforeAll(async () => {
    own = await gateway.workspace();
  });

  test.each(OPERATIONS)('is told which there are: %s', async operation => {
    if (operation.startsWith('subscription')) {
      const text = await subscribe(operation);
      expect(text).toContain('WORKSPACE_REQUIRED');
      expect(text).toContain(`Name one of them: ${slugs().join(', ')}.`);
      return;
    }
    const { errors } = await gateway.graphql(operation);
    expect(errors).toMatchObject([
      {
        message: `The key covers several workspaces. Name one of them: ${slugs().join(', ')}.`,
        extensions: { code: 'WORKSPACE_REQUIRED', workspaces: slugs() },
      },
    ]);
  });

  test('records nothing through a door until it names one', async () => {
    const refused = await sendCloudEvent('');
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain(slugs().join(', '));
    const taken = await sendCloudEvent(`?workspace=${own.slug}`);
    expect(taken.status).toBeLessThan(300);
    const authentik = await fetch(`${gateway.url}/api/v3/events/events/`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(authentik.status).toBe(400);
    const counts = await gateway.data<Record<string, { totalCount: number }>>(
      `{ only: events(workspace: "only") { totalCount } own: events(workspace: "${own.slug}") { totalCount } }`,
    );
    expect(counts).toEqual({ only: { totalCount: 2 }, own: { totalCount: 1 } });
  });

  test('is told of the option on the command line', async () => {
    const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY };
    const { code, err } = await sluice(['send', 'unnamed'], environment);
    expect(code).toBe(1);
    expect(err).toContain(`Name one of them: ${slugs().join(', ')}. Use --workspace.`);
  });

  test('says nothing of others to a key of one workspace, which need not name it', async () => {
    const { errors } = await gateway.graphql(RECORD, {}, own.key);
    expect(errors).toBeUndefined();
  });

  test('may leave it out again when one is left', async () => {
    const { slug } = own;
    await gateway.data(
      'mutation($slug: String!) { deleteWorkspace(input: { slug: $slug, confirmSlug: $slug }) { deletedSlug } }',
      { slug },
    );
    expect(await gateway.data('{ events { totalCount } }')).toEqual({ events: { totalCount: 2 } });
  });
});

test('of very many workspaces twenty are named', async () => {
  for (let n = 0; n < 22; n += 1) await gateway.workspace();
  const { errors } = await gateway.graphql('{ events { totalCount } }');
  expect(errors?.[0]?.extensions['workspaces']).toHaveLength(20);
  expect(errors?.[0]?.message).toMatch(/ and more\.$/);
});

test('what is not there is named', async () => {
  const { errors } = await gateway.graphql('{ events(workspace: "Nowhere") { totalCount } }');
  expect(errors?.[0]?.message).toBe(
    'There is no workspace "Nowhere", or the key does not cover it.',
  );
});
