/** `sluice verify --receipts`: a client's own receipts, a JSON line each, against a database. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { workspaceOfCursor } from '../core/cursor.ts';
import type { Pool } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { workspaces } from '../db/schema.ts';
import {
  RECEIPTS_AT_ONCE,
  verifyReceipts,
  type Finding,
  type GivenReceipt,
} from '../db/verify-receipts.ts';
import { withInstallation } from './database.ts';
import { printable, write } from './output.ts';

const WORKSPACE = columnsOf(workspaces);

export interface ReceiptsOptions {
  readonly receipts: string;
  readonly workspace?: string;
}

/** As the API gives it, or with the workspace's slug beside it. */
interface Line {
  readonly status: string;
  readonly eventId?: string | null;
  readonly id?: string | null;
  readonly position?: number | null;
  readonly cursor?: string | null;
  readonly workspace?: string | null;
}

interface Numbered extends GivenReceipt {
  readonly line: number;
}

const STORED = new Set(['RECORDED', 'DUPLICATE']);

/** Prints a line for each that does not hold, and a summary; exit code 1 when there is any. */
export async function verifyReceiptsOf(options: ReceiptsOptions): Promise<void> {
  const { receipts: file } = options;
  const input = file === '-' ? process.stdin : createReadStream(file);
  await withInstallation(async ({ upkeep }) => {
    const slugs = await slugsOf(upkeep);
    const tally = { hold: 0, expired: 0, broken: 0, aside: 0 };
    let batch: Numbered[] = [];
    async function check(): Promise<void> {
      const findings = await verifyReceipts(upkeep, batch);
      for (const [index, finding] of findings.entries()) {
        const receipt = batch[index] as Numbered;
        if (finding.verdict === 'HOLDS') tally.hold += 1;
        else if (finding.verdict === 'NO_LONGER_KEPT') tally.expired += 1;
        else await complain(receipt.line, sentenceOf(receipt, finding));
      }
      batch = [];
    }
    async function complain(line: number, text: string): Promise<void> {
      tally.broken += 1;
      await write(`${printable(`BROKEN line ${line}: ${text}`)}\n`);
    }
    let line = 0;
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      line += 1;
      if (text.trim() === '') continue;
      const read = readLine(text, slugs, options.workspace);
      if (read === null) tally.aside += 1;
      else if (typeof read === 'string') await complain(line, read);
      else batch.push({ ...read, line });
      if (batch.length >= RECEIPTS_AT_ONCE) await check();
    }
    await check();
    await write(summaryOf(tally));
    if (tally.broken > 0) process.exitCode = 1;
  });
}

async function slugsOf(upkeep: Pool): Promise<ReadonlyMap<string, number>> {
  const rows = await upkeep.query<Row<typeof workspaces, 'id' | 'slug'>>(
    sqlText`select ${WORKSPACE.id}, ${WORKSPACE.slug} from workspaces`,
  );
  return new Map(rows.map(({ id, slug }) => [slug, id]));
}

/** What to look for; null for an event that was not recorded; a sentence for what can't be read. */
function readLine(
  text: string,
  slugs: ReadonlyMap<string, number>,
  workspace: string | undefined,
): GivenReceipt | string | null {
  const receipt = parse(text);
  if (typeof receipt?.status !== 'string') return 'this is not a receipt in JSON';
  if (!STORED.has(receipt.status)) return null;
  const eventId = receipt.eventId ?? receipt.id;
  if (eventId == null || !Number.isSafeInteger(receipt.position)) {
    return 'a receipt of a recorded event has eventId and position';
  }
  const workspaceId = workspaceIdOf(receipt, slugs, workspace);
  if (workspaceId === undefined) return 'its workspace is unknown: set it with --workspace';
  return { workspaceId, eventId, position: receipt.position as number };
}

function parse(text: string): Line | null {
  try {
    return JSON.parse(text) as Line | null;
  } catch {
    return null;
  }
}

/** The slug that is named, else the cursor knows it, else the only one there is. */
function workspaceIdOf(
  { workspace, cursor }: Line,
  slugs: ReadonlyMap<string, number>,
  byDefault: string | undefined,
): number | undefined {
  const slug = workspace ?? byDefault;
  if (slug !== undefined) return slugs.get(slug.toLowerCase());
  if (cursor != null) return workspaceOfCursor(cursor) ?? undefined;
  return slugs.size === 1 ? [...slugs.values()][0] : undefined;
}

function sentenceOf({ eventId, position }: GivenReceipt, finding: Finding): string {
  const told = `event ${JSON.stringify(eventId)} was acknowledged at position ${position}`;
  if (finding.verdict !== 'ELSEWHERE') return `${told}, but is not there`;
  return `${told}, but is at ${finding.positions.join(' and ')}`;
}

function summaryOf(tally: Readonly<Record<'hold' | 'expired' | 'broken' | 'aside', number>>) {
  const { hold, expired, broken, aside } = tally;
  const parts = [
    `${hold + expired + broken} receipts: ${hold} hold, ${broken} do not`,
    ...(expired > 0 ? [`${expired} are of events that retention has removed`] : []),
    ...(aside > 0 ? [`${aside} more say that nothing was recorded`] : []),
  ];
  return `${parts.join(', ')}.\n`;
}
