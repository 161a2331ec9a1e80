/** The console's sample code, run as it stands, fits the schema that its payload was made from. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { examplePayload } from '../../../src/console/pages/definitions/example.ts';
import { samplesOf } from '../../../src/console/pages/definitions/samples.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

const run = promisify(execFile);

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const FLAT = {
  type: 'object',
  required: ['total', 'plan', 'isPaid'],
  properties: {
    total: { type: 'number', exclusiveMinimum: 5 },
    plan: { enum: ["O'Hara's", 'pro'] },
    isPaid: { type: 'boolean' },
  },
};
const DEEP = {
  type: 'object',
  required: ['order', 'coupon'],
  properties: {
    order: {
      type: 'object',
      required: ['lines'],
      properties: {
        lines: { type: 'array', items: { type: 'object', required: ['sku'] }, minItems: 1 },
      },
    },
    coupon: { type: 'null' },
  },
};
const TEXTS = { type: 'object', required: ['plan'], properties: { plan: { const: 'pro' } } };
const AUTHENTIK = {
  type: 'object',
  required: ['context'],
  properties: { user: { type: 'object' }, context: FLAT },
};
const ANY = ['cloudevents', 'curl', 'opentelemetry', 'posthog', 'segment'];

test.for([
  ['RUN', FLAT, [...ANY, 'logsh', 'logsnag', 'logspace', 'speakeasy']],
  ['RUN', DEEP, [...ANY, 'speakeasy']],
  ['order.paid', TEXTS, [...ANY, 'logsh', 'logsnag', 'logspace', 'retraced']],
  ['login', FLAT, [...ANY, 'logsh', 'logsnag', 'logspace']],
  ['login', AUTHENTIK, [...ANY, 'authentik']],
] as const)('of the type %s with the schema %j', async ([name, payloadSchema, ways]) => {
  const { slug, key } = await gateway.workspace();
  await gateway.data(
    'mutation($input: DefineEventInput!) { defineEvent(input: $input) { definition { id } } }',
    { input: { workspace: slug, name, payloadSchema, validation: 'QUARANTINE' } },
  );
  const payload = examplePayload(payloadSchema);
  const subject = { origin: gateway.url, workspace: slug, type: name, payload, at: new Date() };
  const samples = samplesOf(subject).filter(({ id, code }) => id !== 'typescript' && code !== null);
  expect(samples.map(({ id }) => id).toSorted()).toEqual(ways.toSorted());
  for (const { code } of samples) {
    await run('bash', ['-ec', code as string], { env: { ...process.env, SLUICE_KEY: key } });
  }
  const found = await gateway.data<{
    events: { nodes: { door: string }[] };
    quarantinedEvents: { nodes: { door: string; problems: object[] }[] };
  }>(
    `{ events(first: 50) { nodes { door } }
       quarantinedEvents(first: 50) { nodes { door problems { message } } } }`,
    {},
    key,
  );
  expect(found.quarantinedEvents.nodes).toEqual([]);
  const doors = found.events.nodes.map(({ door }) => door.toLowerCase()).toSorted();
  const named: Record<string, string> = { curl: 'graphql', opentelemetry: 'otlp' };
  expect(doors).toEqual(ways.map(way => named[way] ?? way).toSorted());
});
