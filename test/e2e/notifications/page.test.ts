/** The samples of docs/notifications.md, as they stand there. */
import { buildSchema, parse, validate } from 'graphql';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { printedSchema } from '../../../src/graphql/schema.ts';
import { newNotifyBench, PATIENCE, startNotifyingGateway, startPushService } from './kit.ts';

const PAGE = readFileSync('docs/notifications.md', 'utf8');

const blocksOf = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text]) => text as string,
  );

test('the operations of the page are valid, and do what it says', async () => {
  const schema = buildSchema(printedSchema());
  const documents = blocksOf('graphql');
  expect(documents).toHaveLength(4);
  for (const document of documents) expect(validate(schema, parse(document))).toEqual([]);
  await using gateway = await startNotifyingGateway({ config: { smtpUrl: 'smtp://127.0.0.1:1' } });
  await using service = await startPushService();
  const bench = await newNotifyBench(gateway);
  const browser = service.browser();
  await subscribeAsThePage(gateway.url, bench.key, browser.subscription);
  for (const document of documents) await gateway.data(document, {}, bench.key);
  await expect.poll(() => browser.pushed.length, PATIENCE).toBe(1);
  const [sample] = blocksOf('json').map(text => JSON.parse(text) as Record<string, string>);
  const [pushed] = browser.pushed;
  expect(Object.keys(pushed!)).toEqual(Object.keys(sample!));
  expect(pushed).toMatchObject({ title: sample!['title'], body: sample!['body'] });
  expect((await bench.rules()).map(({ name }) => name)).toEqual([
    'failed payments',
    'many failures',
    'notify',
  ]);
});

/** Runs the script of the page, in which a browser would be. */
async function subscribeAsThePage(url: string, key: string, subscription: object): Promise<void> {
  const query = async (source: string, variables: object = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: source, variables }),
    });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
    expect(errors).toBeUndefined();
    return data;
  };
  const registration = {
    pushManager: {
      subscribe: (options: { userVisibleOnly: boolean; applicationServerKey: string }) => {
        expect(options.userVisibleOnly).toBe(true);
        expect(Buffer.from(options.applicationServerKey, 'base64url')).toHaveLength(65);
        return Promise.resolve({ toJSON: () => subscription });
      },
    },
  };
  const script = blocksOf('js')[0]!;
  const AsyncFunction = Object.getPrototypeOf(subscribeAsThePage).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction('query', 'registration', script)(query, registration);
}

test('the settings of the page are read', () => {
  const settings = Object.fromEntries(
    [...PAGE.matchAll(/^(SLUICE_\w+)='([^']*)'/gm)].map(([, name, value]) => [name, value]),
  );
  expect(readConfig(settings as Record<string, string>)).toMatchObject({
    smtpUrl: 'smtps://user:password@mail.example.com',
    smtpFrom: 'Sluice <events@example.com>',
    publicUrl: 'https://events.example.com',
  });
});
