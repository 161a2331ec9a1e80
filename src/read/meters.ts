/** How a row of `meters` becomes a `Meter`, and the ways to find some. */
import { type SQL, sql } from 'drizzle-orm';
import type { EventGroupKey, EventMeasure } from '../core/aggregate.ts';
import { decodeCursor, encodeCursor } from '../core/cursor.ts';
import { readFilter } from '../core/filter-text.ts';
import type { Meter } from '../core/meter.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import { isStorableText } from '../core/text.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { meters, workspaceMarks } from '../db/schema.ts';
import { intArray } from '../db/sql-lists.ts';
import { readList, textPlace } from './lists.ts';

const m = columnsOf(meters, 'm');
const k = columnsOf(workspaceMarks, 'k');

export interface MeterRow {
  readonly workspace_id: number;
  readonly id: number;
  readonly name: string;
  readonly filter: string | null;
  readonly group_by: string;
  readonly measures: string;
  readonly series_max: number;
  readonly series_count: number;
  readonly overflowed: boolean;
  readonly values_cut: boolean;
  readonly set_aside: readonly number[];
  readonly folded: number;
  readonly target: number;
  readonly is_active: boolean;
  readonly fault: string | null;
  readonly failed_at: Date | null;
  readonly created_at: Date;
}

/** Over `m` the meter, and `k` the marks of its workspace. */
export const meterColumns: SQL = sql.raw(
  sqlText`${m.workspace_id}, ${m.id}, ${m.name}, ${m.filter}, ${m.group_by}, ${m.measures}, ${m.series_max}, ${m.series_count}, ${m.overflowed}, ${m.values_cut}, ${m.set_aside}, ${m.folded}, greatest(coalesce(${k.folded}, 0), ${m.folded}) as target, ${m.active_at} is not null as is_active, ${m.fault}, ${m.failed_at}, ${m.created_at}`,
);

export const meterSource = sql.raw(
  sqlText`meters m left join workspace_marks k on ${k.workspace_id} = ${m.workspace_id}`,
);

export function toMeter(row: MeterRow): Meter {
  return {
    workspaceId: row.workspace_id,
    id: row.id,
    name: row.name,
    filter: row.filter === null ? null : readFilter(row.filter),
    filterText: row.filter,
    groupBy: JSON.parse(row.group_by) as EventGroupKey[],
    measures: JSON.parse(row.measures) as EventMeasure[],
    seriesMax: row.series_max,
    seriesCount: row.series_count,
    isOverflowed: row.overflowed,
    isCut: row.values_cut,
    setAside: row.set_aside,
    folded: row.folded,
    target: row.target,
    isActive: row.is_active,
    fault: row.fault,
    failedAt: row.failed_at,
    createdAt: row.created_at,
  };
}

export interface MeterReader {
  /** By name, in code point order. */
  page(workspaceId: number, args: PageArgs): Promise<Page<Meter>>;
  /** In the order of what was asked, null where there is none. */
  byIds(workspaceId: number, ids: readonly number[]): Promise<(Meter | null)[]>;
  byName(workspaceId: number, name: string): Promise<Meter | null>;
}

const NAME_FIELD = 'meters.name';

export function meterCursor({ workspaceId, name }: Meter): string {
  return encodeCursor(NAME_FIELD, workspaceId, [name]);
}

const isThere = sql.raw(sqlText`${m.deleted_at} is null`);

export function createMeterReader(read: Connection): MeterReader {
  return {
    async page(workspaceId, args) {
      const page = await readList<MeterRow>(read, {
        columns: meterColumns,
        from: meterSource,
        where: sql`${m.workspace_id} = ${workspaceId} and ${isThere}`,
        key: [sql`${m.name}`],
        placeOf: cursor => textPlace(decodeCursor(cursor, NAME_FIELD, workspaceId)),
        request: checkPageArgs(args),
      });
      return { ...page, items: page.items.map(toMeter) };
    },
    async byIds(workspaceId, ids) {
      const found = await selectMeters(read, workspaceId, sql`${m.id} = any(${intArray(ids)})`);
      const byId = new Map(found.map(meter => [meter.id, meter]));
      return ids.map(id => byId.get(id) ?? null);
    },
    async byName(workspaceId, name) {
      if (!isStorableText(name)) return null;
      const [found] = await selectMeters(read, workspaceId, sql`${m.name} = ${name}`);
      return found ?? null;
    },
  };
}

/** Those of a workspace, but for those that are being taken away. */
export async function selectMeters(
  read: Connection,
  workspaceId: number,
  where: SQL = sql`true`,
): Promise<Meter[]> {
  const found = await rows<MeterRow>(
    read,
    sql`select ${meterColumns} from ${meterSource}
      where ${m.workspace_id} = ${workspaceId} and ${isThere} and ${where}`,
  );
  return found.map(toMeter);
}
