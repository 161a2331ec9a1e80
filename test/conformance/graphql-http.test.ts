import { serverAudits } from 'graphql-http';
import { afterAll, describe, expect, test } from 'vitest';
import { KEY, startEdge } from '../unit/graphql-http/kit/edge.ts';

const edge = await startEdge();
afterAll(() => edge[Symbol.asyncDispose]());

/** With a key, since two of the audits look into the schema. */
function withKey(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${KEY}` };
  return fetch(input, { ...init, headers });
}

describe('GraphQL over HTTP', () => {
  for (const audit of serverAudits({ url: edge.url, fetchFn: withKey })) {
    test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      const reason = result.status === 'ok' ? '' : result.reason;
      expect({ status: result.status, reason }).toEqual({ status: 'ok', reason: '' });
    });
  }
});
