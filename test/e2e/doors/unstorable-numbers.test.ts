import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

test.each(['1e999999', '-1e-99999', '1.5E+131073', '9'.repeat(20_000), `0.${'7'.repeat(20_000)}`])(
  'a door keeps an event aside whose number Postgres does not hold, with its digits (%#)',
  async literal => {
    const { key, slug } = await gateway.workspace();
    const response = await fetch(`${gateway.url}/v1/track`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
      },
      body: `{"event": "Number", "userId": "ada", "messageId": "m", "properties": {"n": ${literal}, "text": "a\\"1e9999\\""}}`,
    });
    expect(response.status).toBe(200);
    const { quarantinedEvents } = await gateway.data<{
      quarantinedEvents: { nodes: { event: { payload: { n: unknown; text: string } } }[] };
    }>('query ($slug: String!) { quarantinedEvents(workspace: $slug) { nodes { event } } }', {
      slug,
    });
    const [kept] = quarantinedEvents.nodes;
    expect(typeof kept!.event.payload.n).toBe('string');
    expect(kept!.event.payload.text).toBe('a"1e9999"');
  },
);
