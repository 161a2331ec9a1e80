/**
 * Meters are counted on in two ways. Those that have come as far as the rollups are counted with each
 * batch of the fold, in its transaction. Those that are behind, since they are new or a piece of them
 * failed, are counted a range at a time until they have come as far. What fails for one meter is
 * noted on it, and keeps neither the fold nor another meter waiting.
 */
import { type SQL, sql } from 'drizzle-orm';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { meters, workspaceMarks } from '../db/schema.ts';
import type { MeterSpan } from './count-sql.ts';
import { countSpan, readInstants } from './count.ts';
import { inScope, mayTry, type MeterScope, type MeterWork, ofMeter, selectWork } from './work.ts';

const m = columnsOf(meters, 'm');
const k = columnsOf(workspaceMarks, 'k');

/** The events that a batch of the fold counts of one workspace. */
export interface FoldedSpan {
  readonly workspaceId: number;
  readonly after: number;
  readonly upto: number;
  /** No event of the span was recorded later. */
  readonly headAt: Date;
}

/** A batch holds the fold for no longer: who is left is behind, and its turn comes. */
const BATCH_METERS_MAX = 200;
const BATCH_MS_MAX = 1_500;
/** Of one statement in a batch, and of one that is alone in its transaction. */
const BATCH_STATEMENT_MS_MAX = 5_000;
const STATEMENT_MS_MAX = 10_000;
/** Events of a range. */
const RANGE_EVENTS_MAX = 20_000;

export interface MeterFault {
  readonly workspaceId: number;
  readonly meter: string;
  readonly error: unknown;
}

const isThere = sql`${m.deleted_at} is null`;

/** Counts these spans into the meters that have come as far; before the marks move. */
export async function advanceMeters(
  connection: Connection,
  spans: readonly FoldedSpan[],
  elapsedMs: () => number,
): Promise<MeterFault[]> {
  const byWorkspace = new Map(spans.map(span => [span.workspaceId, span]));
  const behind = await selectWork(connection, {
    where: sql`${inScope([...byWorkspace.keys()])} and ${isThere} and ${m.active_at} is not null
      and ${m.folded} = coalesce(${k.folded}, 0) and ${sql.raw(mayTry)}`,
    limit: BATCH_METERS_MAX,
    order: sql`${m.workspace_id}, ${m.id}`,
  });
  const startedMs = elapsedMs();
  const faults: MeterFault[] = [];
  const known = new Map<string, readonly number[]>();
  for (const meter of behind) {
    const folded = byWorkspace.get(meter.workspaceId);
    if (folded === undefined || folded.after !== meter.folded) continue;
    if (elapsedMs() - startedMs > BATCH_MS_MAX) break;
    const { after, upto, headAt } = folded;
    const span = { after, upto, since: meter.foldedAt, until: headAt.toISOString() };
    const count = async (own: Connection) => {
      const key = `${meter.workspaceId} ${span.since}`;
      const instants = known.get(key) ?? (await readInstants(own, meter.workspaceId, span));
      known.set(key, instants);
      await countSpan(own, meter, { span, instants, isFilled: true });
    };
    const error = await ofMeter(connection, meter, count, BATCH_STATEMENT_MS_MAX);
    if (error !== null) faults.push(faultOf(meter, error));
  }
  return faults;
}

function faultOf({ workspaceId, name }: MeterWork, error: unknown): MeterFault {
  return { workspaceId, meter: name, error };
}

export interface MeterStep {
  readonly isMore: boolean;
  readonly fault: MeterFault | null;
}

export const NO_STEP: MeterStep = { isMore: false, fault: null };

/**
 * Counts a range of one meter that is behind; no more is left when there was none.
 * @param fills whether those count that do not answer yet
 */
export async function catchUpNext(
  connection: Connection,
  scope: MeterScope,
  fills: boolean,
): Promise<MeterStep> {
  const where = fills
    ? sql`(${m.folded} < coalesce(${k.folded}, 0) or ${m.active_at} is null)`
    : sql`${m.folded} < coalesce(${k.folded}, 0) and ${m.active_at} is not null`;
  return stepOf(connection, scope, { where, work: catchUp });
}

interface Step {
  readonly where: SQL;
  /** What SQL can't tell of it. */
  readonly isDue?: (meter: MeterWork) => boolean;
  readonly work: (connection: Connection, meter: MeterWork) => Promise<void>;
}

/** Looked at in one turn. */
const DUE_MAX = 100;

/** Does some work of the meter whose turn it is. */
export async function stepOf(
  connection: Connection,
  scope: MeterScope,
  { where, isDue, work }: Step,
): Promise<MeterStep> {
  const found = await selectWork(connection, {
    where: sql`${inScope(scope)} and ${isThere} and ${sql.raw(mayTry)} and ${where}`,
    limit: isDue === undefined ? 1 : DUE_MAX,
  });
  const meter = isDue === undefined ? found[0] : found.find(isDue);
  if (meter === undefined) return NO_STEP;
  const error = await ofMeter(connection, meter, own => work(own, meter), STATEMENT_MS_MAX);
  return { isMore: true, fault: error === null ? null : faultOf(meter, error) };
}

/** A meter that failed is tried with fewer events: it may have run into a limit. */
async function catchUp(connection: Connection, meter: MeterWork): Promise<void> {
  const range = Math.ceil(RANGE_EVENTS_MAX / 2 ** Math.min(meter.tries, 8));
  const after = Math.max(meter.folded, meter.tail - 1);
  const upto = Math.min(meter.rolledUp, after + range);
  const span: MeterSpan = { after, upto, since: meter.foldedAt, until: meter.rolledUpAt };
  const instants = after < upto ? await readInstants(connection, meter.workspaceId, span) : [];
  const isFilled = upto >= meter.rolledUp;
  await countSpan(connection, meter, { span: { ...span, upto }, instants, isFilled });
}
