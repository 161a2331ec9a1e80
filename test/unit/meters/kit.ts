import type { AggregatePage, AggregateQuery } from '../../../src/core/aggregate.ts';
import type { NewMeter } from '../../../src/core/meter.ts';
import type { Connection, Database } from '../../../src/db/client.ts';
import { createMeterAdmin } from '../../../src/meters/meter-admin.ts';
import { createAggregateReader } from '../../../src/read/aggregates.ts';
import { createFold, type Fold } from '../../../src/rollup/fold.ts';
import { unaudited } from '../../kit/unaudited.ts';
import type { OracleRow } from '../read/aggregate-oracle.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const COUNT_ALL: AggregateQuery = {
  filter: null,
  timeframe: { last: DAY },
  granularity: null,
  timeZone: null,
  groupBy: [],
  measures: [],
  fill: 'NONE',
  orderBy: 'BUCKET',
};

export const A_METER: NewMeter = {
  name: 'meter',
  filter: null,
  groupBy: [],
  measures: [],
  seriesMax: 1_000,
};

let meters = 0;

/** Made as the API makes it, by nobody. */
export function makeMeter(
  database: Database,
  workspaceId: number,
  meter: Partial<NewMeter>,
): Promise<number> {
  const admin = createMeterAdmin({
    write: database.write,
    audited: unaudited,
    onChanged: () => {},
  });
  return admin.create(workspaceId, { ...A_METER, name: `meter ${++meters}`, ...meter }, null);
}

export interface Parts {
  readonly fold: Fold;
  readonly reader: ReturnType<typeof createAggregateReader>;
}

/** All parts at one time of day. */
export function partsAt(
  database: Database,
  nowMs: number,
  { warnings = [], read = database.read }: { warnings?: object[]; read?: Connection } = {},
): Parts {
  const logger = { warn: (facts: object) => void warnings.push(facts) };
  return {
    fold: createFold({ upkeep: database.upkeep, logger, nowMs: () => nowMs }),
    reader: createAggregateReader({ read, epoch: 'test', nowMs: () => nowMs }),
  };
}

/** A fold whose process dies at its statement of this number. */
export function mortalFold(database: Database, nowMs: number, dieAt: number): Fold {
  let n = 0;
  return createFold({
    upkeep: {
      ...database.upkeep,
      hold: use =>
        database.upkeep.hold(connection =>
          use({
            ...connection,
            async query(text, ...rest) {
              // Nothing that it does afterwards counts.
              if (text !== 'rollback' && ++n >= dieAt) throw new Error('killed');
              return connection.query(text, ...rest);
            },
          }),
        ),
    },
    logger: { warn: () => {} },
    nowMs: () => nowMs,
  });
}

export const round = (value: number) => Number(value.toPrecision(12)) + 0;

export function shown(page: AggregatePage): OracleRow[] {
  return page.items.map(({ start, end, group, count, measures }) => ({
    start: start.getTime(),
    end: end.getTime(),
    group: group.map(({ value }) => value),
    count,
    measures: measures.map(({ value }) => (value === null ? null : round(value))),
  }));
}

export function rounded(rows: readonly OracleRow[]): OracleRow[] {
  return rows.map(row => ({
    ...row,
    measures: row.measures.map(value => (value === null ? null : round(value))),
  }));
}
