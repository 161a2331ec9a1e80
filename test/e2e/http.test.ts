/** What HTTP keeps out and tells, seen from outside of a whole gateway. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const AUTHORIZED = { authorization: `Bearer ${ADMIN_KEY}` };
const HTML = { accept: 'text/html' };

describe('every answer is safe to show in a browser', () => {
  test.for([
    ['/', HTML],
    ['/graphql', HTML],
    ['/graphql?query=%7B__typename%7D', {}],
    ['/graphql/assets/none.js', {}],
    ['/console/assets/none.js', {}],
    ['/health/live', {}],
    ['/health/ready', {}],
    ['/metrics', AUTHORIZED],
    ['/metrics', {}],
    ['/api/event', {}],
    ['/api/v3/events/events/', {}],
    ['/cloudevents', {}],
    ['/nothing', HTML],
  ] as const)('%s', async ([path, headers]) => {
    const answer = await fetch(`${gateway.url}${path}`, { headers });
    const text = await answer.text();
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('x-powered-by')).toBeNull();
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/script-src[^;]*(unsafe|\*|http|data:)/);
    // Nothing that such a policy would have to let through.
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+="|javascript:/i);
  });
});

describe('nothing is changed', () => {
  const mutation = 'mutation { createWorkspace(input: { slug: "forged" }) { workspace { slug } } }';
  const body = JSON.stringify({ query: mutation });

  test.for([
    ['by GET', { method: 'GET' }, 405],
    ['by HEAD', { method: 'HEAD' }, 405],
    ['by a form', { method: 'POST', type: 'application/x-www-form-urlencoded' }, 415],
    ['by a form with files', { method: 'POST', type: 'multipart/form-data; boundary=x' }, 415],
    ['by plain text', { method: 'POST', type: 'text/plain' }, 415],
    ['by a body without a type', { method: 'POST', type: '' }, 415],
    ['by bare GraphQL', { method: 'POST', type: 'application/graphql' }, 415],
  ] as const)('%s', async ([, { method, ...rest }, status]) => {
    const isRead = method !== 'POST';
    const search = isRead ? `?query=${encodeURIComponent(mutation)}` : '';
    const type = 'type' in rest ? rest.type : '';
    const answer = await fetch(`${gateway.url}/graphql${search}`, {
      method,
      headers: { ...AUTHORIZED, ...(type !== '' && { 'content-type': type }) },
      ...(!isRead && { body: new TextEncoder().encode(body) }),
    });
    await answer.text();
    expect(answer.status).toBe(status);
    expect(await gateway.data('{ workspace(slug: "forged") { id } }')).toEqual({ workspace: null });
  });
});

test('an unexpected error tells its request id and nothing else', async () => {
  await gateway.db.upkeep.query('alter table quarantined_events rename to quarantined_elsewhere');
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { ...AUTHORIZED, 'content-type': 'application/json', 'x-request-id': 'outside-1' },
    body: JSON.stringify({ query: '{ quarantinedEvents { nodes { id } } }' }),
  });
  const text = await response.text();
  await gateway.db.upkeep.query('alter table quarantined_elsewhere rename to quarantined_events');
  expect(response.headers.get('x-request-id')).toBe('outside-1');
  expect(JSON.parse(text)).toEqual({
    errors: [
      {
        message: expect.stringContaining('request id outside-1') as string,
        locations: expect.anything() as object,
        path: ['quarantinedEvents'],
        extensions: { requestId: 'outside-1', code: 'INTERNAL_SERVER_ERROR' },
      },
    ],
    data: null,
  });
  expect(text).not.toMatch(/relation|42P01|postgres|\/src\/|at /);
});

describe('a caller without a key learns nothing of the schema', () => {
  const told = async (query: string, key?: string) => {
    const answer = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ query }),
    });
    return (await answer.json()) as { errors?: { extensions: { code: string } }[] };
  };
  const codesOf = ({ errors = [] }: Awaited<ReturnType<typeof told>>) =>
    errors.map(({ extensions }) => extensions.code);

  test.for([
    ['a field', '{ evens { nodes { id } } }'],
    ['a field below another', '{ events { nodes { ide } } }'],
    ['a selection', '{ events }'],
    ['an argument', '{ events(frist: 1) { nodes { id } } }'],
    ['an argument that is missing', '{ event { id } }'],
    ['an input field', 'mutation { createApiKey(input: { nam: "x" }) { secret } }'],
    ['a value', '{ events(first: "x") { nodes { id } } }'],
    ['a type', 'query ($x: EvntFilter) { events(filter: $x) { nodes { id } } }'],
    ['a fragment', '{ ...f } fragment f on Evnt { id }'],
    ['introspection', '{ __schema { types { name } } }'],
    ['a type by introspection', '{ __type(name: "Event") { fields { name } } }'],
  ] as const)('%s', async ([, query]) => {
    expect(codesOf(await told(query))).toEqual(['UNAUTHENTICATED']);
    expect(codesOf(await told(query, ADMIN_KEY))).not.toContain('UNAUTHENTICATED');
  });

  test('and is told what is wrong with a text that is no GraphQL', async () => {
    expect(codesOf(await told('{'))).toEqual(['GRAPHQL_PARSE_FAILED']);
    expect(codesOf(await told('{ __typename }'))).toEqual([]);
  });
});
