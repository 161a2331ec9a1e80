import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
let other: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  other = await startTestGateway({ databaseUrl: gateway.databaseUrl });
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const DEFINE = `mutation ($input: DefineEventInput!) {
  defineEvent(input: $input) { definition { version compatibility } } }`;

const define = (key: string, input: Record<string, unknown>, through = gateway) =>
  through.graphql<{ defineEvent: { definition: { version: number; compatibility: string } } }>(
    DEFINE,
    { input: { name: 'order', ...input } },
    key,
  );

const record = (key: string, payloads: readonly unknown[], through = gateway) =>
  through.data<{ recordEvents: { receipts: { status: string }[] } }>(
    'mutation ($events: [EventInput!]!) { recordEvents(input: { events: $events }) { receipts { status } } }',
    { events: payloads.map(payload => ({ type: 'order', payload })) },
    key,
  );

interface Versions {
  eventDefinition: {
    schemaVersions: {
      nodes: {
        version: number;
        afterPosition: number;
        payloadSchema: { properties?: { v: { const: number } } } | null;
        createdBy: { name: string } | null;
      }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
  };
}

const versions = (key: string, after: string | null = null, first = 100) =>
  gateway.data<Versions>(
    `query ($after: String, $first: Int) { eventDefinition(name: "order") { schemaVersions(first: $first, after: $after) {
      nodes { version afterPosition payloadSchema createdBy { name } } pageInfo { hasNextPage endCursor } } } }`,
    { after, first },
    key,
  );

const check = (key: string, variables: Record<string, unknown>) =>
  gateway.data<{ checkDefinition: Record<string, unknown> & { findings: { pointer: string }[] } }>(
    `query ($schema: JSONObject, $compatibility: SchemaCompatibility) {
      checkDefinition(name: "order", payloadSchema: $schema, compatibility: $compatibility) {
        compatibility isCompatible findings { direction pointer isCertain message }
        eventsChecked eventsFailing eventsBroken isCutShort failingPositions } }`,
    variables,
    key,
  );

const CONST = (v: number) => ({ type: 'object', properties: { v: { const: v } }, required: ['v'] });

describe('versions of a schema', () => {
  test('all are kept, with who made them, and pages of them', async () => {
    const { slug, key } = await gateway.workspace();
    await define(key, { title: 'Order' });
    for (const v of [1, 2, 3]) await define(key, { payloadSchema: CONST(v) });
    await define(key, { payloadSchema: CONST(3), title: 'Again' });
    const first = (await versions(key, null, 3)).eventDefinition.schemaVersions;
    expect(first.nodes.map(({ version }) => version)).toEqual([4, 3, 2]);
    expect(first.nodes[0]?.payloadSchema).toEqual(CONST(3));
    expect(first.pageInfo.hasNextPage).toBe(true);
    const rest = (await versions(key, first.pageInfo.endCursor)).eventDefinition.schemaVersions;
    expect(rest.nodes).toEqual([
      { version: 1, afterPosition: 0, payloadSchema: null, createdBy: null },
    ]);
    // An administrator alone sees keys.
    const { eventDefinition } = await gateway.data<Versions>(
      `query ($slug: String!) { eventDefinition(workspace: $slug, name: "order") {
        schemaVersions(first: 3) { nodes { createdBy { name } } } } }`,
      { slug },
    );
    const { nodes } = eventDefinition.schemaVersions;
    expect(nodes).toEqual(Array(3).fill({ createdBy: { name: 'test' } }));
  });

  test('a definition that is made with its schema begins with it', async () => {
    const { key } = await gateway.workspace();
    await define(key, { payloadSchema: CONST(1) });
    expect((await versions(key)).eventDefinition.schemaVersions.nodes).toMatchObject([
      { version: 1, payloadSchema: CONST(1) },
    ]);
  });

  test('each event says the one that it was recorded under, whichever gateway records while it changes', async () => {
    const { key } = await gateway.workspace();
    await define(key, { payloadSchema: CONST(0), validation: 'REJECT' });
    let isChanging = true;
    const recording = [gateway, other].map(async through => {
      while (isChanging) await record(key, [{ v: 0 }, { v: 1 }, { v: 2 }], through);
    });
    for (let n = 1; n <= 40; n++) {
      await define(key, { payloadSchema: CONST(n % 3) }, n % 2 === 0 ? gateway : other);
    }
    isChanging = false;
    await Promise.all(recording);
    const kept = (await versions(key)).eventDefinition.schemaVersions.nodes;
    const byVersion = new Map(
      kept.map(each => [each.version, each.payloadSchema?.properties?.v.const]),
    );
    expect(byVersion.size).toBe(41);
    const seen = new Set<number>();
    for (let after: string | null = null, more = true; more;) {
      const {
        events,
      }: {
        events: {
          nodes: { schemaVersion: number; payload: { v: number } }[];
          pageInfo: { hasNextPage: boolean; endCursor: string };
        };
      } = await gateway.data(
        'query ($after: String) { events(first: 500, after: $after) { nodes { schemaVersion payload } pageInfo { hasNextPage endCursor } } }',
        { after },
        key,
      );
      for (const { schemaVersion, payload } of events.nodes) {
        expect(byVersion.get(schemaVersion)).toBe(payload.v);
        seen.add(schemaVersion);
      }
      after = events.pageInfo.endCursor;
      more = events.pageInfo.hasNextPage;
    }
    // Events were recorded under many of them: else nothing is shown.
    expect(seen.size).toBeGreaterThan(10);
  });
});

describe('compatibility', () => {
  const OLD = { type: 'object', properties: { total: { type: 'number' } } };

  test('BACKWARD refuses what rules find narrower, and names the place', async () => {
    const { key } = await gateway.workspace();
    await define(key, { payloadSchema: OLD, compatibility: 'BACKWARD' });
    await record(key, [{ total: 1 }]);
    const refused = await define(key, { payloadSchema: { ...OLD, required: ['total'] } });
    expect(refused.errors?.[0]?.extensions).toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      compatibility: 'BACKWARD',
      incompatibilities: [{ direction: 'BACKWARD', pointer: '/payloadSchema/required' }],
      eventsChecked: 1,
      eventsBroken: 0,
    });
    expect((await versions(key)).eventDefinition.schemaVersions.nodes).toHaveLength(1);
    const loosened = await define(key, { payloadSchema: { type: 'object' } });
    expect(loosened.data?.defineEvent.definition).toEqual({
      version: 2,
      compatibility: 'BACKWARD',
    });
  });

  test('BACKWARD asks the recorded events where rules cannot tell', async () => {
    const { key } = await gateway.workspace();
    await define(key, { payloadSchema: OLD, compatibility: 'BACKWARD' });
    await record(key, [
      { total: 1, at: 'noon' },
      { total: 2 },
      { total: 3, at: 7 },
      { total: 'x', at: 8 },
    ]);
    const withAt = { ...OLD, properties: { ...OLD.properties, at: { type: 'string' } } };
    // The last one fits neither schema: the change does not break it.
    const { checkDefinition } = await check(key, { schema: withAt });
    expect(checkDefinition).toMatchObject({
      compatibility: 'BACKWARD',
      isCompatible: false,
      findings: [
        { direction: 'BACKWARD', pointer: '/payloadSchema/properties/at', isCertain: false },
      ],
      eventsChecked: 4,
      eventsFailing: 2,
      eventsBroken: 1,
      isCutShort: false,
      failingPositions: [4, 3],
    });
    const refused = await define(key, { payloadSchema: withAt });
    expect(refused.errors?.[0]).toMatchObject({
      message: expect.stringContaining('Of 4 recorded events that were checked, 1 fit') as string,
      extensions: { code: 'SCHEMA_INCOMPATIBLE', eventsChecked: 4, eventsBroken: 1 },
    });
    const untold = { ...OLD, properties: { ...OLD.properties, note: { type: 'string' } } };
    expect(
      (await define(key, { payloadSchema: untold })).data?.defineEvent.definition.version,
    ).toBe(2);
  });

  test('FORWARD is the other way round, FULL is both, and NONE may be chosen with the change', async () => {
    const { key } = await gateway.workspace();
    await define(key, { payloadSchema: OLD, compatibility: 'FORWARD' });
    const stricter = { ...OLD, required: ['total'] };
    expect((await define(key, { payloadSchema: stricter })).errors).toBeUndefined();
    const back = await define(key, { payloadSchema: OLD });
    expect(back.errors?.[0]?.extensions).toMatchObject({
      incompatibilities: [{ direction: 'FORWARD', pointer: '/payloadSchema/required' }],
    });
    await define(key, { compatibility: 'FULL' });
    const full = { ...stricter, properties: { total: { type: 'integer' } } };
    expect((await define(key, { payloadSchema: full })).errors?.[0]?.extensions['code']).toBe(
      'SCHEMA_INCOMPATIBLE',
    );
    const forced = await define(key, { payloadSchema: full, compatibility: 'NONE' });
    expect(forced.data?.defineEvent.definition).toEqual({ version: 3, compatibility: 'NONE' });
  });

  test('two changes at once are judged one after the other', async () => {
    const { key } = await gateway.workspace();
    await define(key, { payloadSchema: { enum: [{}] }, compatibility: 'BACKWARD' });
    const wider = Array.from({ length: 6 }, (_, n) => ({ enum: [{}, { n }] }));
    const answers = await Promise.all(
      wider.map((payloadSchema, n) =>
        define(key, { payloadSchema }, n % 2 === 0 ? gateway : other),
      ),
    );
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1);
    expect((await versions(key)).eventDefinition.schemaVersions.nodes).toHaveLength(2);
  });

  test('a sample of many events has the newest, and some of the old ones', async () => {
    const { key } = await gateway.workspace();
    await define(key, { payloadSchema: OLD });
    const many = Array.from({ length: 1_000 }, (_, n) => ({ total: n < 600 ? 1 : 2 }));
    for (let n = 0; n < 3; n++) await record(key, many);
    const { checkDefinition } = await check(key, {
      schema: { properties: { total: { maximum: 1 } } },
      compatibility: 'BACKWARD',
    });
    expect(checkDefinition).toMatchObject({ eventsChecked: 1_000, isCompatible: false });
    expect(checkDefinition['eventsFailing']).toBeGreaterThan(500);
    expect(checkDefinition['eventsFailing']).toBeLessThan(900);
  });
});
