/** A subscription through a router: Hive's gateway, which asks this subgraph by server-sent events. */
import { composeServices } from '@apollo/composition';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { parse } from 'graphql';
import { createClient } from 'graphql-sse';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

const EVENTS = `subscription($slug: String!) {
  events(workspace: $slug, start: BEGINNING) { kind node { eventId } }
}`;

interface Delivery {
  readonly events: { readonly kind: string; readonly node: { readonly eventId: string } | null };
}

/** Serves the supergraph of this one subgraph, and passes on the key of who asks. */
async function startRouter(gateway: TestGateway): Promise<string> {
  const { _service: service } = await gateway.data<{ _service: { sdl: string } }>(
    '{ _service { sdl } }',
  );
  const { supergraphSdl = '', errors } = composeServices([
    { name: 'events', url: `${gateway.url}/graphql`, typeDefs: parse(service.sdl) },
  ]);
  expect(errors).toBeUndefined();
  const router = createGatewayRuntime({
    supergraph: supergraphSdl,
    logging: false,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request }) => ({
        authorization: request.headers.get('authorization') ?? '',
      }),
    },
  });
  // eslint-disable-next-line @typescript-eslint/no-misused-promises
  const server = createServer(router);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    await router[Symbol.asyncDispose]();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

test('a router passes on history and then live events, in order, each once', async () => {
  await using gateway = await startTestGateway({ config: { federation: true } });
  const { slug, key } = await gateway.workspace();
  const record = (...ids: string[]) =>
    gateway.data(
      `mutation($slug: String!, $events: [EventInput!]!) {
        recordEvents(input: { workspace: $slug, events: $events }) { recordedCount } }`,
      { slug, events: ids.map(id => ({ type: 't', id })) },
    );
  await record('h-1', 'h-2', 'h-3');
  const client = createClient({
    url: await startRouter(gateway),
    headers: { authorization: `Bearer ${key}` },
  });
  const seen: string[] = [];
  for await (const { data, errors } of client.iterate<Delivery>({
    query: EVENTS,
    variables: { slug },
  })) {
    expect(errors).toBeUndefined();
    const { kind, node } = data!.events;
    seen.push(node?.eventId ?? kind);
    if (kind === 'CAUGHT_UP') {
      await record('l-1');
      await record('l-2', 'l-3');
    }
    if (node?.eventId === 'l-3') break;
  }
  expect(seen).toEqual(['h-1', 'h-2', 'h-3', 'CAUGHT_UP', 'l-1', 'l-2', 'l-3']);
});
