import { Ajv2020 } from 'ajv/dist/2020.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Definition } from '../../../src/cli/definitions/definition.ts';
import { DEFAULTS } from '../../../src/cli/definitions/definition.ts';
import { eventSchema } from '../../../src/cli/generate/portable-schema.ts';
import { typesOf } from '../../../src/cli/generate/typescript.ts';
import { zodOf } from '../../../src/cli/generate/zod.ts';
import { createClient } from '../../../src/client/index.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
/** Within the project, where the compiler finds its packages. */
let folder: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join('test', '.generated-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await gateway[Symbol.asyncDispose]();
});

const ORDER_PAID: Definition = {
  ...DEFAULTS,
  name: 'order.paid',
  description: 'Somebody paid. */ process.exit(1); /*',
  validation: 'REJECT',
  payloadSchema: {
    type: 'object',
    required: ['total', 'items'],
    properties: {
      total: { type: 'integer', description: 'In cents. */ process.exit(1) /*' },
      currency: { enum: ['EUR', 'USD'] },
      at: { type: 'string', format: 'date-time' },
      items: { type: 'array', items: { $ref: '#/$defs/item' } },
      place: { prefixItems: [{ type: 'number' }, { type: 'number' }], items: false, minItems: 2 },
      injected: { type: 'string', tsType: 'any; process.exit(1); type B = any' },
    },
    $defs: {
      item: {
        type: 'object',
        required: ['sku'],
        properties: { sku: { type: 'string' } },
        additionalProperties: false,
      },
    },
  },
};
/** Another `item`, and names that are no identifiers. */
const ODD: Definition = {
  ...DEFAULTS,
  name: '1. cart/%2F~"x"',
  payloadSchema: {
    $id: 'https://example.org/cart',
    required: ['item'],
    properties: { item: { $ref: '#/$defs/item' } },
    $defs: { item: { type: 'object', required: ['id'], properties: { id: { type: 'boolean' } } } },
  },
};
const PLAIN: Definition = { ...DEFAULTS, name: 'plain' };
const ANCHORED: Definition = {
  ...DEFAULTS,
  name: 'anchored',
  payloadSchema: { $defs: { a: { $anchor: 'b' } }, properties: { key: { $ref: '#b' } } },
};
const ALL = [ODD, ANCHORED, ORDER_PAID, PLAIN];

/** What the compiler says of modules of the folder. */
function compilerErrors(...files: string[]): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
  };
  const program = ts.createProgram(
    files.map(file => join(folder, file)),
    options,
  );
  return ts.getPreEmitDiagnostics(program).map(({ messageText, file, start }) => {
    const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
    return `${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

const recording = (...lines: string[]) =>
  [
    `import { createClient } from '../../src/client/index.ts';`,
    `import type { Events } from './events.ts';`,
    `const client = createClient<Events>({ url: 'http://127.0.0.1', key: 'k' });`,
    ...lines,
  ].join('\n');

test('the compiler checks what the typed client records', async () => {
  const { code, untyped } = await typesOf(ALL);
  expect(untyped).toEqual(['anchored']);
  expect(code).not.toMatch(/^(?!\s*\*).*process\.exit/m);
  writeFileSync(join(folder, 'events.ts'), code);
  const right = recording(
    `void client.record({ type: 'order.paid', payload: { total: 5, items: [{ sku: 'a' }] } });`,
    `void client.record({ type: 'order.paid', subject: 's', payload: { total: 2n ** 60n, at: new Date(), place: [1, 2], items: [], currency: 'EUR', more: true } });`,
    `void client.record({ type: '1. cart/%2F~"x"', payload: { item: { id: true } } });`,
    `void client.record({ type: 'plain' });`,
    `void client.record({ type: 'plain', payload: { any: 1 } });`,
    `void client.record({ type: 'anchored', payload: { key: 1 } });`,
  );
  writeFileSync(join(folder, 'right.ts'), right);
  const wrong = recording(
    `void client.record({ type: 'order.paid' });`,
    `void client.record({ type: 'order.paid', payload: { total: '5', items: [] } });`,
    `void client.record({ type: 'order.paid', payload: { total: 5 } });`,
    `void client.record({ type: 'order.paid', payload: { total: 5, items: [{ sku: 'a', n: 1 }] } });`,
    `void client.record({ type: 'order.paid', payload: { total: 5, items: [], currency: 'GBP' } });`,
    `void client.record({ type: 'order.paid', payload: { total: 5, items: [], place: [1, 2, 3] } });`,
    `void client.record({ type: 'oder.paid', payload: { total: 5, items: [] } });`,
  );
  writeFileSync(join(folder, 'wrong.ts'), wrong);
  const errors = compilerErrors('right.ts', 'wrong.ts');
  expect(errors.map(error => error.split(':')[0])).toEqual(['4', '5', '6', '7', '8', '9', '10']);
});

test('no text of a definition becomes code', async () => {
  const evil = '^y */ */ process.exit(1); /*';
  const payloadSchema = {
    ...{ title: evil, description: evil },
    properties: { [evil]: { enum: [evil], title: evil, description: evil } },
    patternProperties: { [evil]: { type: 'object', title: 'Y', properties: { a: {} } } },
  };
  const { code } = await typesOf([{ ...DEFAULTS, name: evil, description: evil, payloadSchema }]);
  const { statements } = ts.createSourceFile('events.ts', code, ts.ScriptTarget.ES2022);
  expect(statements.length).toBeGreaterThan(1);
  const isType = (each: ts.Statement) =>
    ts.isInterfaceDeclaration(each) || ts.isTypeAliasDeclaration(each);
  expect(statements.filter(each => !isType(each))).toEqual([]);
});

test('generated types and schemas are printed for a workspace, and for files', async () => {
  const { slug } = await gateway.workspace();
  const { errors } = await gateway.graphql(
    'mutation ($input: DefineEventInput!) { defineEvent(input: $input) { definition { name } } }',
    { input: { workspace: slug, ...ORDER_PAID } },
  );
  expect(errors).toBeUndefined();
  const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY };
  const made = await sluice(['generate', 'typescript', '-w', slug], environment);
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(made.out).toContain(`'order.paid': OrderPaid`);
  await sluice(['definitions', 'pull', join(folder, 'pulled'), '-w', slug], environment);
  const out = join(folder, 'from-files.ts');
  const fromFiles = await sluice([
    ...['generate', 'zod', '--from', join(folder, 'pulled'), '--out', out],
  ]);
  expect(fromFiles).toMatchObject({ code: 0, out: '', err: '' });
  expect(compilerErrors('from-files.ts')).toEqual([]);
  const { schemas } = (await import(join(process.cwd(), out))) as {
    schemas: { 'order.paid': { safeParse(value: unknown): { success: boolean } } };
  };
  const good = { total: 5, items: [{ sku: 'a' }] };
  expect(schemas['order.paid'].safeParse(good).success).toBe(true);
  expect(schemas['order.paid'].safeParse({ ...good, total: 5.5 }).success).toBe(false);
  const unknown = await sluice([
    ...['generate', 'zod', '--from', join(folder, 'pulled'), '--type', 'oder.paid'],
  ]);
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('"order.paid"') });

  // The payload that the compiler takes is one that the gateway takes.
  const client = createClient({ url: gateway.url, key: ADMIN_KEY, workspace: slug });
  expect(await client.record({ type: 'order.paid', payload: good })).toMatchObject({
    status: 'RECORDED',
  });
  await client.close();
});

test('the JSON Schema of all events decides by the type', () => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(eventSchema(ALL));
  const right = [
    { type: 'order.paid', payload: { total: 5, items: [{ sku: 'a' }] } },
    { type: '1. cart/%2F~"x"', payload: { item: { id: true } } },
    { type: 'plain' },
  ];
  const wrong = [
    { type: 'order.paid', payload: { total: 5, items: [{ id: true }] } },
    { type: 'order.paid' },
    { type: '1. cart/%2F~"x"', payload: { item: { id: 1 } } },
    { type: 'unknown' },
  ];
  for (const event of right) expect(validate(event), JSON.stringify(validate.errors)).toBe(true);
  for (const event of wrong) expect(validate(event), JSON.stringify(event)).toBe(false);
});

test('what Zod or a type cannot say is named, and any object passes', async () => {
  const { untyped } = await zodOf([ANCHORED, PLAIN]);
  expect(untyped).toEqual(['anchored']);
});
