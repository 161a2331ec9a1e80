import { describe, expect, test } from 'vitest';
import { GatewayError, type ErrorCode } from '../../../src/core/errors.ts';
import type { DoorContext, DoorRequest } from '../../../src/doors/door.ts';
import { createLogspaceDoor } from '../../../src/doors/logspace/door.ts';

const door = createLogspaceDoor({});

function request(method: string, path: string, body = ''): DoorRequest {
  return {
    ...{
      method,
      path,
      params: {},
      query: new URLSearchParams(),
      headers: {},
      repeatedHeaders: () => [],
    },
    ...{ origin: 'http://127.0.0.1', requestId: 'r' },
    body: Buffer.from(body),
    json: () => JSON.parse(body) as unknown,
  };
}

test.each([
  ['/events', true],
  ['/api/events', true],
  ['/orders/x', true],
  ['/api/capabilities/x', true],
  ['/native-query', true],
  ['/api/event', false],
  ['/eventsource', false],
  ['/api', false],
  ['/api/v2/usage/events/query', false],
])('%s is the door’s own: %s', (path, isOwn) => {
  expect(door.owns(path)).toBe(isOwn);
});

describe('what is our fault', () => {
  test.each<[string, string, string, string]>([
    ['PUT', '/events', '', 'EVENT_STORAGE_FAILED'],
    ['POST', '/api/events', ' \uFEFF[]', 'EVENT_RETRIEVAL_FAILED'],
    ['POST', '/api/events', '\uFEFF \n[]', 'EVENT_STORAGE_FAILED'],
    ['POST', '/events', '{}', 'EVENT_RETRIEVAL_FAILED'],
    ['GET', '/events', '', 'EVENT_RETRIEVAL_FAILED'],
    ['POST', '/event-stream', '', 'EVENT_STREAM_FAILED'],
    ['POST', '/time-series', '', 'DATA_RETRIEVAL_FAILED'],
    ['PUT', '/capabilities/c', '', 'DATA_STORAGE_FAILED'],
  ])('LS-ERROR-02: %s %s %j is 500 %s, with its cause', (method, path, body, type) => {
    const codes: ErrorCode[] = ['OVERLOADED', 'SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR'];
    for (const code of codes) {
      const answer = door.encodeError(new GatewayError(code, 'why'), request(method, path, body));
      expect(answer.status).toBe(500);
      expect(JSON.parse(String(answer.body))).toEqual({
        type,
        message: 'why',
        parameters: { cause: 'why' },
      });
    }
  });

  test('LS-STORE-14: a batch that quarantine can’t take is not acknowledged', async () => {
    const failure = new GatewayError('SERVICE_UNAVAILABLE', 'Try again shortly.');
    const context = {
      access: () => Promise.resolve({ id: 1, slug: 's' }),
      keepAside: () => Promise.reject(failure),
      record: () => Promise.resolve([]),
    } as unknown as DoorContext;
    const put = door.routes.find(route => route.method === 'PUT' && route.path === '/events')!;
    await expect(put.handle(request('PUT', '/events', '[7]'), context)).rejects.toBe(failure);
  });

  test('LS-STORE-15: a batch that comes at a busy time leaves nothing in quarantine: it will come again', async () => {
    const busy = new GatewayError('OVERLOADED', 'Try again shortly.');
    const kept: unknown[] = [];
    const context = {
      access: () => Promise.resolve({ id: 1, slug: 's' }),
      keepAside: (_: unknown, items: unknown[]) => Promise.resolve(void kept.push(...items)),
      record: () => Promise.reject(busy),
    } as unknown as DoorContext;
    const put = door.routes.find(route => route.method === 'PUT' && route.path === '/events')!;
    const event = '{"id":"1","system":"s","agent-id":"a","timestamp":"2020-01-01T00:00:00Z"}';
    await expect(put.handle(request('PUT', '/events', `[7,${event}]`), context)).rejects.toBe(busy);
    expect(kept).toEqual([]);
  });
});
