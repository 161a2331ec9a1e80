import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
let slug: string;
let folder: string;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());
beforeEach(async () => {
  ({ slug } = await gateway.workspace());
  folder = join(mkdtempSync(join(tmpdir(), 'sluice-definitions-')), 'events');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const definitions = (...args: string[]) =>
  sluice(['definitions', ...args, '--workspace', slug], {
    SLUICE_URL: gateway.url,
    SLUICE_KEY: ADMIN_KEY,
  });

const SCHEMA = { type: 'object', required: ['total'], properties: { total: { type: 'number' } } };

async function define(name: string, fields: object = {}): Promise<void> {
  const { errors } = await gateway.graphql(
    'mutation ($input: DefineEventInput!) { defineEvent(input: $input) { definition { name } } }',
    { input: { workspace: slug, name, ...fields } },
  );
  expect(errors).toBeUndefined();
}

async function names(): Promise<string[]> {
  const { data } = await gateway.graphql<{ eventDefinitions: { nodes: { name: string }[] } }>(
    'query ($slug: String) { eventDefinitions(workspace: $slug) { nodes { name } } }',
    { slug },
  );
  return data!.eventDefinitions.nodes.map(({ name }) => name);
}

const written = (name: string, text: string) => writeFileSync(join(folder, name), text);

test('what pull writes is what the workspace has, and push of it changes nothing', async () => {
  const fields = {
    title: 'Paid: "in full"',
    description: 'Yes.\nNo.',
    category: 'billing',
    status: 'DEPRECATED',
    validation: 'REJECT',
    measures: ['total'],
    payloadSchema: SCHEMA,
  };
  await define('order.paid', fields);
  await define('a/../b c');
  await define('Case');
  await gateway.data(
    `mutation { recordEvent(input: { workspace: "${slug}", event: { type: "case" } }) {
      receipt { status } } }`,
  );
  const pulled = await definitions('pull', folder);
  expect(pulled).toMatchObject({ code: 0, err: '' });
  expect(pulled.json()).toHaveLength(4);
  expect(readdirSync(folder).sort()).toEqual([
    'Case.yaml',
    'a%2F..%2Fb%20c.yaml',
    'case-2.yaml',
    'order.paid.yaml',
  ]);
  expect(await definitions('diff', folder)).toMatchObject({ code: 0, out: '', err: '' });
  expect(await definitions('push', folder)).toMatchObject({ code: 0, out: '' });

  const { slug: other } = await gateway.workspace();
  slug = other;
  expect(await definitions('push', folder)).toMatchObject({ code: 0, err: '' });
  expect((await definitions('show', 'order.paid')).json()).toMatchObject([fields]);
  expect(await definitions('diff', folder)).toMatchObject({ code: 0, out: '' });
});

test('diff names each place that differs and fails; push applies it and comments stay', async () => {
  await define('order.paid', { title: 'Paid', payloadSchema: SCHEMA });
  await definitions('pull', folder);
  const path = join(folder, 'order.paid.yaml');
  const changed = readFileSync(path, 'utf8')
    .replace('title: Paid', 'title: Paid in full # for people')
    .replace('type: number', 'type: integer');
  written('order.paid.yaml', changed);
  written('user.json', '{"name": "user.signup", "category": "growth"}');

  const differ = await definitions('diff', folder);
  expect(differ.code).toBe(1);
  expect(differ.json()).toEqual([
    {
      name: 'order.paid',
      action: 'UPDATE',
      path,
      differences: [
        { pointer: '/title', before: 'Paid', after: 'Paid in full' },
        {
          pointer: '/payloadSchema/properties/total/type',
          before: 'number',
          after: 'integer',
        },
      ],
    },
    {
      name: 'user.signup',
      action: 'CREATE',
      path: join(folder, 'user.json'),
      differences: [{ pointer: '/category', before: null, after: 'growth' }],
    },
  ]);
  const dry = await definitions('push', folder, '--dry-run');
  expect(dry).toMatchObject({ code: 0, out: differ.out });
  expect(await names()).toEqual(['order.paid']);
  expect(await definitions('push', folder)).toMatchObject({ code: 0, out: differ.out });
  expect(await definitions('diff', folder)).toMatchObject({ code: 0, out: '' });

  await define('order.paid', { description: 'New.' });
  await definitions('pull', folder);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain('title: Paid in full # for people');
  expect(text).toContain('description: New.');
});

test('what only one side has goes with --prune alone', async () => {
  await define('kept');
  await define('gone');
  await definitions('pull', folder);
  rmSync(join(folder, 'gone.yaml'));
  const differ = await definitions('diff', folder);
  expect(differ.json()).toMatchObject([{ name: 'gone', action: 'DELETE' }]);
  await definitions('push', folder);
  expect(await names()).toEqual(['gone', 'kept']);
  expect(await definitions('push', folder, '--prune')).toMatchObject({ code: 0 });
  expect(await names()).toEqual(['kept']);

  written('local.yaml', 'name: local');
  const pulled = await definitions('pull', folder);
  expect(pulled.err).toContain('--prune');
  expect(readdirSync(folder)).toEqual(['kept.yaml', 'local.yaml']);
  await definitions('pull', folder, '--prune');
  expect(readdirSync(folder)).toEqual(['kept.yaml']);
});

test('a definition that is refused is told with its file, and the others are pushed', async () => {
  await define('with.events');
  await define('without');
  await gateway.graphql(
    `mutation { recordEvents(input: { workspace: "${slug}", events: [{ type: "with.events" }] }) {
      recordedCount } }`,
  );
  mkdirSync(folder);
  written('new.yaml', 'name: new');
  written('bad.yaml', `name: ${'a'.repeat(2_000)}`);
  const { code, err } = await definitions('push', folder, '--prune');
  expect(code).toBe(1);
  expect(err).toMatch(/bad\.yaml: .*\nwith\.events: .*events/);
  expect(await names()).toEqual(['new', 'with.events']);
});

test('a file that is wrong is named, and nothing is changed', async () => {
  mkdirSync(folder);
  written('good.yaml', 'name: good');
  written('bad.yaml', 'name: a\npayloadSchema: {type: strng}');
  expect(await definitions('push', folder)).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /bad\.yaml: payloadSchema\/type is not usable: .*\n.*Nothing was changed/,
    ),
  });
  written('bad.yaml', 'name: a\nstate: BLOCKED');
  expect(await definitions('push', folder)).toMatchObject({
    code: 2,
    err: expect.stringContaining('bad.yaml: "state" is not a field of a definition'),
  });
  writeFileSync(join(folder, 'bad.yaml'), Buffer.from('name: a\ntitle: Zürich', 'latin1'));
  expect(await definitions('push', folder)).toMatchObject({
    code: 2,
    err: expect.stringContaining('bad.yaml is not UTF-8'),
  });
  expect(await names()).toEqual([]);
});

test('a dry run fails for a schema that breaks what its definition promises, and pull keeps that', async () => {
  const payloadSchema = { type: 'object', properties: { total: { type: 'number' } } };
  await define('order.paid', { payloadSchema, compatibility: 'BACKWARD' });
  await definitions('pull', folder);
  const path = join(folder, 'order.paid.yaml');
  const text = readFileSync(path, 'utf8');
  expect(text).toContain('compatibility: BACKWARD');
  written('order.paid.yaml', text.replace('type: number', 'type: integer'));
  const dry = await definitions('push', folder, '--dry-run');
  expect(dry.code).toBe(1);
  expect(dry.err).toContain('/payloadSchema/properties/total/type');
  const pushed = await definitions('push', folder);
  expect(pushed.code).toBe(1);
  expect(pushed.err).toContain('promises BACKWARD');
});
