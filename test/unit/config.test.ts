import { expect, test } from 'vitest';
import { readConfig, SETTINGS } from '../../src/config/config.ts';

test('every setting has a default, so nothing has to be set', () => {
  expect(readConfig({})).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    databaseUrl: null,
    adminKey: null,
  });
});

test('all faults are named at once, and no secret is repeated', () => {
  const read = () =>
    readConfig({
      PORT: 'http',
      LOG_LEVEL: 'loud',
      SLUICE_ADMIN_KEY: 'hunter2',
      SLUICE_EVIDENCE_KEY: 'hunter2',
      DATABASE_URL: 'mysql://me:hunter2@db',
      DATABASE_READ_URL: 'me:hunter2@db',
      SLUICE_NATS_URL: 'nats://me:hunter2@one,http://me:hunter2@two',
      SLUICE_SMTP_URL: 'http://me:hunter2@mail',
      SLUICE_SMTP_FROM: 'Sluice',
      SLUICE_PUBLIC_URL: 'events.example.com',
      SLUICE_NATS_CREDENTIALS_FILE: '/nowhere/hunt.creds',
      SLUICE_LOGSPACE_ORDER: '[{"id":"os/cpu","trigger-type":"now"}]',
    });
  expect(read).toThrow(/PORT expects a whole number from 0 to 65535, but is "http"/);
  expect(read).toThrow(/LOG_LEVEL expects one of/);
  expect(read).toThrow(/SLUICE_ADMIN_KEY expects 16 characters or more/);
  expect(read).toThrow(/SLUICE_EVIDENCE_KEY expects 32 bytes in base64/);
  expect(read).toThrow(/DATABASE_URL expects postgres:/);
  expect(read).toThrow(/DATABASE_READ_URL expects postgres:/);
  expect(read).toThrow(/SLUICE_NATS_URL expects servers such as nats:/);
  expect(read).toThrow(/SLUICE_SMTP_URL expects smtp:/);
  expect(read).toThrow(/SLUICE_SMTP_FROM expects an address such as/);
  expect(read).toThrow(/SLUICE_PUBLIC_URL expects a URL such as https:/);
  expect(read).toThrow(/SLUICE_NATS_CREDENTIALS_FILE expects a file that can be read \(ENOENT\)/);
  expect(read).toThrow(/SLUICE_LOGSPACE_ORDER expects JSON such as/);
  expect(read).not.toThrow(/hunter2/);
});

test('a standby is of a primary that is set, another server, and has connections of its own', () => {
  const databaseUrl = 'postgres://me:hunter2@primary/db';
  const databaseReadUrl = 'postgres://me:hunter2@standby/db';
  const read = (DATABASE_READ_URL: string, more: Record<string, string>) => () =>
    readConfig({ DATABASE_READ_URL, ...more });
  const both = { DATABASE_URL: databaseUrl, SLUICE_CONNECTIONS_MAX: '16' };
  expect(read(databaseReadUrl, both)()).toMatchObject({ databaseUrl, databaseReadUrl });
  expect(read(databaseReadUrl, {})).toThrow(/DATABASE_READ_URL expects DATABASE_URL beside it/);
  expect(read(databaseUrl, both)).toThrow(/DATABASE_READ_URL expects a standby, but is the same/);
  expect(read(databaseUrl, both)).not.toThrow(/hunter2/);
  expect(read(databaseReadUrl, { ...both, SLUICE_CONNECTIONS_MAX: '15' })).toThrow(
    /SLUICE_CONNECTIONS_MAX expects 16 or more beside DATABASE_READ_URL, but is "15"/,
  );
});

test.each(['127.0.0.1:4222', 'nats://', 'nats://host/path', 'ws://host', 'nats://host:port'])(
  '%s is no NATS server, and the start says so',
  text => {
    const read = () => readConfig({ SLUICE_NATS_URL: `nats://fine:4222, ${text}` });
    expect(read).toThrow(/SLUICE_NATS_URL expects servers such as/);
  },
);

test.each([
  ['https://events.example.com/', 'https://events.example.com'],
  ['http://localhost:4000', 'http://localhost:4000'],
])('links go to %s without its last slash', (text, publicUrl) => {
  expect(readConfig({ SLUICE_PUBLIC_URL: text })).toMatchObject({ publicUrl });
});

test('the key of evidence is 32 bytes in base64', () => {
  const seed = Buffer.alloc(32, 7);
  const { evidenceKey } = readConfig({ SLUICE_EVIDENCE_KEY: seed.toString('base64') });
  expect(evidenceKey).toEqual(seed);
  for (const text of [seed.toString('hex'), seed.toString('base64').slice(0, -1), 'AAAA']) {
    expect(() => readConfig({ SLUICE_EVIDENCE_KEY: text })).toThrow(/expects 32 bytes in base64/);
  }
});

test('origins are understood as browsers write them', () => {
  const { corsOrigins } = readConfig({
    SLUICE_CORS_ORIGINS:
      'https://app.example/, HTTPS://App.Example:443,http://localhost:5173 , capacitor://localhost',
  });
  expect(corsOrigins).toEqual([
    'https://app.example',
    'https://app.example',
    'http://localhost:5173',
    'capacitor://localhost',
  ]);
});

test.each([
  'app.example',
  '*',
  'https://*.app.example',
  'null',
  'https://app.example/path',
  'https://app.example?',
  'https://me@app.example',
  'https://',
  'https://app.example:99999',
])('%s is no origin, and the start says so', text => {
  const read = () => readConfig({ SLUICE_CORS_ORIGINS: `https://fine.example,${text}` });
  expect(read).toThrow(/SLUICE_CORS_ORIGINS expects origins, .* such as https:\/\/app\.example/);
});

test('an empty variable counts as absent', () => {
  expect(readConfig({ PORT: '', SLUICE_ADMIN_KEY: '' })).toMatchObject({
    port: 4000,
    adminKey: null,
  });
});

test.each(['{', '[', 'null', '{"*":[{"id":""}]}', '[{"id":"a","trigger-type":"off","x":1}]'])(
  'the order %s is none',
  order => {
    expect(() => readConfig({ SLUICE_LOGSPACE_ORDER: order })).toThrow(/SLUICE_LOGSPACE_ORDER/);
  },
);

test('every setting has a description for the docs', () => {
  for (const { description } of Object.values(SETTINGS)) expect(description).toMatch(/\.$/);
});
