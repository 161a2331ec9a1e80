/** Rows of doors.md 5, by raw calls as the vendor's samples make them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { bearer, BODY_BYTES_MAX, call, TOO_LARGE } from './call.ts';

let gateway: TestGateway;
let workspace: { slug: string; key: string };
let url: string;

beforeAll(async () => {
  gateway = await startTestGateway({ config: { bodyBytesMax: BODY_BYTES_MAX } });
  workspace = await gateway.workspace();
  url = `${gateway.url}/api/event`;
});
afterAll(() => gateway[Symbol.asyncDispose]());

function post(body: unknown, key = ADMIN_KEY, headers: Record<string, string> = {}) {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  return call(url, { method: 'POST', headers: { ...bearer(key), ...headers }, body: sent });
}

interface Found {
  readonly workspace: {
    readonly name: string;
    readonly events: { readonly nodes: readonly Record<string, unknown>[] };
  } | null;
}

async function find(slug: string): Promise<Found['workspace']> {
  const { workspace: found } = await gateway.data<Found>(
    `query($slug: String!) { workspace(slug: $slug) { name events(first: 10) {
      nodes { eventId type description icon notify payload door }
    } } }`,
    { slug },
  );
  return found;
}

describe('LSH-W writing', () => {
  test('LSH-W-1 MUST answer 200 with the event, which GraphQL then reads', async () => {
    const answer = await post({
      ...{ workspace: 'Web Shop', event: 'User signed up', description: 'For the newsletter.' },
      ...{ icon: ':heart:', notify: true, metadata: { user: 7, plan: 'pro', trial: false } },
    });
    const id = expect.any(String) as string;
    expect({ status: answer.status, body: answer.json() }).toEqual({
      status: 200,
      body: {
        ...{ status: true, id, workspace: 'web shop', event: 'User signed up' },
        description: 'For the newsletter.',
      },
    });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const { id: eventId } = answer.json() as { id: string };
    expect(await find('web-shop')).toEqual({
      name: 'Web Shop',
      events: {
        nodes: [
          {
            ...{ eventId, type: 'User signed up', description: 'For the newsletter.', icon: '❤️' },
            ...{ notify: true, door: 'LOGSH', payload: { user: 7, plan: 'pro', trial: false } },
          },
        ],
      },
    });
  });

  test('LSH-W-2 MUST find a workspace whatever the case of its name, also when it is made by many at once', async () => {
    const names = ['Crowd', 'crowd', 'CROWD', ' crowd '];
    const answers = await Promise.all(names.map(name => post({ workspace: name, event: 'e' })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await find('crowd'))?.events.nodes).toHaveLength(4);
  });

  test('LSH-W-3 MUST take what the samples send for nothing: null, and an empty list', async () => {
    const body = { workspace: 'w', event: 'e', description: null, icon: null, notify: null };
    expect((await post({ ...body, metadata: null })).status).toBe(200);
    expect((await post({ ...body, metadata: [] })).status).toBe(200);
  });

  test('LSH-W-4 MUST take each post for a new event', async () => {
    const [a, b] = [
      await post({ workspace: 'w', event: 'e' }),
      await post({ workspace: 'w', event: 'e' }),
    ];
    expect((a.json() as { id: string }).id).not.toBe((b.json() as { id: string }).id);
  });

  test('LSH-W-5 MUST take the workspace of a key that covers one, and no other', async () => {
    const own = { workspace: workspace.slug.toUpperCase(), event: 'e' };
    expect((await post(own, workspace.key)).status).toBe(200);
    const other = await post({ workspace: 'made-by-a-stranger', event: 'e' }, workspace.key);
    expect(other).toMatchObject({ status: 401 });
    expect(await find('made-by-a-stranger')).toBeNull();
  });
});

describe('LSH-W workspaces by name', () => {
  const slugs = async () => {
    const { workspaces } = await gateway.data<{
      workspaces: { nodes: { slug: string; name: string }[] };
    }>('{ workspaces(first: 1000) { nodes { slug name } } }');
    return new Map(workspaces.nodes.map(({ slug, name }) => [name, slug]));
  };

  test('LSH-W-6 MUST keep names apart that differ beyond ASCII, each as it was given', async () => {
    const names = [
      ...['日本A', '中国A', 'プロジェクトA', '🚀 launch', '🔥 launch', 'launch', 'A', 'Größe_1'],
      ...['Gräße_1', '日志', '日誌'],
    ];
    for (const name of names) {
      const answer = await post({ workspace: name, event: name });
      expect(answer.json()).toMatchObject({ status: true, workspace: name.toLowerCase() });
    }
    const found = await slugs();
    expect(new Set(names.map(name => found.get(name))).size).toBe(names.length);
    for (const name of names) {
      const { events } = (await find(found.get(name)!))!;
      expect(events.nodes.map(({ type }) => type)).toEqual([name]);
    }
    expect([found.get('launch'), found.get('A')]).toEqual(['launch', 'a']);
    // The same name again, in another case and in another form of its letters.
    await post({ workspace: 'GRÖSSE_1'.replace('SS', 'ß'), event: 'again' });
    await post({ workspace: 'Größe_1'.normalize('NFD'), event: 'again' });
    expect((await find(found.get('Größe_1')!))?.events.nodes).toHaveLength(3);
    expect((await slugs()).size).toBe(found.size);
  });

  test('LSH-W-7 MUST go on with a workspace of before for the name that made it, and no other', async () => {
    const make = `mutation($slug: String!, $name: String) {
      createWorkspace(input: { slug: $slug, name: $name }) { workspace { id } } }`;
    await gateway.data(make, { slug: 'b', name: '日本B' });
    for (const name of ['日本B', '日本b', '中国B']) await post({ workspace: name, event: name });
    const kept = await find('b');
    expect(kept?.events.nodes.map(({ type }) => type)).toEqual(['日本b', '日本B']);
    expect((await slugs()).get('中国B')).toMatch(/^b-[0-9a-f]{12}$/);
  });
});

describe('LSH-W names of ASCII', () => {
  test('LSH-W-8 MUST keep names apart that differ in signs, the first by the short slug', async () => {
    const names = ['c d', 'c.d', 'C_D', 'c/d', 'c++', 'c--', 'c##'];
    // Twice, and the first time those of one slug at once.
    await Promise.all(names.map(name => post({ workspace: name, event: name })));
    for (const name of names) {
      const answer = await post({ workspace: name, event: name });
      expect(answer.json()).toMatchObject({ status: true, workspace: name.toLowerCase() });
    }
    const { workspaces } = await gateway.data<{
      workspaces: { nodes: { slug: string; name: string }[] };
    }>('{ workspaces(first: 1000) { nodes { slug name } } }');
    for (const name of names.filter(each => each !== 'c--')) {
      const [made, ...more] = workspaces.nodes.filter(each => each.name === name);
      expect(more).toEqual([]);
      expect(made?.slug).toMatch(/^c-(d|-)(-[0-9a-f]{12})?$|^c---[0-9a-f]{12}$|^c-[0-9a-f]{12}$/);
      const { events } = (await find(made!.slug))!;
      const types = events.nodes.map(({ type }) => type).filter(type => type !== 'c--');
      expect(types).toEqual([name, name]);
    }
    // A name that is a slug means the workspace that has it.
    expect((await find('c--'))?.events.nodes.map(({ type }) => type)).toContain('c--');
  });
});

describe('LSH-L limits', () => {
  const body = { workspace: 'limits', event: 'e' };

  test.each([
    ['event', 250, 'Event must be 250 characters or fewer.'],
    ['description', 250, 'Description must be 250 characters or fewer.'],
    ['workspace', 35, 'Workspace name must be 35 characters or fewer.'],
  ])(
    'LSH-L-1 MUST take a %s of %i characters once trimmed, and say so of a longer one',
    async (field, max, message) => {
      expect((await post({ ...body, [field]: ` ${'x'.repeat(max)} ` })).status).toBe(200);
      const refused = await post({ ...body, [field]: 'x'.repeat(max + 1) });
      expect(refused.status).toBe(400);
      expect(refused.json()).toEqual({ status: false, name: 'bad_request', message });
    },
  );

  test.each([
    [{ ['k'.repeat(100)]: 'v'.repeat(500) }, null],
    [{ ['k'.repeat(101)]: 1 }, 'Metadata key must be 1 to 100 characters.'],
    [{ k: 'v'.repeat(501) }, 'Metadata value must be 500 characters or fewer.'],
    [{ k: [] }, 'Metadata value must be string, number or boolean.'],
    [{ k: null }, 'Metadata value must be string, number or boolean.'],
    ['text', 'Metadata must be an object.'],
  ])('LSH-L-2 MUST bound metadata: %.40j', async (metadata, message) => {
    const answer = await post({ ...body, metadata });
    expect(answer.status).toBe(message === null ? 200 : 400);
    if (message !== null) expect(answer.json()).toMatchObject({ name: 'bad_request', message });
  });

  test.each([
    ...['🔥', '🇦🇹', '👨‍👩‍👧‍👦', '👍🏽', 'heart', ':heart:', '+1'].map(icon => [icon, 200] as const),
    ...['plain text', 'heart heart', '🔥🔥', '::'].map(icon => [icon, 400] as const),
  ])('LSH-L-3 MUST take one emoji or its name as icon: %s is %i', async (icon, status) => {
    expect((await post({ ...body, icon })).status).toBe(status);
  });
});

describe('LSH-E refusing, always as {status: false, name, message}', () => {
  const INVALID = 'Your API key is invalid, missing required permissions, or has expired.';
  const FORMAT = 'Authorization header must be in the format: Bearer <token>';
  const event = { workspace: 'w', event: 'e' };

  test.each<[string, number, string, string | RegExp, () => ReturnType<typeof call>]>([
    ['LSH-E-1 no key', 401, 'unauthorized', FORMAT, () => call(url, { method: 'POST' })],
    [
      ...(['LSH-E-2 a header without Bearer', 401, 'unauthorized', FORMAT] as const),
      () => post(event, ADMIN_KEY, { authorization: ADMIN_KEY }),
    ],
    ['LSH-E-3 a wrong key', 401, 'unauthorized', INVALID, () => post(event, 'wrong')],
    ['LSH-E-4 no event', 400, 'bad_request', 'Event is required.', () => post({ workspace: 'w' })],
    [
      ...(['LSH-E-5 two emojis', 400, 'bad_request', 'Icon must be a valid emoji 🔥.'] as const),
      () => post({ ...event, icon: '🔥🔥' }),
    ],
    [
      ...([
        'LSH-E-6 a name of no emoji',
        400,
        'bad_request',
        'Icon must be a valid emoji 🔥.',
      ] as const),
      () => post({ ...event, icon: 'constructor' }),
    ],
    [
      ...(['LSH-E-7 an unknown key', 400, 'bad_request'] as const),
      ...([
        'Invalid ["channel"] keys in request body',
        () => post({ ...event, channel: 'x' }),
      ] as const),
    ],
    ['LSH-E-8 a list', 400, 'bad_request', 'Invalid body parameters provided.', () => post([])],
    ['LSH-E-9 what is not JSON', 400, 'bad_request', /JSON/, () => post('{')],
    [
      ...([
        'LSH-E-10 a number that can’t be kept',
        400,
        'bad_request',
        /^\/metadata\/a: .*1e400/,
      ] as const),
      () => post('{"workspace":"w","event":"e","metadata":{"a":1e400}}'),
    ],
    ['LSH-E-11 a body over the limit', 413, 'payload_too_large', /bytes/, () => post(TOO_LARGE)],
    [
      ...(['LSH-E-12 another media type', 415, 'unsupported_media_type', /Content-Type/] as const),
      () => post(event, ADMIN_KEY, { 'content-type': 'text/plain' }),
    ],
    ['LSH-E-13 another method', 405, 'method_not_allowed', /POST, OPTIONS/, () => call(url)],
    ['LSH-E-14 no such path', 404, 'not_found', /./, () => call(`${url}/list`)],
  ])('%s', async (_row, ...[status, name, message, answer]) => {
    const answered = await answer();
    expect({ status: answered.status, body: answered.json() }).toEqual({
      status,
      body: {
        ...{ status: false, name },
        message: typeof message === 'string' ? message : (expect.stringMatching(message) as string),
      },
    });
  });

  test('LSH-E-15 a key without the scope gets 401', async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation { createApiKey(input: { name: "r", scopes: [EVENTS_READ] }) { secret } }`,
    );
    expect(await post(event, createApiKey.secret)).toMatchObject({ status: 401 });
  });

  test('LSH-E-17 the key is looked at before the body', async () => {
    expect(await post('{', 'wrong')).toMatchObject({ status: 401 });
    expect(await post(TOO_LARGE, 'wrong')).toMatchObject({ status: 401 });
  });

  test('LSH-E-16 a key over its rate gets 429 with Retry-After', async () => {
    await using slow = await startTestGateway({
      databaseUrl: gateway.databaseUrl,
      config: { logshEventsPerSecond: 1 },
    });
    const init = { method: 'POST', headers: bearer(workspace.key) };
    const body = JSON.stringify({ workspace: workspace.slug, event: 'e' });
    const answers = await Promise.all(
      [1, 2].map(() => call(`${slow.url}/api/event`, { ...init, body })),
    );
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.json()).toEqual({
      ...{ status: false, name: 'rate_limit_exceeded' },
      message: 'Rate limit exceeded. Try again after 1 seconds.',
    });
    expect(refused.headers.get('retry-after')).toBe('1');
  });
});
