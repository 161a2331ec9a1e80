import { statfs } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { VERSION } from '../config/version.ts';
import type { StatusReader } from '../core/gateway-status.ts';
import type { Connection } from '../db/connection.ts';
import type { Live } from '../live/live.ts';
import type { Metrics } from '../observability/metrics.ts';
import { readRecordings } from '../read/recent-recordings.ts';
import { readStorageUse } from '../read/storage.ts';
import { readUpkeepStatus } from '../read/upkeep-status.ts';
import type { Writers } from '../record/writers.ts';

interface StatusOptions {
  readonly read: Connection;
  readonly config: Pick<Config, 'databaseUrl' | 'dataDir'>;
  readonly writers: Pick<Writers, 'depth'>;
  readonly live: Pick<Live, 'stats'>;
  readonly metrics: Pick<Metrics, 'refusals'>;
}

/** How this process does, and what its database takes. */
export function createStatus(options: StatusOptions): StatusReader {
  const { read, config, writers, live, metrics } = options;
  const startedAt = new Date();
  return {
    gateway() {
      const { subscribers, catchingUp, lagEvents, lagMs } = live.stats();
      return {
        version: VERSION,
        startedAt,
        waitingEvents: writers.depth,
        streams: { open: subscribers, catchingUp, lagEvents, lagMs },
      };
    },
    async storage() {
      const [use, freeBytes] = await Promise.all([
        readStorageUse(read, new Date()),
        // A server of its own may have its data anywhere.
        config.databaseUrl === null ? freeBytesAt(config.dataDir) : null,
      ]);
      return { ...use, freeBytes };
    },
    upkeep: () => readUpkeepStatus(read),
    refusals: () => metrics.refusals(),
    recordings: workspaceId => readRecordings(read, workspaceId),
  };
}

async function freeBytesAt(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}
