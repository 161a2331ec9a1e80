import { statfs } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { VERSION } from '../config.ts';
import type { StatusReader } from '../core/gateway-status.ts';
import type { Connection } from '../db/connection.ts';
import type { Live } from '../live/live.ts';
import { readStorageUse } from '../read/storage.ts';
import { readUpkeepStatus } from '../read/upkeep-status.ts';
import type { Writers } from '../record/writers.ts';

interface StatusOptions {
  readonly read: Connection;
  readonly config: Pick<Config, 'databaseUrl' | 'dataDir'>;
  readonly writers: Pick<Writers, 'depth'>;
  readonly live: Pick<Live, 'stats'>;
}

/** How this process does, and what its database takes. */
export function createStatus({ read, config, writers, live }: StatusOptions): StatusReader {
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
