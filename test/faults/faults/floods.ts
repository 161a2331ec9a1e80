/** Floods of the gateway's port. */
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { ADMIN_KEY } from '../../kit/key.ts';
import type { Arena, Fault } from '../arena.ts';

type Close = () => void;

function flood(name: string, what: string, count: number, open: (url: URL) => Close): Fault {
  return {
    name,
    what,
    holdMs: 5_000,
    isHarmless: true,
    async start(arena) {
      const url = new URL(arena.gateways[0]!.url);
      const closes = Array.from({ length: count }, () => open(url));
      const timer = setInterval(() => void checkHealth(arena), 500);
      return async () => {
        clearInterval(timer);
        for (const close of closes) close();
      };
    },
  };
}

async function checkHealth({ gateways, ledger }: Arena): Promise<void> {
  try {
    const signal = AbortSignal.timeout(10_000);
    const { status } = await fetch(`${gateways[0]!.url}/health/live`, { signal });
    if (status !== 200) ledger().fault(`/health/live answered ${status} in the flood`);
  } catch (error) {
    ledger().fault(`/health/live did not answer in the flood: ${String(error)}`);
  }
}

function openTcp({ hostname, port }: URL): Close {
  const socket = connect(Number(port), hostname).on('error', () => {});
  return () => socket.destroy();
}

function openSlowHeaders(url: URL): Close {
  const socket = connect(Number(url.port), url.hostname).on('error', () => {});
  socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\n');
  const timer = setInterval(() => socket.write('x-slow: y\r\n'), 1_000);
  return () => {
    clearInterval(timer);
    socket.destroy();
  };
}

function openWebSocket({ host }: URL): Close {
  const socket = new WebSocket(`ws://${host}/graphql`, 'graphql-transport-ws');
  const payload = { authorization: `Bearer ${ADMIN_KEY}` };
  socket.on('error', () => {});
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
  return () => socket.terminate();
}

function openEventStream({ origin }: URL): Close {
  const leaving = new AbortController();
  void fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${ADMIN_KEY}`,
    },
    body: JSON.stringify({ query: 'subscription { events { position } }' }),
    signal: leaving.signal,
  })
    .then(async ({ body }) => {
      for await (const _chunk of body ?? []);
    })
    .catch(() => {});
  return () => leaving.abort();
}

export const FLOODS = [
  flood('flood-tcp', '2,000 connections that say nothing', 2_000, openTcp),
  flood('flood-slow-headers', '1,000 requests whose header never ends', 1_000, openSlowHeaders),
  flood('flood-websocket', '1,000 WebSockets', 1_000, openWebSocket),
  flood('flood-sse', '500 event streams', 500, openEventStream),
];
