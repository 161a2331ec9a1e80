import { expect, test } from 'vitest';
import { mistypedSettings } from '../../../src/cli/mistyped-settings.ts';
import { SETTINGS } from '../../../src/config/config.ts';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { createTestDatabase } from '../../kit/database.ts';

test('a gateway warns of a variable that looks like a setting and is none', async () => {
  await using database = await createTestDatabase();
  await using gateway = await startChildGateway(database.url, {
    SLUICE_STREAM_MAX: '5',
    SLUICE_URL: 'http://127.0.0.1:4000',
    SLUICE_KEY: 'k',
  });
  expect(gateway.log().match(/[^"]+ is not a setting[^"]*/g)).toEqual([
    'SLUICE_STREAM_MAX is not a setting: did you mean SLUICE_STREAMS_MAX?',
  ]);
});

test.each([
  ['SLUICE_DATADIR', 'SLUICE_DATA_DIR'],
  ['SLUICE_ADMINKEY', 'SLUICE_ADMIN_KEY'],
  ['SLUICE_CORS_ORIGIN', 'SLUICE_CORS_ORIGINS'],
  ['SLUICE_READ_TIMEOUT', 'SLUICE_READ_TIMEOUT_MS'],
  ['SLUICE_DATABASE_URL', 'DATABASE_URL'],
  ['SLUICE_PORT', 'PORT'],
])('%s is told to be %s, without what it holds', (name, meant) => {
  const said = mistypedSettings({ [name]: 'hunter2' });
  expect(said).toEqual([`${name} is not a setting: did you mean ${meant}?`]);
});

test('settings, what stays unset and what is far from any are not warned of', () => {
  const all = Object.fromEntries(Object.keys(SETTINGS).map(name => [name, 'x']));
  expect(mistypedSettings(all)).toEqual([]);
  expect(mistypedSettings({ SLUICE_STREAM_MAX: '', SLUICE_BACKUP_BUCKET: 'x', PATH: 'x' })).toEqual(
    [],
  );
});

test.each(['SLUICE', 'SLUICE_DB', 'SLUICE_POSTGRES', 'SLUICE_READ', 'SLUICE_GATEWAY'])(
  'what Kubernetes sets for a service %s is not warned of',
  service => {
    const variables = Object.fromEntries([
      [`${service}_SERVICE_HOST`, '10.0.0.11'],
      [`${service}_SERVICE_PORT`, '4000'],
      [`${service}_SERVICE_PORT_HTTP`, '4000'],
      [`${service}_PORT`, 'tcp://10.0.0.11:4000'],
      [`${service}_PORT_4000_TCP`, 'tcp://10.0.0.11:4000'],
      [`${service}_PORT_4000_TCP_PROTO`, 'tcp'],
      [`${service}_PORT_4000_TCP_PORT`, '4000'],
      [`${service}_PORT_4000_TCP_ADDR`, '10.0.0.11'],
    ]);
    expect(mistypedSettings(variables)).toEqual([]);
  },
);
