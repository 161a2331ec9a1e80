import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

interface Receipt {
  readonly status: string;
  readonly eventId: string;
  readonly position: number;
  readonly cursor: string;
}

let gateway: TestGateway;
let receipts: Receipt[];
const folder = mkdtempSync(join(tmpdir(), 'sluice-receipts-'));
beforeAll(async () => {
  gateway = await startTestGateway();
  const { slug, key } = await gateway.workspace();
  const record = (events: string) =>
    gateway.data<{ recordEvents: { receipts: Receipt[] } }>(
      `mutation($slug: String!) { recordEvents(input: { workspace: $slug, events: [${events}] }) {
        receipts { status eventId position cursor } } }`,
      { slug },
      key,
    );
  const events = '{ id: "a", type: "t" }, { id: "b", type: "t" }, { id: "c", type: "t" }';
  const first = await record(`${events}, { type: " " }`);
  const second = await record(events);
  receipts = [first, second].flatMap(({ recordEvents }) => recordEvents.receipts);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `sluice verify --receipts` on lines, from a file or standard input. */
async function verify(lines: readonly (object | string)[], ...more: string[]) {
  const content = lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line)));
  const isPiped = more.includes('-');
  const file = join(folder, 'receipts.jsonl');
  writeFileSync(file, content.join('\n'));
  const args = ['verify', '--receipts', ...(isPiped ? more : [file, ...more])];
  const environment = { DATABASE_URL: gateway.databaseUrl };
  return sluice(args, environment, isPiped ? content.join('\n') : '');
}

test('receipts as the API gives them hold, and what was refused is left aside', async () => {
  const { out, code } = await verify(receipts);
  expect(out).toBe('6 receipts: 6 hold, 0 do not, 1 more say that nothing was recorded.\n');
  expect(code).toBe(0);
});

test('each that does not hold is named with what is there, and the exit code tells', async () => {
  const [a, b, c] = receipts as [Receipt, Receipt, Receipt];
  const lost = { ...a, eventId: 'never' };
  const moved = { ...b, position: 9 };
  const { out, code } = await verify(
    [a, lost, moved, 'nonsense', { ...c, workspace: 'none' }],
    '-',
  );
  expect(out.split('\n')).toEqual(
    expect.arrayContaining([
      'BROKEN line 2: event "never" was acknowledged at position 1, but is not there',
      'BROKEN line 3: event "b" was acknowledged at position 9, but is at 2',
      'BROKEN line 4: this is not a receipt in JSON',
      'BROKEN line 5: its workspace is unknown: set it with --workspace',
    ]),
  );
  expect(out).toContain('5 receipts: 1 hold, 4 do not.');
  expect(code).toBe(1);
});

test('an event that is stored twice, and one that retention removed, are told apart', async () => {
  const [a, b] = receipts as [Receipt, Receipt];
  const { db } = gateway;
  await db.upkeep.query(`update events set event_id = 'a' where event_id = 'c'`);
  await db.upkeep.query(
    `with cut as (delete from events where event_id = 'b' returning workspace_id, position)
     update workspace_marks m set tail = cut.position + 1 from cut where m.workspace_id = cut.workspace_id`,
  );
  const { out, code } = await verify([a, b]);
  expect(out).toContain('event "a" was acknowledged at position 1, but is at 1 and 3');
  expect(out).toContain('1 are of events that retention has removed');
  expect(code).toBe(1);
});
