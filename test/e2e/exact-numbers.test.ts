/**
 * A number keeps its value exactly, whichever way it comes and goes, or is refused with its place.
 * The rule and its limits are in `src/core/exact-number.ts`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Workspace {
  readonly slug: string;
  readonly key: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function call(
  path: string,
  { slug: _slug, key }: Workspace,
  body: string | null,
  how: { method?: string; type?: string } = {},
): Promise<Answer> {
  const response = await fetch(gateway.url + path, {
    method: how.method ?? (body === null ? 'GET' : 'POST'),
    headers: {
      'content-type': how.type ?? 'application/json',
      authorization: `Bearer ${key}`,
      'logspace.space-token': key,
    },
    ...(body === null ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}

/** Variables are text, so that no number in them is rounded on the way. */
function graphql(workspace: Workspace, query: string, variables = '{}'): Promise<Answer> {
  const body = `{"query":${JSON.stringify(query)},"variables":${variables}}`;
  return call('/graphql', workspace, body);
}

const RECORD = `mutation($e: EventInput!) {
  recordEvent(input: { event: $e }) { receipt { status problems { code pointer message } } }
}`;
const CE = 'application/cloudevents+json';
const SPEAKEASY =
  '"interaction_type":"RUN","execution_id":"x","created_at":"2026-01-02T03:04:05Z",' +
  '"local_started_at":"2026-01-02T03:04:05Z","speakeasy_api_key_name":"","speakeasy_version":"1",' +
  '"success":true,"workspace_id":"w"';

/** Sends JSON in the payload of an event; `n` stands in its id. */
type Way = (workspace: Workspace, json: string, n: number) => Promise<Answer>;

const byWebSocket: Way = async ({ key }, json, n) => {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, [
    'graphql-transport-ws',
  ]);
  const messages: { type: string; payload?: unknown }[] = [];
  let hear: () => void = () => undefined;
  socket.on('message', data => {
    messages.push(JSON.parse(String(data)) as (typeof messages)[number]);
    hear();
  });
  const heard = async (type: string) => {
    while (!messages.some(message => message.type === type)) {
      await new Promise<void>(resolve => (hear = resolve));
    }
    return messages.find(message => message.type === type);
  };
  await new Promise(resolve => socket.on('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: key } }));
  await heard('connection_ack');
  const event = `{"type":"t","id":"ws-${n}","payload":{"v":${json}}}`;
  socket.send(
    `{"id":"1","type":"subscribe","payload":{"query":${JSON.stringify(RECORD)},"variables":{"e":${event}}}}`,
  );
  const next = await heard('next');
  socket.terminate();
  return { status: 200, text: JSON.stringify(next?.payload) };
};

const WAYS: readonly { name: string; path: string; send: Way }[] = [
  {
    name: 'a variable of GraphQL',
    path: '{v}',
    send: (workspace, json, n) =>
      graphql(workspace, RECORD, `{"e":{"type":"t","id":"var-${n}","payload":{"v":${json}}}}`),
  },
  {
    name: 'a literal of GraphQL',
    path: '{v}',
    send: (workspace, json, n) => {
      const event = `{ type: "t", id: "literal-${n}", payload: { v: ${json} } }`;
      const receipt = 'receipt { status problems { code pointer message } }';
      return graphql(
        workspace,
        `mutation { recordEvent(input: { event: ${event} }) { ${receipt} } }`,
      );
    },
  },
  {
    name: 'a variable inside a literal of GraphQL',
    path: '{v}',
    send: (workspace, json, n) => {
      const event = `{ type: "t", id: "within-${n}", payload: { v: $v } }`;
      const receipt = 'receipt { status problems { code pointer message } }';
      const query = `mutation($v: JSON) { recordEvent(input: { event: ${event} }) { ${receipt} } }`;
      return graphql(workspace, query, `{"v":${json}}`);
    },
  },
  { name: 'GraphQL over a WebSocket', path: '{v}', send: byWebSocket },
  {
    name: 'CloudEvents',
    path: '{data}',
    send: ({ slug, key }, json, n) => {
      const event = `{"specversion":"1.0","id":"${n}","source":"/s","type":"t","data":${json}}`;
      return call(`/cloudevents?workspace=${slug}`, { slug, key }, event, { type: CE });
    },
  },
  {
    name: 'authentik',
    path: '{context,v}',
    send: (workspace, json) =>
      call(
        '/api/v3/events/events/',
        workspace,
        `{"action":"login","app":"a","context":{"v":${json}}}`,
      ),
  },
  {
    name: 'Speakeasy',
    path: '{v}',
    send: (workspace, json, n) =>
      call(
        `/v1/workspace/${workspace.slug}/events`,
        workspace,
        `[{"id":"spk-${n}",${SPEAKEASY},"v":${json}}]`,
      ),
  },
];
const LOGSH: (typeof WAYS)[number] = {
  name: 'Logsh',
  path: '{v}',
  send: (workspace, json) =>
    call(
      '/api/event',
      workspace,
      `{"workspace":"${workspace.slug}","event":"t","metadata":{"v":${json}}}`,
    ),
};

async function stored({ slug }: Workspace, path: string): Promise<string[]> {
  const rows = await gateway.db.read.query<{ value: string }>(
    `select (e.payload #> $2::text::text[])::text as value
     from events e join workspaces w on w.id = e.workspace_id
     where w.slug = $1 order by e.position`,
    [slug, path],
  );
  return rows.map(({ value }) => value);
}

/** What is sent, and what Postgres writes: the same number. */
const NUMBERS: readonly (readonly [string, string])[] = [
  ['123456789012.123456789', '123456789012.123456789'],
  ['9007199254740993', '9007199254740993'],
  ['-12345678901234567890', '-12345678901234567890'],
  ['6.022e23', '602200000000000000000000'],
  ['0.1000000000000000055511', '0.1000000000000000055511'],
  ['12345678901234567890123E-20', '123.45678901234567890123'],
  ['1e-7', '0.0000001'],
  ['5e-324', `0.${'0'.repeat(323)}5`],
  ['1.7976931348623157e308', `17976931348623157${'0'.repeat(292)}`],
  ['1.10', '1.1'],
];

describe('every digit is kept', () => {
  test.each([...WAYS, LOGSH])('by $name', async ({ send, path }) => {
    const workspace = await gateway.workspace();
    for (const [n, [literal]] of NUMBERS.entries()) {
      const { status, text } = await send(workspace, literal, n);
      expect(status, text).toBeLessThan(300);
      expect(text).not.toMatch(/errors|REJECTED/);
    }
    expect(await stored(workspace, path)).toEqual(NUMBERS.map(([, written]) => written));
  });

  test.each(WAYS)('by $name, nested beside other values', async ({ send, path }) => {
    const workspace = await gateway.workspace();
    const json = '[{ "__proto__": [9007199254740993, "9007199254740993", 1.5] }, 1e-9]';
    // Keys of a literal have no quotes.
    const isLiteral = send === WAYS[1]?.send;
    await send(workspace, isLiteral ? json.replace('"__proto__"', '__proto__') : json, 1);
    expect(await stored(workspace, path)).toEqual([
      '[{"__proto__": [9007199254740993, "9007199254740993", 1.5]}, 0.000000001]',
    ]);
  });

  test('by Logspace, of doubles and of what is cut to a whole number', async () => {
    const workspace = await gateway.workspace();
    const maps =
      '"double-properties":{"d":123456789012.123456789},' +
      '"long-properties":{"l":9007199254740993.75,"e":-9.007199254740993e15}';
    const event =
      '{"id":"1","type":"t","system":"s","agent-id":"a","timestamp":"2026-01-02T03:04:05.678Z"';
    const { status } = await call('/events', workspace, `[${event},${maps}}]`, { method: 'PUT' });
    expect(status).toBe(202);
    for (const [path, value] of [
      ['{d}', '123456789012.123456789'],
      ['{l}', '9007199254740993'],
      ['{e}', '-9007199254740993'],
    ] as const) {
      expect(await stored(workspace, path)).toEqual([value]);
    }
    const { text } = await call('/events?form=sent', workspace, '{}');
    expect(text).toContain('"d":123456789012.123456789');
  });

  test('a double property is the nearest double', async () => {
    const workspace = await gateway.workspace();
    const properties = '[{"double":{"name":"v","value":123456789012.123456789}}]';
    const { text } = await graphql(
      workspace,
      RECORD,
      `{"e":{"type":"t","properties":${properties}}}`,
    );
    expect(text).toContain('RECORDED');
    expect(await stored(workspace, '{v}')).toEqual(['123456789012.12346']);
  });

  test.each([
    ['CloudEvents', 4, ({ slug }: Workspace) => `/cloudevents?workspace=${slug}`, 'data'],
    ['authentik', 5, () => '/api/v3/events/events/', 'v'],
    ['Speakeasy', 6, ({ slug }: Workspace) => `/v1/workspace/${slug}/events`, 'v'],
  ] as const)('on the way out by %s', async (_name, way, path, member) => {
    const workspace = await gateway.workspace();
    const list = '[123456789012.123456789,9007199254740993,-12345678901234567890]';
    await WAYS[way]?.send(workspace, list, 1);
    const { text } = await call(path(workspace), workspace, null);
    expect(text).toContain(`"${member}":${list}`);
  });
});

describe('a number that can’t be kept', () => {
  const literals = ['1e131071', '-1e131071', '1e400', '1e-400', `0.${'3'.repeat(401)}`];

  test.each([...WAYS, LOGSH])(
    'is refused by $name with its place',
    async ({ name, send, path }) => {
      const workspace = await gateway.workspace();
      for (const literal of literals) {
        const json = name === 'Logsh' ? literal : `[0, ${literal}]`;
        const { status, text } = await send(workspace, json, 1);
        expect(status).toBeLessThan(500);
        expect(text).toMatch(name === 'Logsh' ? /\/metadata\/v: Expected a number/ : /\/1\b/);
        expect(text).toContain('Expected a number');
        expect(text).not.toContain('RECORDED');
      }
      expect(await stored(workspace, path)).toEqual([]);
    },
  );

  test('does not make a small event a large one', async () => {
    const workspace = await gateway.workspace();
    const [{ send }] = WAYS.slice(4) as [(typeof WAYS)[number]];
    const many = await send(workspace, `[${Array(300).fill('1e131071').join()}]`, 1);
    expect(many.status).toBe(400);
    expect(JSON.parse(many.text)).toMatchObject({
      code: 'BAD_USER_INPUT',
      problems: expect.arrayContaining([
        expect.objectContaining({ code: 'NUMBER_NOT_EXACT', pointer: '/data/0' }),
      ]),
    });
    // Each is kept, but all of them take 600 kB once they are written out.
    const written = await send(workspace, `[${Array(2_000).fill('1e307').join()}]`, 2);
    expect(JSON.parse(written.text)).toMatchObject({
      problems: [{ code: 'PAYLOAD_TOO_LARGE', pointer: '' }],
    });
    expect(await stored(workspace, '{data}')).toEqual([]);
  });

  test('is refused in a filter too', async () => {
    const workspace = await gateway.workspace();
    const filter = 'filter: { payload: [{ path: ["v"], equals: 1e400 }] }';
    const { text } = await graphql(workspace, `{ events(${filter}) { totalCount } }`);
    expect(text).toContain('BAD_USER_INPUT');
    expect(text).toContain('but got 1e400');
  });
});

describe('the limits of payloads', () => {
  const deep = '{"a":'.repeat(40) + '1' + '}'.repeat(40);
  const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 2_100 }, (_, i) => [i, 1])));
  const long = `{"${'k'.repeat(257)}":1}`;

  test.each([
    ['depth', deep, 'PAYLOAD_TOO_DEEP'],
    ['keys', wide, 'PAYLOAD_TOO_LARGE'],
    ['the length of a key', long, 'KEY_INVALID'],
  ])('hold for %s, also beside a long number', async (_name, json, code) => {
    const workspace = await gateway.workspace();
    for (const number of ['1', '12345678901234567890', '0.1234567890123456789']) {
      for (const { send, name } of WAYS.filter((_, at) => at === 0 || at >= 3)) {
        const { text } = await send(workspace, `{"n":${number},"v":${json}}`, 1);
        // The vendors' answers have no room for a code.
        if (name === 'authentik' || name === 'Speakeasy') expect(text).toMatch(/At most|A key/);
        else expect(text).toContain(code);
      }
    }
    expect(await stored(workspace, '{}')).toEqual([]);
  });

  test('let an empty key pass, as JSON does', async () => {
    const workspace = await gateway.workspace();
    for (const { send } of WAYS.filter((_, at) => at === 0 || at >= 3)) {
      const { status, text } = await send(workspace, '{"":1,"n":12345678901234567890}', 1);
      expect(status, text).toBeLessThan(300);
    }
    const filter = 'filter: { payload: [{ path: ["v", ""], equals: 1 }] }';
    const { text } = await graphql(workspace, `{ events(${filter}) { totalCount } }`);
    expect(text).toContain('"totalCount":3');
  });
});

describe('a long number', () => {
  const event = (n: string) => `{"e":{"type":"t","id":"one","payload":{"n":${n}}}}`;

  test('tells a retry from another event', async () => {
    const workspace = await gateway.workspace();
    const statuses: unknown[] = [];
    for (const n of [
      '9007199254740993',
      '9007199254740993.0',
      '9007199254740992',
      '90071992547409930e-1',
    ]) {
      const { text } = await graphql(workspace, RECORD, event(n));
      statuses.push(/"status":"(\w+)"/.exec(text)?.[1]);
    }
    expect(statuses).toEqual(['RECORDED', 'DUPLICATE', 'CONFLICT', 'DUPLICATE']);
  });

  test('is found by its value and by no other', async () => {
    const workspace = await gateway.workspace();
    await graphql(workspace, RECORD, event('0.1234567890123456789'));
    const query = `query($v: JSON!) {
      events(filter: { payload: [{ path: ["n"], equals: $v }] }) { totalCount }
      list: events(filter: { payload: [{ path: ["n"], in: [$v] }] }) { totalCount }
      less: events(filter: { payload: [{ path: ["n"], lessThan: $v }] }) { totalCount }
    }`;
    const counts = async (v: string) => {
      const { text } = await graphql(workspace, query, `{"v":${v}}`);
      return [...text.matchAll(/"totalCount":(\d)/g)].map(([, count]) => Number(count));
    };
    expect(await counts('0.1234567890123456789')).toEqual([1, 1, 0]);
    expect(await counts('0.12345678901234567890')).toEqual([1, 1, 0]);
    expect(await counts('0.1234567890123456788')).toEqual([0, 0, 0]);
    expect(await counts('0.1234567890123456790')).toEqual([0, 0, 1]);
    expect(await counts('"0.1234567890123456789"')).toEqual([0, 0, 0]);
  });

  test('is kept through quarantine', async () => {
    const workspace = await gateway.workspace();
    const define = (schema: string) =>
      graphql(
        workspace,
        `
          mutation ($s: JSONObject) {
            defineEvent(input: { name: "t", payloadSchema: $s, validation: QUARANTINE }) {
              definition {
                payloadSchema
              }
            }
          }
        `,
        `{"s":${schema}}`,
      );
    // A schema has doubles.
    await define('{"required":["other"],"properties":{"n":{"maximum":9223372036854775807}}}');
    const { text } = await graphql(workspace, RECORD, event('12345678901234567890.5'));
    expect(text).toContain('QUARANTINED');
    await define('{}');
    const listed = await graphql(workspace, '{ quarantinedEvents { nodes { id } } }');
    const id = /"id":"([^"]+)"/.exec(listed.text)?.[1];
    const resubmit = `mutation { resubmitQuarantinedEvents(input: { ids: ["${id}"] }) { receipts { status } } }`;
    expect((await graphql(workspace, resubmit)).text).toContain('RECORDED');
    expect(await stored(workspace, '{n}')).toEqual(['12345678901234567890.5']);
  });

  test('is refused in a schema that would compare another one', async () => {
    const workspace = await gateway.workspace();
    const define = async (schema: string) => {
      const query = `mutation ($s: JSONObject) {
        defineEvent(input: { name: "t", payloadSchema: $s }) { definition { name } } }`;
      const { text } = await graphql(workspace, query, `{"s":${schema}}`);
      const { errors } = JSON.parse(text) as {
        errors?: { extensions: { code: string; pointer: string } }[];
      };
      return errors?.[0]?.extensions ?? null;
    };
    const at = (pointer: string) => ({
      code: 'BAD_USER_INPUT',
      pointer: `/payloadSchema${pointer}`,
    });
    const n = '9007199254740993';
    expect(await define(`{"properties":{"n":{"const":${n}}}}`)).toEqual(at('/properties/n/const'));
    expect(await define(`{"enum":[1,{"maximum":${n}}]}`)).toEqual(at('/enum/1/maximum'));
    expect(await define('{"items":{"multipleOf":0.10000000000000001}}')).toEqual(
      at('/items/multipleOf'),
    );
    expect(await define('{"anyOf":[{"minimum":1e-400}]}')).toEqual(at('/anyOf/0/minimum'));
    // A bound may be the nearest one, also of a property that is called like a keyword.
    expect(await define(`{"properties":{"const":{"maximum":${n}}}}`)).toBeNull();
    expect(await define('{"const":9007199254740992,"multipleOf":0.1}')).toBeNull();
  });

  test('is told as it came where no number is taken, and nothing of ours is told', async () => {
    const workspace = await gateway.workspace();
    for (const [type, use] of [
      ['Int', 'events(first: $v) { totalCount }'],
      ['String', 'events(workspace: $v) { totalCount }'],
      ['EventFilter', 'events(filter: $v) { totalCount }'],
      ['DateTime', 'events(filter: { occurredAt: { from: $v } }) { totalCount }'],
    ]) {
      const query = `query($v: ${type}) { ${use} }`;
      const { text } = await graphql(workspace, query, '{"v":12345678901234567890}');
      expect(text).toContain('BAD_USER_INPUT');
      expect(text).toContain('12345678901234567890');
      expect(text).not.toMatch(/\\u0000|-[0-9a-f]{12}:/);
    }
    const whole = await call(
      '/graphql',
      workspace,
      '{"query":"{ viewer { id } }","variables":12345678901234567890}',
    );
    expect(whole).toMatchObject({ status: 400 });
    expect(whole.text).toContain('a number');
  });
});

describe('a variable inside a JSON literal', () => {
  test.each([
    ['Duration!', '"PT15M"'],
    ['DateTime', '"2026-01-02T03:04:05+01:00"'],
    ['[DateTime!]', '["2026-01-02T03:04:05+01:00"]'],
    ['EventFilter', '{"types":["t"]}'],
  ])('of the type %s is refused, since it would not be kept as sent', async (type, value) => {
    const workspace = await gateway.workspace();
    for (const payload of ['{ a: $v }', '{ a: { b: [$v] } }']) {
      const query = `mutation($v: ${type}) {
        recordEvent(input: { event: { type: "t", payload: ${payload} } }) { receipt { status } }
      }`;
      const { text } = await graphql(workspace, query, `{"v":${value}}`);
      expect(text).toContain('GRAPHQL_VALIDATION_FAILED');
      expect(text).toContain('Declare the variable as JSON or String');
    }
    expect(await stored(workspace, '{}')).toEqual([]);
  });

  test.each([
    ['String!', '"PT15M"'],
    ['JSON', '"2026-01-02T03:04:05+01:00"'],
    ['[JSON]', '["2026-01-02T03:04:05+01:00", 1]'],
    ['Boolean', 'true'],
    ['Int', '7'],
  ])('of the type %s is stored as sent', async (type, value) => {
    const workspace = await gateway.workspace();
    const query = `mutation($v: ${type}) {
      recordEvent(input: { event: { type: "t", payload: { a: $v } } }) { receipt { status } }
    }`;
    await graphql(workspace, query, `{"v":${value}}`);
    expect(await stored(workspace, '{a}')).toEqual([value]);
  });
});
