/** The receiver of docs/webhooks.md, run as it stands there. */
import { buildSchema, parse, validate } from 'graphql';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { printedSchema } from '../../../src/graphql/schema.ts';
import { freePort } from '../../kit/free-port.ts';
import { newWebhookBench, PATIENCE, startWebhookGateway } from './kit.ts';

const PAGE = readFileSync('docs/webhooks.md', 'utf8');

const blocksOf = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text]) => text as string,
  );

test('the receiver of the page does each event once, and refuses what is not signed', async () => {
  await using gateway = await startWebhookGateway();
  const bench = await newWebhookBench(gateway);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-receiver-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'receiver.mjs');
  writeFileSync(file, blocksOf('js')[0]!);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const secret = await bench.webhook('w', url);
  const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) };
  const receiver = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void receiver.kill('SIGKILL'));
  let out = '';
  receiver.stdout.on('data', chunk => (out += String(chunk)));
  await bench.record([{ type: 'user.signup', payload: { plan: 'pro' } }]);
  await expect.poll(() => out, PATIENCE).toBe('user.signup {"plan":"pro"}\n');
  await bench.change('seekConsumer', 'w', { to: { start: 'BEGINNING' } });
  await bench.record([{ type: 'user.signup', payload: { plan: 'free' } }]);
  await expect.poll(async () => (await bench.state('w')).lagEvents, PATIENCE).toBe(0);
  expect(out).toBe('user.signup {"plan":"pro"}\nuser.signup {"plan":"free"}\n');
  const forged = await fetch(url, { method: 'POST', body: '{}' });
  expect(forged.status).toBe(400);
});

test('the operations of the page are valid', () => {
  const schema = buildSchema(printedSchema());
  const documents = blocksOf('graphql');
  expect(documents.length).toBeGreaterThan(1);
  for (const document of documents) expect(validate(schema, parse(document))).toEqual([]);
});
