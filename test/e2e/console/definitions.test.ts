import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  describeConsole,
  expectAccessible,
  expectNoFaults,
  PATIENCE,
  type ConsoleKit,
} from './kit/console.ts';

const run = promisify(execFile);

const SCHEMA = {
  type: 'object',
  required: ['total'],
  properties: {
    total: { type: 'number', minimum: 0 },
    plan: { enum: ["O'Hara's", 'pro'] },
    at: { type: 'string', format: 'date-time' },
  },
};

const DAY_MS = 86_400_000;

/** Some days of orders, of which one in ten has no total, beside other types. */
function someEvents() {
  const before = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
  const orders = Array.from({ length: 40 }, (_, n) => ({
    type: 'order.placed',
    occurredAt: before(Math.floor((n * n) / 120)),
    payload: n % 10 === 9 ? { note: 'free' } : { total: n },
  }));
  const others = ['user.signup', 'os/cpu', 'login', 'CLI_EXEC', 'page.visit'].flatMap((type, n) =>
    Array.from({ length: 3 * n + 2 }, (_, m) => ({
      type,
      occurredAt: before(m),
      payload: { n: m },
    })),
  );
  return [...orders, ...others];
}

async function record({ gateway }: ConsoleKit, workspace: string, events: readonly object[]) {
  await gateway.data(
    `mutation($workspace: String!, $events: [EventInput!]!) {
      recordEvents(input: { workspace: $workspace, events: $events }) { recordedCount }
    }`,
    { workspace, events },
  );
}

async function define({ gateway }: ConsoleKit, workspace: string, input: object) {
  await gateway.data(
    'mutation($input: DefineEventInput!) { defineEvent(input: $input) { definition { id } } }',
    { input: { workspace, ...input } },
  );
}

async function definitionOf({ gateway }: ConsoleKit, workspace: string, name: string) {
  const { eventDefinition } = await gateway.data<{ eventDefinition: Record<string, unknown> }>(
    `query($workspace: String!, $name: String!) {
      eventDefinition(workspace: $workspace, name: $name) {
        title status validation payloadSchema eventCount
      }
    }`,
    { workspace, name },
  );
  return eventDefinition;
}

/** The GraphQL operations that a page asks for from now on, by name. */
function operationsOf(page: Page): string[] {
  const names: string[] = [];
  page.on('request', request => {
    const { query = '' } = (request.postDataJSON() ?? {}) as { query?: string };
    const [, name] = /^(?:query|mutation) (\w+)/.exec(query) ?? [];
    if (name !== undefined) names.push(name);
  });
  return names;
}

/** With the client from its source, as a module of its own. */
async function runTypescript(code: string, key: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sample-'));
  const client = pathToFileURL('src/client/index.ts').href;
  await writeFile(join(folder, 'sample.mts'), code.replace('@sluice-events/sluice/client', client));
  try {
    await run(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), join(folder, 'sample.mts')],
      {
        env: { ...process.env, SLUICE_KEY: key },
      },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

describeConsole('the definitions page', kit => {
  test('lists every type with its last days, asked for at once; is searched and paged', async () => {
    const { slug } = await kit.gateway.workspace();
    const many = Array.from({ length: 24 }, (_, n) => ({ type: `a${n}` }));
    await record(kit, slug, [...someEvents(), ...many]);
    const page = await kit.open(`/w/${slug}/events`);
    const operations = operationsOf(page);
    await page.getByRole('link', { name: 'Definitions' }).click();
    await page.getByRole('heading', { name: '30 types' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(25);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('link', { name: 'order.placed' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(5);
    await page.getByRole('img', { name: '40 in the last 14 days' }).waitFor();
    expect(operations.filter(name => name === 'Trends')).toHaveLength(2);
    await page.getByLabel('Search types').fill('order');
    await page.getByRole('heading', { name: '1 type' }).waitFor();
    expect(new URL(page.url()).search).toBe('?q=order');
    await page.getByLabel('Search types').fill('nothing like it');
    await page.getByText('No type is like that').waitFor();
    expectNoFaults(page);
  });

  test('sorts the types by their columns, filters by category, and leads back', async () => {
    const { slug } = await kit.gateway.workspace();
    await record(kit, slug, someEvents());
    await define(kit, slug, { name: 'login', category: 'access' });
    await define(kit, slug, { name: 'user.signup', category: 'access' });
    const page = await kit.open(`/w/${slug}/definitions`);
    const names = () => page.locator('.definition-name a').allInnerTexts();
    const sortBy = (title: string) =>
      page.getByRole('button', { name: title, exact: true }).click();
    await expect.poll(names, PATIENCE).toHaveLength(6);
    await sortBy('Events');
    await expect
      .poll(names, PATIENCE)
      .toEqual(['order.placed', 'page.visit', 'CLI_EXEC', 'login', 'os/cpu', 'user.signup']);
    await sortBy('Events');
    await expect.poll(async () => (await names()).at(-1), PATIENCE).toBe('order.placed');
    await page.reload();
    await expect.poll(async () => (await names()).at(-1), PATIENCE).toBe('order.placed');
    await page.getByLabel('Category').selectOption('access');
    await expect.poll(names, PATIENCE).toEqual(['user.signup', 'login']);
    await page.getByRole('link', { name: 'login' }).click();
    await page.getByRole('link', { name: 'All types' }).click();
    await page.getByRole('heading', { name: '6 types' }).waitFor();
    expectNoFaults(page);
  });

  test('proposes a schema that the recorded events fit', async () => {
    const { slug } = await kit.gateway.workspace();
    await record(kit, slug, someEvents());
    const page = await kit.open(`/w/${slug}/definitions/order.placed`);
    await page.getByRole('button', { name: 'Propose from recorded events' }).click();
    await page.getByText('Proposed from the newest 40.').waitFor();
    await page.getByText('40 of the last 40 fit').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    expect(await definitionOf(kit, slug, 'order.placed')).toMatchObject({
      payloadSchema: {
        type: 'object',
        properties: { total: { type: 'integer', minimum: 0 }, note: { type: 'string' } },
      },
    });
    expectNoFaults(page);
  });

  test('counts what was kept aside by problem, and records what is corrected', async () => {
    const { slug } = await kit.gateway.workspace();
    await define(kit, slug, {
      ...{ name: 'order.placed', payloadSchema: SCHEMA, validation: 'QUARANTINE' },
    });
    const payloads = [{ total: 1, plan: 'free' }, { total: -1, plan: 'team' }, {}];
    await record(
      kit,
      slug,
      payloads.map((payload, n) => ({ type: 'order.placed', id: `kept-${n}`, payload })),
    );
    const page = await kit.open(`/w/${slug}/definitions?tab=quarantine`);
    await page.getByRole('heading', { name: '3 events kept aside' }).waitFor();
    const plan = page.getByRole('row', { name: /^plan must be one of \["O'Hara's","pro"\]/ });
    expect(await plan.getByRole('cell').nth(1).innerText()).toBe('2');
    await plan.getByRole('button', { name: 'Show these' }).click();
    const items = page.locator('.quarantine > li');
    await expect.poll(() => items.count(), PATIENCE).toBe(2);
    await page.getByText('It is "team".').waitFor();
    await expectAccessible(page, 'quarantine-problem');

    await items.filter({ hasText: '"free"' }).getByRole('button', { name: 'Correct' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Payload').fill('{ "total": 1, "plan": "gold" }');
    await dialog.getByRole('button', { name: 'Resubmit' }).click();
    await dialog.getByText('plan must be one of').waitFor();
    await dialog.getByLabel('Payload').fill('{ "total": 1, "plan": ');
    await dialog.getByText('Line 1, column 23').waitFor();
    await dialog.getByLabel('Payload').fill('{ "total": 1, "plan": "pro" }');
    await expectAccessible(page, 'quarantine-correct');
    await dialog.getByRole('button', { name: 'Resubmit' }).click();
    await page.getByRole('heading', { name: '2 events kept aside' }).waitFor();
    await expect.poll(() => items.count(), PATIENCE).toBe(1);
    const { event } = await kit.gateway.data<{ event: unknown }>(
      'query($slug: String!) { event(workspace: $slug, eventId: "kept-0") { payload } }',
      { slug },
    );
    expect(event).toEqual({ payload: { total: 1, plan: 'pro' } });
    expectNoFaults(page);
  });

  test('makes a definition, and leads to the one that there is', async () => {
    const { slug } = await kit.gateway.workspace();
    await record(kit, slug, someEvents());
    const page = await kit.open(`/w/${slug}/definitions`);
    await page.getByRole('img', { name: '40 in the last 14 days' }).waitFor();
    await expectAccessible(page, 'definitions');
    await page.getByRole('button', { name: 'New definition' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Type').fill('order.placed');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText('There is one already').waitFor();
    await dialog.getByLabel('Type').fill('net/link up');
    await dialog.getByLabel('Title').fill('A link is up');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'net/link up' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/w/${slug}/definitions/net%2Flink%20up`);
    expect(await definitionOf(kit, slug, 'net/link up')).toMatchObject({ title: 'A link is up' });
    expectNoFaults(page);
  });

  test('holds a schema against the last events before it is saved, and tells where it is wrong', async () => {
    const { slug } = await kit.gateway.workspace();
    await record(kit, slug, someEvents());
    const page = await kit.open(`/w/${slug}/definitions/order.placed`);
    const schema = page.getByLabel('Schema', { exact: true });
    const save = page.getByRole('button', { name: 'Save' });
    await page.getByText('Without a schema any payload fits.').waitFor();
    await schema.fill('{\n  "type": "object"\n  "required": []\n}');
    await page.getByText('Line 3, column 3').waitFor();
    expect(await save.isDisabled()).toBe(true);

    await schema.fill('{\n  "properties": {\n    "total": { "minimum": "zero" }\n  }\n}');
    await page.getByText('Line 3, column 27').waitFor();
    await save.click();
    await page.getByText('Not saved: the gateway takes no such schema.').waitFor();

    await schema.fill(JSON.stringify(SCHEMA, null, 2));
    await page.getByText('36 of the last 40 fit').waitFor();
    await page.getByText('The payload must have the property').waitFor();
    await page.getByLabel('When a payload does not fit').selectOption('Refuse it');
    await page.getByLabel('Title').fill('An order');
    await expectAccessible(page, 'definition');
    await save.click();
    await page.getByText('Saved.').waitFor();
    expect(await definitionOf(kit, slug, 'order.placed')).toEqual({
      ...{ title: 'An order', status: 'ACTIVE', validation: 'REJECT', payloadSchema: SCHEMA },
      eventCount: 40,
    });
    expectNoFaults(page);
  });

  test('overwrites nobody’s change unseen, and keeps those of other fields', async () => {
    const { slug } = await kit.gateway.workspace();
    await define(kit, slug, { name: 'a', title: 'one' });
    const page = await kit.open(`/w/${slug}/definitions/a`);
    await page.getByLabel('Title').fill('mine');
    await define(kit, slug, { name: 'a', title: 'theirs', validation: 'WARN' });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('somebody else changed the title').waitFor();
    const told = await page.getByText('somebody else').boundingBox();
    expect(told?.y, 'is in sight').toBeLessThan(780);
    await page.getByRole('button', { name: 'Save mine' }).click();
    await page.getByText('Saved.').waitFor();
    expect(await definitionOf(kit, slug, 'a')).toMatchObject({ title: 'mine', validation: 'WARN' });
    expectNoFaults(page);
  });

  test('shows a key that may only read what there is, and why it is no more', async () => {
    const { slug } = await kit.gateway.workspace();
    await record(kit, slug, someEvents());
    await define(kit, slug, { name: 'order.placed', payloadSchema: SCHEMA });
    const { createApiKey } = await kit.gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) {
        createApiKey(input: { name: "reader", workspace: $slug, scopes: [EVENTS_READ] }) { secret }
      }`,
      { slug },
    );
    const page = await kit.open(`/w/${slug}/definitions/order.placed`, {
      key: createApiKey.secret,
    });
    await page.getByText('That needs the scope DEFINITIONS_WRITE').waitFor();
    await page.getByText('36 of the last 40 fit').waitFor();
    expect(await page.getByLabel('Schema', { exact: true }).isEditable()).toBe(false);
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0);
    expectNoFaults(page);
  });

  test('shows sample code that records such an event as it stands', async () => {
    const { slug, key } = await kit.gateway.workspace();
    const ofLogin = { type: 'object', required: ['context'], properties: { context: SCHEMA } };
    const held = { validation: 'QUARANTINE' };
    await define(kit, slug, { ...held, name: 'CLI_EXEC', payloadSchema: SCHEMA });
    await define(kit, slug, { ...held, name: 'login', payloadSchema: ofLogin });
    const page = await kit.open(`/w/${slug}/definitions/CLI_EXEC?tab=samples`, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const copied = async (way: string) => {
      await page.getByRole('button', { name: way, exact: true }).click();
      await page.getByRole('button', { name: way, exact: true, pressed: true }).waitFor();
      await page.getByRole('button', { name: /^(Copy|Copied)$/ }).click();
      return page.evaluate('navigator.clipboard.readText()') as Promise<string>;
    };
    const shell = (code: string) =>
      run('bash', ['-ec', code], { env: { ...process.env, SLUICE_KEY: key } });
    const ways = [
      ...['curl', 'CloudEvents', 'OpenTelemetry', 'Segment', 'PostHog', 'LogSnag'],
      ...['Logspace', 'Logsh', 'Speakeasy'],
    ];
    for (const way of ways) {
      await shell(await copied(way));
    }
    await runTypescript(await copied('TypeScript'), key);
    await page.getByRole('button', { name: 'authentik' }).click();
    await page.getByText('authentik’s clients send its own actions').waitFor();
    await page.getByRole('button', { name: 'Retraced' }).click();
    await page.getByText('Retraced holds texts that are not empty alone').waitFor();
    await page.getByRole('button', { name: 'curl' }).click();
    await expectAccessible(page, 'definition-samples');
    await page.goto(`/w/${slug}/definitions/login?tab=samples&sample=authentik`);
    await shell(await copied('authentik'));

    const { events } = await kit.gateway.data<{
      events: { nodes: { door: string; type: string; payload: Record<string, unknown> }[] };
    }>(
      `query($slug: String!) {
        events(workspace: $slug, order: { direction: ASC }) { nodes { door type payload } }
      }`,
      { slug },
    );
    expect(events.nodes.map(({ door, type }) => [door, type])).toEqual([
      ['GRAPHQL', 'CLI_EXEC'],
      ['CLOUDEVENTS', 'CLI_EXEC'],
      ['OTLP', 'CLI_EXEC'],
      ['SEGMENT', 'CLI_EXEC'],
      ['POSTHOG', 'CLI_EXEC'],
      ['LOGSNAG', 'CLI_EXEC'],
      ['LOGSPACE', 'CLI_EXEC'],
      ['LOGSH', 'CLI_EXEC'],
      ['SPEAKEASY', 'CLI_EXEC'],
      ['GRAPHQL', 'CLI_EXEC'],
      ['AUTHENTIK', 'login'],
    ]);
    expect(events.nodes[0]?.payload).toEqual({
      ...{ total: 1, plan: "O'Hara's", at: '2026-01-31T12:00:00Z' },
    });
    expectNoFaults(page);
  });

  test('resubmits and discards what was kept aside, and tells what became of it', async () => {
    const slug = 'careful';
    await kit.gateway.data(
      `mutation($slug: String!) {
        createWorkspace(input: { slug: $slug, unknownTypes: QUARANTINE }) { workspace { id } }
      }`,
      { slug },
    );
    const rule = { payloadSchema: SCHEMA, validation: 'QUARANTINE' };
    await define(kit, slug, { name: 'order.placed', ...rule });
    const bad = Array.from({ length: 12 }, (_, n) => ({
      ...{ type: 'order.placed', id: `o-${n}`, source: 'shop' },
      payload: n < 2 ? { total: -1, plan: 'free' } : { plan: 'pro' },
    }));
    await record(kit, slug, [...bad, { type: 'order.paid', payload: {} }]);
    const page = await kit.open(`/w/${slug}/definitions?tab=quarantine`);
    await page.getByRole('link', { name: 'order.paid' }).waitFor();
    await page.getByText('As it came').first().click();
    await expectAccessible(page, 'quarantine');
    await page.getByRole('link', { name: 'order.paid' }).click();
    await page.getByRole('heading', { name: 'Nobody has defined this type' }).waitFor();
    await page.getByRole('button', { name: 'Define it' }).click();
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('Without a schema any payload fits.').waitFor();
    await page.getByRole('link', { name: 'Quarantine' }).click();
    await page.getByRole('button', { name: 'Resubmit this one' }).click();
    await page.getByText('1 recorded.').waitFor();
    await page.goto(`/w/${slug}/definitions?tab=quarantine`);
    await page.getByRole('link', { name: 'order.placed' }).first().click();
    await page.getByRole('link', { name: 'Quarantine' }).click();
    const items = page.locator('.quarantine > li');
    await expect.poll(() => items.count(), PATIENCE).toBe(12);

    const relaxed = { ...SCHEMA, required: [] };
    await define(kit, slug, { name: 'order.placed', payloadSchema: relaxed });
    await page.getByLabel('All of these').check();
    await page.getByRole('button', { name: 'Resubmit chosen' }).click();
    await page.getByText('10 recorded. 2 still do not fit.').waitFor();
    await expect.poll(() => items.count(), PATIENCE).toBe(2);
    expect(await definitionOf(kit, slug, 'order.placed')).toMatchObject({ eventCount: 10 });

    await page.getByRole('button', { name: 'Discard this one' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await page.getByText('1 discarded.').waitFor();
    await expect.poll(() => items.count(), PATIENCE).toBe(1);
    expectNoFaults(page);
  });
});
