import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/db/verify.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Receipt {
  status: string;
  position: number | null;
  problems: { severity: string; code: string; pointer: string }[];
}

async function define(key: string, input: Record<string, unknown>) {
  return gateway.graphql<{
    defineEvent: { definition: { version: number; status: string; eventCount: number } };
  }>(
    `mutation($input: DefineEventInput!) {
      defineEvent(input: $input) { definition { version status validation eventCount } }
    }`,
    { input },
    key,
  );
}

async function record(
  key: string,
  event: Record<string, unknown>,
  through: TestGateway = gateway,
): Promise<Receipt> {
  const data = await through.data<{ recordEvent: { receipt: Receipt } }>(
    `mutation($e: EventInput!) {
      recordEvent(input: { event: $e }) {
        receipt { status position problems { severity code pointer } }
      }
    }`,
    { e: event },
    key,
  );
  return data.recordEvent.receipt;
}

/** Far above what is promised (200 ms), for a machine that is busy with other things. */
const STALL_MS_MAX = 1_500;

/** How long the event loop, which the gateway shares with the test, did not turn. */
function watchStalls() {
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  return {
    longestMs: () => delays.max / 1e6,
    [Symbol.dispose]: () => delays.disable(),
  };
}

const ORDER = {
  type: 'object',
  required: ['total'],
  properties: { total: { type: 'number', minimum: 0 }, mail: { type: 'string', format: 'email' } },
};
const BAD = { type: 'order', payload: { total: -1, mail: 'nobody' } };

describe('a definition', () => {
  test('is made on first sight, then by whoever writes it; its version grows with its schema', async () => {
    const { key } = await gateway.workspace();
    await record(key, { type: 'order', payload: { total: 1 } });
    const seen = await gateway.data(
      '{ eventDefinition(name: "order") { status eventCount } }',
      {},
      key,
    );
    expect(seen).toEqual({ eventDefinition: { status: 'DISCOVERED', eventCount: 1 } });
    const steps = [
      [{ title: 'An order' }, 1],
      [{ payloadSchema: ORDER }, 2],
      [{ payloadSchema: ORDER, validation: 'WARN' }, 2],
      [{ payloadSchema: null }, 3],
    ] as const;
    for (const [input, version] of steps) {
      const { data } = await define(key, { name: 'order', ...input });
      expect(data?.defineEvent.definition).toMatchObject({
        status: 'ACTIVE',
        version,
        eventCount: 1,
      });
    }
  });

  test('lets its validation mode decide what becomes of a payload that does not fit', async () => {
    const { key } = await gateway.workspace();
    const expected = {
      OFF: ['RECORDED', []],
      WARN: ['RECORDED', ['WARNING', 'WARNING']],
      QUARANTINE: ['QUARANTINED', ['ERROR', 'ERROR']],
      REJECT: ['REJECTED', ['ERROR', 'ERROR']],
    } as const;
    for (const [validation, [status, severities]] of Object.entries(expected)) {
      await define(key, { name: 'order', payloadSchema: ORDER, validation });
      const receipt = await record(key, BAD);
      expect(receipt.status).toBe(status);
      expect(receipt.problems.map(({ severity }) => severity)).toEqual(severities);
      if (severities.length > 0) {
        expect(receipt.problems.map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
          'SCHEMA_MISMATCH /payload/mail',
          'SCHEMA_MISMATCH /payload/total',
        ]);
      }
      expect((await record(key, { type: 'order', payload: { total: 1 } })).status).toBe('RECORDED');
    }
  });

  test('that is deprecated warns, and one that is blocked refuses', async () => {
    const { key } = await gateway.workspace();
    await define(key, { name: 'old', status: 'DEPRECATED' });
    expect(await record(key, { type: 'old' })).toMatchObject({
      status: 'RECORDED',
      problems: [{ severity: 'WARNING', code: 'TYPE_DEPRECATED' }],
    });
    await define(key, { name: 'old', status: 'BLOCKED' });
    expect(await record(key, { type: 'old' })).toMatchObject({
      status: 'REJECTED',
      problems: [{ severity: 'ERROR', code: 'TYPE_BLOCKED' }],
    });
  });

  test.each([
    ['of an unknown type', { type: 'thing' }, '/payloadSchema/type'],
    [
      'with a broken part',
      { properties: { a: { minimum: 'x' } } },
      '/payloadSchema/properties/a/minimum',
    ],
    [
      'that refers to another document',
      { $ref: 'https://example.org/s.json' },
      '/payloadSchema/$ref',
    ],
    [
      'whose pattern looks around',
      { properties: { a: { pattern: '(?=a)b' } } },
      '/payloadSchema/properties/a/pattern',
    ],
    ['of 70,000 characters', { description: 'x'.repeat(70_000) }, '/payloadSchema'],
  ])('with a schema %s is refused with the place of the fault', async (_name, schema, pointer) => {
    const { key } = await gateway.workspace();
    const { errors } = await define(key, { name: 'order', payloadSchema: schema });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', pointer });
  });

  test('can’t stall the gateway with what its schema asks for', async () => {
    const { key } = await gateway.workspace();
    const bomb: Record<string, unknown> = { a30: { type: 'object' } };
    for (let i = 0; i < 30; i++) {
      bomb[`a${i}`] = { allOf: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] };
    }
    const nots = Array.from({ length: 1_500 }, () => ({ not: { const: 1 } }));
    const costly = {
      'references that multiply': { $defs: bomb, $ref: '#/$defs/a0' },
      'a reference to itself': { $ref: '#' },
      'a pattern that would backtrack': { properties: { s: { pattern: '^(a+)+$' } } },
      'a pattern with many states': { properties: { s: { pattern: '(a|!)*a(a|!){900}$' } } },
      'a long list to compare': { properties: { list: { uniqueItems: true } } },
      'a large value, compared often': { allOf: nots },
      'a long text, measured often': {
        allOf: nots.map(() => ({ properties: { s: { maxLength: 19_999 } } })),
      },
    };
    const payload = {
      s: `${'a'.repeat(20_000)}!`,
      list: Array.from({ length: 5_000 }, (_, i) => [i]),
    };
    for (const [name, payloadSchema] of Object.entries(costly)) {
      using stalls = watchStalls();
      expect((await define(key, { name, payloadSchema, validation: 'REJECT' })).errors).toBe(
        undefined,
      );
      const receipt = await record(key, { type: name, payload });
      const [code] = receipt.problems.map(problem => problem.code);
      expect([undefined, 'SCHEMA_MISMATCH', 'SCHEMA_TOO_COSTLY']).toContain(code);
      expect(stalls.longestMs(), name).toBeLessThan(STALL_MS_MAX);
    }
  });

  test('with patterns that take seconds to read is refused, and nobody waits for it', async () => {
    const { key } = await gateway.workspace();
    const properties = Object.fromEntries(
      Array.from({ length: 2_000 }, (_, i) => [`p${i}`, { pattern: `a{${(i % 900) + 1}}b` }]),
    );
    using stalls = watchStalls();
    const { errors } = await define(key, { name: 'patterns', payloadSchema: { properties } });
    expect(stalls.longestMs()).toBeLessThan(STALL_MS_MAX);
    // A quick machine reads it in time.
    expect([undefined, 'BAD_USER_INPUT']).toContain(errors?.[0]?.extensions['code']);
  });

  test('that is too costly lets its validation decide, and holds up no other event', async () => {
    const { key } = await gateway.workspace();
    const fates = { WARN: 'RECORDED', QUARANTINE: 'QUARANTINED', REJECT: 'REJECTED' };
    await define(key, { name: 'order', payloadSchema: ORDER, validation: 'REJECT' });
    for (const [validation, status] of Object.entries(fates)) {
      await define(key, { name: 'costly', payloadSchema: { $ref: '#' }, validation });
      const costly = { type: 'costly', payload: { total: 1 } };
      const order = { type: 'order', payload: { total: 1 } };
      const { recordEvents } = await gateway.data<{ recordEvents: { receipts: Receipt[] } }>(
        `mutation($events: [EventInput!]!) {
          recordEvents(input: { events: $events }) { receipts { status problems { code pointer } } }
        }`,
        { events: [costly, order, costly] },
        key,
      );
      const problems = [{ code: 'SCHEMA_TOO_COSTLY', pointer: '/payload' }];
      expect(recordEvents.receipts).toEqual([
        { status, problems },
        { status: 'RECORDED', problems: [] },
        { status, problems },
      ]);
    }
  });

  test('whose stored schema is not usable any more lets its validation decide', async () => {
    const { key } = await gateway.workspace();
    await define(key, { name: 'old', payloadSchema: ORDER, validation: 'WARN' });
    await gateway.db.upkeep.query(
      `update event_definitions
       set payload_schema = '{"properties": {"a": {"pattern": "(?=a)"}}}', revision = revision + 1
       where name = 'old'`,
    );
    await expect
      .poll(() => record(key, { type: 'old', payload: { total: 1 } }))
      .toMatchObject({
        status: 'RECORDED',
        problems: [{ severity: 'WARNING', code: 'SCHEMA_UNUSABLE', pointer: '/payload' }],
      });
  });
});

describe('a schema', () => {
  test.each([
    [
      'patterns, each by itself',
      { properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } },
      { a: 'a', b: 'b' },
      { a: 'zzz', b: 'x#y' },
      2,
    ],
    [
      'patternProperties',
      { patternProperties: { '^n_': { type: 'number' } } },
      { n_1: 1, m: 'x' },
      { n_1: 'x' },
      1,
    ],
    [
      'enum and const of objects that name methods',
      { properties: { a: { enum: [{ toString: 1 }] }, b: { const: { valueOf: 1 } } } },
      { a: { toString: 1 }, b: { valueOf: 1 } },
      { a: { toString: 2 }, b: {} },
      2,
    ],
    [
      'own properties alone',
      { required: ['toString'], properties: { constructor: { type: 'string' } } },
      { toString: 1 },
      { a: 1 },
      1,
    ],
    ['decimal steps', { properties: { a: { multipleOf: 0.01 } } }, { a: 19.99 }, { a: 0.001 }, 1],
    [
      'no white space',
      { properties: { a: { pattern: '^\\S+$' } } },
      { a: 'ab' },
      { a: 'a\u00a0b' },
      1,
    ],
    [
      'white space',
      { properties: { a: { pattern: '^\\s{3}$' } } },
      { a: '\u00a0\ufeff\v' },
      { a: 'x' },
      1,
    ],
    [
      'code points',
      { properties: { a: { pattern: '^\\uD83D\\uDE00$' } } },
      { a: '😀' },
      { a: '😁' },
      1,
    ],
    ['one character', { properties: { a: { pattern: '^.$' } } }, { a: '😀' }, { a: '\u2028' }, 1],
    ['letters', { properties: { a: { pattern: '^\\p{Letter}+$' } } }, { a: 'éλ' }, { a: '1' }, 1],
    [
      'a script',
      { properties: { a: { pattern: '^\\p{Script=Greek}$' } } },
      { a: 'λ' },
      { a: 'l' },
      1,
    ],
    ['ASCII', { properties: { a: { pattern: '^\\p{ASCII}+$' } } }, { a: 'l' }, { a: 'λ' }, 1],
    [
      'many characters',
      { properties: { a: { pattern: '^.{1,2000}$' } } },
      { a: 'x'.repeat(2_000) },
      { a: 'x'.repeat(2_001) },
      1,
    ],
    [
      'repetitions of repetitions',
      { properties: { a: { pattern: '^[a-z]{1,64}(\\.[a-z]{1,64}){0,20}$' } } },
      { a: Array(21).fill('abc').join('.') },
      { a: Array(22).fill('abc').join('.') },
      1,
    ],
    [
      'exact multiples',
      { properties: { a: { multipleOf: 0.123456789 } } },
      { a: 1.23456789 },
      { a: 1.23456788 },
      1,
    ],
    [
      'members named __proto__',
      JSON.parse(
        '{"properties":{"__proto__":{"type":"string"}},"required":["__proto__"]}',
      ) as object,
      JSON.parse('{"__proto__":"a"}') as object,
      JSON.parse('{"__proto__":1}') as object,
      1,
    ],
  ])('holds payloads to %s', async (_name, payloadSchema, good, bad, problems) => {
    const { key } = await gateway.workspace();
    await define(key, { name: 's', payloadSchema, validation: 'REJECT' });
    expect(await record(key, { type: 's', payload: good })).toMatchObject({ status: 'RECORDED' });
    const receipt = await record(key, { type: 's', payload: bad });
    expect(receipt.status).toBe('REJECTED');
    expect(receipt.problems.map(({ code }) => code)).toEqual(
      Array(problems).fill('SCHEMA_MISMATCH'),
    );
  });

  test.each([
    [
      'draft-07',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        definitions: { a: {} },
        properties: { a: { items: [{}] } },
      },
      [
        'It is written for draft-07, but payload schemas are JSON Schema 2020-12',
        'change "$schema" to "https://json-schema.org/draft/2020-12/schema"',
        '"definitions" is called "$defs"; "items" with a list is called "prefixItems"',
      ],
    ],
    ['2019-09', { $schema: 'https://json-schema.org/draft/2019-09/schema' }, ['for 2019-09']],
    ['nobody knows', { $schema: 'https://example.org/mine' }, ['leave "$schema" out, or write']],
  ])('of the dialect %s is refused, and told what to change', async (_name, schema, sentences) => {
    const { key } = await gateway.workspace();
    const { errors } = await define(key, { name: 's', payloadSchema: schema });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      pointer: '/payloadSchema/$schema',
    });
    for (const sentence of sentences) expect(errors?.[0]?.message).toContain(sentence);
  });
});

describe('an id', () => {
  test('that is recorded keeps its answer whatever its definition becomes', async () => {
    const { key } = await gateway.workspace();
    const event = { id: 'z', type: 'q', payload: {} };
    expect((await record(key, event)).status).toBe('RECORDED');
    for (const change of [
      { payloadSchema: { required: ['n'] }, validation: 'REJECT' },
      { validation: 'QUARANTINE' },
      { status: 'BLOCKED' },
    ]) {
      await define(key, { name: 'q', ...change });
      expect(await record(key, event)).toMatchObject({ status: 'DUPLICATE', position: 1 });
    }
  });

  test('whose first event is refused is free for the next one of the batch', async () => {
    const { key } = await gateway.workspace();
    const validation = 'QUARANTINE';
    await define(key, { name: 'q', payloadSchema: { required: ['n'] }, validation });
    const { recordEvents } = await gateway.data<{ recordEvents: { receipts: Receipt[] } }>(
      `mutation($e: [EventInput!]!) { recordEvents(input: { events: $e }) { receipts { status position } } }`,
      {
        e: [{}, { n: 1 }, {}, { n: 1 }, { n: 2 }].map(payload => ({ id: 'j', type: 'q', payload })),
      },
      key,
    );
    expect(recordEvents.receipts.map(({ status }) => status)).toEqual([
      'QUARANTINED',
      'RECORDED',
      'QUARANTINED',
      'DUPLICATE',
      'CONFLICT',
    ]);
  });
});

describe('quarantine', () => {
  test('is paged through by type, too', async () => {
    const { key } = await gateway.workspace();
    for (const name of ['a', 'b']) {
      await define(key, { name, payloadSchema: { required: ['n'] }, validation: 'QUARANTINE' });
      for (const id of ['1', '2']) await record(key, { type: name, id: `${name}${id}` });
    }
    const page = async (args: string) => {
      const { quarantinedEvents } = await gateway.data<{
        quarantinedEvents: { nodes: { event: { id: string } }[]; pageInfo: { endCursor: string } };
      }>(`{ quarantinedEvents(${args}) { nodes { event } pageInfo { endCursor } } }`, {}, key);
      const { nodes, pageInfo } = quarantinedEvents;
      return { ids: nodes.map(({ event }) => event.id), endCursor: pageInfo.endCursor };
    };
    const first = await page('type: "a", first: 1');
    expect(first.ids).toEqual(['a2']);
    expect((await page(`type: "a", after: "${first.endCursor}"`)).ids).toEqual(['a1']);
    expect((await page('first: 10')).ids).toEqual(['b2', 'b1', 'a2', 'a1']);
    expect((await page('type: "c"')).ids).toEqual([]);
  });

  test('records an event without an id once, however often it is resubmitted at once', async () => {
    const { key } = await gateway.workspace();
    await define(key, { name: 'q', payloadSchema: { required: ['n'] }, validation: 'QUARANTINE' });
    await record(key, { type: 'q' });
    const { quarantinedEvents } = await gateway.data<{
      quarantinedEvents: { nodes: { id: string }[] };
    }>('{ quarantinedEvents { nodes { id } } }', {}, key);
    await define(key, { name: 'q', validation: 'OFF' });
    const resubmit = () =>
      gateway.graphql(
        'mutation($ids: [ID!]!) { resubmitQuarantinedEvents(input: { ids: $ids }) { receipts { status } } }',
        { ids: quarantinedEvents.nodes.map(({ id }) => id) },
        key,
      );
    await Promise.all([resubmit(), resubmit(), resubmit(), resubmit()]);
    const { events } = await gateway.data<{ events: { totalCount: number } }>(
      '{ events { totalCount } }',
      {},
      key,
    );
    expect(events.totalCount).toBe(1);
  });

  test('keeps events as they came, records those that pass later with their time and id', async () => {
    const { key } = await gateway.workspace();
    await define(key, { name: 'order', payloadSchema: ORDER, validation: 'QUARANTINE' });
    await record(key, { ...BAD, id: 'one', occurredAt: '2020-02-02T02:02:02.020Z' });
    await record(key, { type: 'order', id: 'two', payload: {} });
    const kept = await gateway.data<{
      quarantinedEvents: { nodes: { id: string; event: { id: string }; problems: unknown[] }[] };
    }>('{ quarantinedEvents { nodes { id event problems { code } } } }', {}, key);
    const { nodes } = kept.quarantinedEvents;
    expect(nodes.map(({ event }) => event.id)).toEqual(['two', 'one']);
    expect(nodes[1]?.event).toMatchObject({ ...BAD, id: 'one' });

    const relaxed = { type: 'object', required: ['total'] };
    await define(key, { name: 'order', payloadSchema: relaxed });
    const ids = nodes.map(({ id }) => id);
    const { resubmitQuarantinedEvents } = await gateway.data<{
      resubmitQuarantinedEvents: { receipts: Receipt[] };
    }>(
      `mutation($ids: [ID!]!) {
        resubmitQuarantinedEvents(input: { ids: $ids }) { receipts { status } }
      }`,
      { ids },
      key,
    );
    expect(resubmitQuarantinedEvents.receipts.map(({ status }) => status)).toEqual([
      'REJECTED',
      'RECORDED',
    ]);
    const after = await gateway.data(
      '{ event(eventId: "one") { occurredAt payload } quarantinedEvents { nodes { id } } }',
      {},
      key,
    );
    expect(after).toEqual({
      event: { occurredAt: '2020-02-02T02:02:02.020Z', payload: BAD.payload },
      quarantinedEvents: { nodes: [{ id: ids[0] }] },
    });
    const { discardQuarantinedEvents } = await gateway.data<{
      discardQuarantinedEvents: { discardedCount: number };
    }>(
      'mutation($ids: [ID!]!) { discardQuarantinedEvents(input: { ids: $ids }) { discardedCount } }',
      { ids: [ids[0]] },
    );
    expect(discardQuarantinedEvents).toEqual({ discardedCount: 1 });
  });
});

describe('the payload of a recorded event', () => {
  const problemsBy = async (key: string, schema?: unknown) =>
    gateway.graphql<{ events: { nodes: { payloadProblems: Receipt['problems'] }[] } }>(
      `query($schema: JSONObject) {
        events { nodes { payloadProblems(schema: $schema) { severity code pointer } } }
      }`,
      schema === undefined ? {} : { schema },
      key,
    );

  test('is held against a schema before that is defined, and against the one that is', async () => {
    const { key } = await gateway.workspace();
    await record(key, { type: 'order', payload: { total: 1, weight: 9007199254740991 } });
    await record(key, BAD);
    const mismatch = (pointer: string) => ({
      severity: 'ERROR',
      code: 'SCHEMA_MISMATCH',
      pointer,
    });
    const faults = [
      { payloadProblems: expect.arrayContaining([mismatch('/payload/total')]) as unknown },
      { payloadProblems: [] },
    ];
    expect((await problemsBy(key, ORDER)).data?.events.nodes).toEqual(faults);
    const none = [{ payloadProblems: [] }, { payloadProblems: [] }];
    expect((await problemsBy(key)).data?.events.nodes).toEqual(none);
    await define(key, { name: 'order', payloadSchema: ORDER });
    expect((await problemsBy(key)).data?.events.nodes).toEqual(faults);
  });

  test('is not held against a schema with a fault, nor by a key that may not define', async () => {
    const { slug, key } = await gateway.workspace();
    await record(key, BAD);
    const faulty = await problemsBy(key, { properties: { a: { minimum: 'x' } } });
    expect(faulty.errors?.map(({ extensions }) => extensions)).toMatchObject([
      { code: 'BAD_USER_INPUT', pointer: '/payloadSchema/properties/a/minimum' },
    ]);
    const reader = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) {
        createApiKey(input: { name: "reader", workspace: $slug, scopes: [EVENTS_READ] }) { secret }
      }`,
      { slug },
    );
    const { errors } = await problemsBy(reader.createApiKey.secret, ORDER);
    expect(errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
    const own = await problemsBy(reader.createApiKey.secret);
    expect(own.data?.events.nodes).toEqual([{ payloadProblems: [] }]);
  });

  test('is not checked in a stream, whose steps readers of any scope share', async () => {
    const { key } = await gateway.workspace();
    await record(key, BAD);
    const query = 'subscription { events(start: BEGINNING) { node { payloadProblems { code } } } }';
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', accept: 'text/event-stream' },
        authorization: `Bearer ${key}`,
      },
      body: JSON.stringify({ query }),
    });
    let told = '';
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      told += Buffer.from(chunk).toString();
      if (told.includes('event: next')) break;
    }
    expect(told).toContain('payloadProblems is not available in subscriptions');
  });

  test('is checked by a bounded amount of work', async () => {
    const { key } = await gateway.workspace();
    const events = Array.from({ length: 1_000 }, () => ({ type: 'order' }));
    await gateway.data(
      'mutation($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }',
      { e: events },
      key,
    );
    const bomb: Record<string, unknown> = { a30: { type: 'object' } };
    for (let i = 0; i < 30; i++) {
      bomb[`a${i}`] = { allOf: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] };
    }
    const fields = Array.from(
      { length: 25 },
      (_, n) => `p${n}: payloadProblems(schema: $s) { code }`,
    );
    const { errors } = await gateway.graphql(
      `query($s: JSONObject) { events(first: 1000) { nodes { ${fields.join(' ')} } } }`,
      { s: { $defs: bomb, $ref: '#/$defs/a0' } },
      key,
    );
    expect(errors?.[0]?.extensions['code']).toBe('QUERY_TOO_EXPENSIVE');
  });
});

describe('two gateways on one database', () => {
  test('both validate by a change soon, and never record by what it replaced', async () => {
    await using other = await startTestGateway({ databaseUrl: gateway.databaseUrl });
    const { key } = await gateway.workspace();
    await define(key, { name: 'order', payloadSchema: ORDER, validation: 'REJECT' });
    expect((await record(key, BAD, other)).status).toBe('REJECTED');

    await define(key, { name: 'order', validation: 'OFF' });
    await expect.poll(async () => (await record(key, BAD, other)).status).toBe('RECORDED');

    // The other has it cached as OFF: the flush finds that out.
    await define(key, { name: 'order', validation: 'REJECT' });
    expect((await record(key, BAD, other)).status).toBe('REJECTED');
  });
});

test('none of it has broken an invariant', async () => {
  expect((await verify(gateway.db.upkeep)).violations).toEqual([]);
});

test('what a workspace does with unknown types is changed for the very next event', async () => {
  const { key, slug } = await gateway.workspace();
  const decide = (unknownTypes: string) =>
    gateway.data(
      `mutation ($slug: String!, $unknownTypes: UnknownTypePolicy!) {
        updateWorkspace(input: { slug: $slug, unknownTypes: $unknownTypes }) { workspace { id } } }`,
      { slug, unknownTypes },
    );
  expect(await record(key, { type: 'seen.first' })).toMatchObject({ status: 'RECORDED' });
  await decide('REJECT');
  expect(await record(key, { type: 'seen.second' })).toMatchObject({ status: 'REJECTED' });
  await decide('QUARANTINE');
  expect(await record(key, { type: 'seen.third' })).toMatchObject({ status: 'QUARANTINED' });
});
