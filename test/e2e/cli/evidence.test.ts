/** `checkpoint`, `prove`, `export --evidence` and `verify` of what they print. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { ADMIN_KEY } from '../../kit/key.ts';
import { sluice, type Ran } from './run.ts';

let gateway: TestGateway;
let folder: string;
let slug: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'sluice-evidence-'));
  ({ slug } = await gateway.workspace());
  const events = [
    { id: 'exact', type: 'a', payload: { n: 1 }, properties: [long('big', '9007199254740993')] },
    { id: 'list', type: 'a', subject: 'gone', properties: [long('n', '1'), long('n', '2')] },
    {
      id: 'plain',
      type: 'b',
      notify: true,
      success: false,
      payload: { text: 'ä', list: [1, 'x'] },
    },
    { id: 'late', type: 'b', expiresAt: '2090-01-01T00:00:00Z', clientIp: '::1' },
  ];
  await gateway.data(
    `mutation ($events: [EventInput!]!, $slug: String!) {
      updateWorkspace(input: { slug: $slug, evidence: true }) { workspace { slug } }
      recordEvents(input: { workspace: $slug, events: $events }) { receipts { status } } }`,
    { slug, events },
  );
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function long(name: string, value: string) {
  return { long: { name, value } };
}

const file = (name: string) => join(folder, name);
const atGateway = (...args: string[]) =>
  sluice([...args, '--workspace', slug], { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY });
/** Without a gateway, and with no database but one that is named. */
const verify = (...args: string[]) => sluice(['verify', ...args]);
const verifyDatabase = (...args: string[]) =>
  sluice(['verify', ...args], { DATABASE_URL: gateway.databaseUrl });

function ended({ code, out, err }: Ran, expected = 0): string {
  expect(code, `${out}${err}`).toBe(expected);
  return out;
}

/** Waits for the events to be in the tree: the last one can be proven. */
async function proof(eventId: string): Promise<string> {
  return ended(await atGateway('prove', eventId));
}

test('what an auditor keeps is verified offline, against an export and against the database', async () => {
  await proof('late');
  const proven = await proof('exact');
  writeFileSync(file('exact.proof'), proven);
  const checkpoint = ended(await atGateway('checkpoint'));
  writeFileSync(file('old.checkpoint'), checkpoint);
  const { verifierKey } = JSON.parse(ended(await atGateway('checkpoint', '--json'))) as {
    verifierKey: string;
  };
  const alone = ended(await verify('--proof', file('exact.proof'), '--verifier-key', verifierKey));
  expect(alone).toBe('Verified: 1 events are as they were recorded.\n');
  const untrusted = ended(await verify('--proof', file('exact.proof')));
  expect(untrusted).toContain(`Signed by ${verifierKey}: compare it with the one that you trust`);

  ended(await atGateway('export', '--evidence', '-o', file('all.ndjson')));
  const lines = readFileSync(file('all.ndjson'), 'utf8');
  expect(lines.split('\n').filter(Boolean)).toHaveLength(4);
  const against = ['--checkpoint', file('old.checkpoint'), '--export', file('all.ndjson')];
  expect(ended(await verify(...against, '--verifier-key', verifierKey))).toBe(
    'Verified: 4 events are as they were recorded, and none of the first 4 is changed or missing.\n',
  );
  const stored = ended(await verifyDatabase('--checkpoint', file('old.checkpoint')));
  expect(stored).toContain(`${slug}: events 1 to 4 were compared with the tree`);
  expect(stored).toContain('Verified: the first 4 events are those of the checkpoint.\n');
});

test('an export with evidence is imported as one without', async () => {
  const other = await gateway.workspace();
  const imported = await sluice(['import', file('all.ndjson'), '--workspace', other.slug], {
    SLUICE_URL: gateway.url,
    SLUICE_KEY: other.key,
  });
  expect(JSON.parse(ended(imported))).toMatchObject({ recorded: 4 });
});

test('a changed export, one with a gap and a forged proof are told from them', async () => {
  const lines = readFileSync(file('all.ndjson'), 'utf8').split('\n').filter(Boolean);
  const cases: [string, string[], string][] = [
    ['payload', lines.map(line => line.replace('"n":1', '"n":2')), 'payload is not the one'],
    ['big', lines.map(line => line.replace('740993', '740992')), 'payload is not the one'],
    ['actor', lines.map(line => line.replace('{"id"', '{"actor":"x","id"')), 'actor is not'],
    ['gap', lines.toSpliced(2, 1), '1 events before position 4 are missing'],
    ['short', lines.slice(0, 3), 'the export ends after 3'],
    ['swapped', [lines[0]!, lines[2]!, lines[1]!, lines[3]!], 'position 2 is out of its order'],
    ['text', [...lines, 'x'], 'line 5: this is not JSON'],
  ];
  for (const [name, changed, message] of cases) {
    writeFileSync(file(`${name}.ndjson`), `${changed.join('\n')}\n`);
    const options = ['--checkpoint', file('old.checkpoint'), '--export', file(`${name}.ndjson`)];
    const out = ended(await verify(...options), 1);
    expect(out, name).toContain(message);
    expect(out).toContain('The log is not intact.');
  }
  const forged = readFileSync(file('exact.proof'), 'utf8').replace('\\"n\\":1', '\\"n\\":2');
  writeFileSync(file('forged.proof'), forged);
  expect(ended(await verify('--proof', file('forged.proof')), 1)).toContain(
    'the content is not the one that was recorded',
  );
});

test('redaction leaves all of them verified, and a change in the database does not', async () => {
  await gateway.data(
    `mutation ($slug: String!) {
      redactEvents(input: { workspace: $slug, subject: "gone" }) { redactedCount }
      recordEvent(input: { workspace: $slug, event: { id: "next", type: "a" } }) {
        receipt { status } } }`,
    { slug },
  );
  await proof('next');
  const since = ['--since', file('old.checkpoint')];
  const newer = ended(await atGateway('checkpoint', ...since));
  expect(newer.split('\n')[1]).toBe('5');
  ended(await atGateway('export', '--evidence', '-o', file('redacted.ndjson')));
  const against = ['--checkpoint', file('old.checkpoint'), '--export', file('redacted.ndjson')];
  expect(ended(await verify(...against))).toContain(
    '5 events are as they were recorded, 1 of them',
  );
  const change = (actor: string) =>
    gateway.db.upkeep.query(`update events set actor = nullif($1, '') where event_id = 'plain'`, [
      actor,
    ]);
  await change('mallory');
  try {
    const found =
      'the event at position 3 was changed: its content is not the one that was recorded';
    const old = ended(await verifyDatabase('--checkpoint', file('old.checkpoint')), 1);
    expect(old).toContain(`BROKEN: ${found}`);
    const all = ended(await verifyDatabase(), 1);
    expect(all).toContain(`BROKEN in ${slug}: the log is that of its tree: ${found}`);
  } finally {
    await change('');
  }
  expect(ended(await verifyDatabase())).toContain('every invariant holds');
});

test('every redaction is named by an act of the audit, and what an intruder took away by none', async () => {
  const ofAudit = (...args: string[]) =>
    sluice([...args, '--workspace', 'sluice'], { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY });
  const acts = ['--type', 'sluice.events.redacted'];
  ended(await ofAudit('export', '--evidence', '-o', file('acts.ndjson'), ...acts));
  const { verifierKey } = JSON.parse(ended(await atGateway('checkpoint', '--json'))) as {
    verifierKey: string;
  };
  const withActs = [
    ...['--checkpoint', file('old.checkpoint'), '--export', file('redacted.ndjson')],
    ...['--audit', file('acts.ndjson'), '--verifier-key', verifierKey],
  ];
  expect(ended(await verify(...withActs))).toContain(
    '1 of them without content, each by an act of the audit or expired',
  );
  const [line] = readFileSync(file('acts.ndjson'), 'utf8').split('\n');
  expect(JSON.parse(line!)).toMatchObject({ payload: { by: 'subject', positions: '2' } });
  writeFileSync(file('others.ndjson'), line!.replace('"positions":"2"', '"positions":"3"'));
  const forged = [...withActs, '--audit', file('others.ndjson')];
  expect(ended(await verify(...forged), 1)).toContain('payload is not the one that was recorded');

  // As redaction leaves an event, by somebody who has the database.
  const kept = await gateway.db.upkeep.query<{ salts: string; payload: string }>(
    `select encode(b.salts, 'hex') as salts, e.payload::text as payload
     from evidence_bundles b join events e on e.workspace_id = b.workspace_id and e.event_id = 'plain'`,
  );
  await gateway.db.upkeep.query(
    `with emptied as (
       update events set redacted_at = now(), payload = '{}', success = null, notify = false
       where event_id = 'plain' returning workspace_id
     ) update evidence_bundles b
     set salts = overlay(salts placing decode(repeat('00', 32), 'hex') from 65)
     from emptied where b.workspace_id = emptied.workspace_id`,
  );
  try {
    const found = 'it was redacted by no act of the audit';
    const old = ended(await verifyDatabase('--checkpoint', file('old.checkpoint')), 1);
    expect(old).toContain(`BROKEN: the event at position 3 was changed: ${found}`);
    ended(await atGateway('export', '--evidence', '-o', file('emptied.ndjson')));
    const emptied = [...withActs, '--export', file('emptied.ndjson')];
    expect(ended(await verify(...emptied), 1)).toContain(
      'the event at position 3 was redacted by no act of the audit',
    );
  } finally {
    await gateway.db.upkeep.query(
      `with filled as (
         update events set redacted_at = null, payload = $2::jsonb, success = false, notify = true
         where event_id = 'plain' returning workspace_id
       ) update evidence_bundles b set salts = decode($1, 'hex')
       from filled where b.workspace_id = filled.workspace_id`,
      [kept[0]!.salts, kept[0]!.payload],
    );
  }
  expect(ended(await verifyDatabase())).toContain('every invariant holds');
});

test('a replaced key signs what comes, and the old checkpoint still holds', async () => {
  ended(await sluice(['rotate-evidence-key'], { DATABASE_URL: gateway.databaseUrl }));
  ended(await verifyDatabase('--checkpoint', file('old.checkpoint')));
  const signer = async () => {
    const note = ended(await atGateway('checkpoint'));
    return note.split('\n')[4]!.slice(0, -80);
  };
  const before = readFileSync(file('old.checkpoint'), 'utf8').split('\n')[4]!.slice(0, -80);
  await expect.poll(signer, { timeout: 20_000, interval: 1_000 }).not.toBe(before);
});

test('a log that was rewritten with its tree is found by a reader who kept a checkpoint', async () => {
  for (const sql of [
    `update events set actor = 'eve' where event_id = 'late'`,
    'delete from evidence_tiles',
    'delete from evidence_bundles',
    'update evidence_logs set size = 0, built_recorded_at = null',
  ]) {
    await gateway.db.upkeep.query(sql);
  }
  await gateway.data(
    `mutation ($slug: String!) {
      recordEvent(input: { workspace: $slug, event: { id: "again", type: "a" } }) {
        receipt { status } } }`,
    { slug },
  );
  await proof('again');
  // By itself it is sound, and signed.
  expect(ended(await verifyDatabase())).toContain('every invariant holds');
  const since = await atGateway('checkpoint', '--since', file('old.checkpoint'));
  ended(since, 1);
  expect(since.err).toContain('the newer log does not continue the older one');
  const stored = ended(await verifyDatabase('--checkpoint', file('old.checkpoint')), 1);
  expect(stored).toContain('the first 4 events are not those of the checkpoint');
});

test('what cannot be done is said, with its exit code', async () => {
  const cases: [Ran, number, string][] = [
    [await atGateway('prove', 'nobody'), 1, 'There is no such event.'],
    [await atGateway('export', '--evidence', '--format', 'csv'), 2, '--evidence needs'],
    [await verify('--export', file('all.ndjson')), 2, '--export needs --checkpoint.'],
    [await verify('--checkpoint', file('all.ndjson')), 2, 'holds no checkpoint'],
    [await verify('--proof', file('nowhere')), 1, 'There is no file'],
    [await atGateway('checkpoint', '--verifier-key', 'x'), 1, 'not an Ed25519 key'],
  ];
  for (const [ran, code, message] of cases) {
    ended(ran, code);
    expect(`${ran.out}${ran.err}`).toContain(message);
  }
});
