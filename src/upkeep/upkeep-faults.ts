/**
 * Upkeep works on all workspaces, a piece of one at a time. What fails for the data of one of them is
 * noted in `upkeep_faults`: the step passes that workspace over for a while, and goes on with the
 * others. Whoever does the step again with success takes the note away.
 */
import { UPKEEP_STEPS, type UpkeepStep } from '../core/gateway-status.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, rawSql, type Row, type SqlText, sqlText } from '../db/columns.ts';
import { measureFills, meters, upkeepFaults, workspaces } from '../db/schema.ts';
import { codeOf, isConnectionLost, isSerializationFailure, SQLSTATE } from '../db/sqlstate.ts';

const f = columnsOf(upkeepFaults, 'f');
const noted = columnsOf(upkeepFaults, 'noted');
const w = columnsOf(workspaces, 'w');
const fill = columnsOf(measureFills, 'f');
const t = columnsOf(meters, 't');
const FAULT = columnsOf(upkeepFaults);
const WORKSPACE = columnsOf(workspaces);

/** As pino has it. */
export interface FaultLogger {
  warn(facts: object, message: string): void;
}

export interface FaultOptions {
  readonly upkeep: Pool;
  readonly logger: FaultLogger;
}

/** Seconds until the first try after a fault; doubled with each one that fails too. */
const RETRY_MIN_S = 10;
const RETRY_MAX_S = 600;
/** A step that has nothing to do any more takes no note away: this does. */
const FORGOTTEN_AFTER_S = 3_600;

/** A step failed for one workspace; its transaction is rolled back. */
export class WorkspaceFault extends Error {
  override readonly name = 'WorkspaceFault';
  readonly workspaceId: number;
  readonly step: UpkeepStep;

  constructor(workspaceId: number, step: UpkeepStep, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${step} failed for workspace ${workspaceId}: ${why}`, { cause });
    this.workspaceId = workspaceId;
    this.step = step;
  }
}

/**
 * Whether an error may come from the data of what was worked on. An outage, a full disk and a
 * transaction that lost against another say nothing of it.
 */
export function isOfWorkspace(error: unknown): boolean {
  const code = codeOf(error);
  const isOutage = /^(53|57P|58)/.test(code) || code === SQLSTATE.readOnlyTransaction;
  return !isOutage && !isConnectionLost(error) && !isSerializationFailure(error);
}

/** Does a step for one workspace. @throws WorkspaceFault, or an error that is nobody's */
export async function ofWorkspace<T>(
  workspaceId: number,
  step: UpkeepStep,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isOfWorkspace(error) ? new WorkspaceFault(workspaceId, step, error) : error;
  }
}

/** The same for work that may fail for any workspace: a fault is noted, and undefined returned. */
export async function notingFaults<T>(
  options: FaultOptions,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WorkspaceFault)) throw error;
    await noteFault(options, error);
    return undefined;
  }
}

export async function noteFault(
  { upkeep, logger }: FaultOptions,
  { workspaceId, step, message, cause }: WorkspaceFault,
): Promise<void> {
  const [row] = await upkeep.query<Row<typeof upkeepFaults, 'tries' | 'retry_at'>>(NOTE_SQL, [
    ...[workspaceId, step, cause instanceof Error ? cause.message : message],
    ...[RETRY_MIN_S, RETRY_MAX_S],
  ]);
  logger.warn(
    { workspaceId, step, tries: row?.tries, retryAt: row?.retry_at, err: cause },
    'upkeep failed for one workspace, goes on with the others and tries again',
  );
}

/** Of a workspace that is no more there is nothing to note. */
const NOTE_SQL = sqlText`
  insert into upkeep_faults as f (${FAULT.workspace_id}, ${FAULT.step}, ${FAULT.message}, ${FAULT.retry_at})
  select ${WORKSPACE.id}, $2, left($3, 500), now() + make_interval(secs => $4::float8) from workspaces where ${WORKSPACE.id} = $1
  on conflict (${FAULT.workspace_id}, ${FAULT.step}) do update set
    ${FAULT.tries} = ${f.tries} + 1, ${FAULT.message} = excluded.${FAULT.message},
    ${FAULT.retry_at} = now() + make_interval(secs => least($5::float8, $4::float8 * 2 ^ least(${f.tries}, 20)))
  returning ${FAULT.tries}, ${FAULT.retry_at}`;

export async function clearFault(
  connection: Connection,
  workspaceId: number,
  step: UpkeepStep,
): Promise<void> {
  await connection.query(
    sqlText`delete from upkeep_faults where ${FAULT.workspace_id} = $1 and ${FAULT.step} = $2`,
    [workspaceId, step],
  );
}

/** Takes notes away of which nothing is left to try. */
export async function forgetFaults(upkeep: Connection): Promise<void> {
  await upkeep.query(
    sqlText`delete from upkeep_faults where ${FAULT.retry_at} < now() - make_interval(secs => $1::float8)`,
    [FORGOTTEN_AFTER_S],
  );
}

/** Whether a step may try this workspace, an expression of SQL. */
export function isClearSql(step: UpkeepStep, workspaceId: SqlText): SqlText {
  return sqlText`not exists (
    select from upkeep_faults noted
    where ${noted.workspace_id} = ${workspaceId} and ${noted.step} = '${rawSql(step)}' and ${noted.retry_at} > now())`;
}

export interface FaultFigures {
  /** How many workspaces each step fails for. */
  readonly faults: Readonly<Record<UpkeepStep, number>>;
  readonly measuresSetAside: number;
  readonly metersFailing: number;
}

export const NO_FAULTS: FaultFigures = {
  faults: { FOLD: 0, DAYS: 0, FILL: 0, DROP: 0, EVIDENCE: 0, SEARCH: 0, EXPIRY: 0, RETENTION: 0 },
  measuresSetAside: 0,
  metersFailing: 0,
};

export async function countFaults(upkeep: Connection): Promise<FaultFigures> {
  const found = await upkeep.query<{ step: UpkeepStep | 'METERS' | null; n: number }>(
    sqlText`select ${f.step}, count(*) as n
     from upkeep_faults f join workspaces w on ${w.id} = ${f.workspace_id} group by ${f.step}
     union all
     select null, count(*) from measure_fills f join workspaces w on ${w.id} = ${fill.workspace_id}
     where ${fill.set_aside_at} is not null and not ${fill.dropped}
     union all
     select 'METERS', count(*) from meters t join workspaces w on ${w.id} = ${t.workspace_id}
     where ${t.fault} is not null and ${t.deleted_at} is null`,
  );
  const counts = new Map(found.map(({ step, n }) => [step, n]));
  const faults = { ...NO_FAULTS.faults };
  for (const step of UPKEEP_STEPS) faults[step] = counts.get(step) ?? 0;
  return {
    faults,
    measuresSetAside: counts.get(null) ?? 0,
    metersFailing: counts.get('METERS') ?? 0,
  };
}
