import type { Connection } from '../db/client.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import { eventKeys } from '../db/schema.ts';
import type { Draft } from './draft.ts';
import type { Outcome } from './submission.ts';

const k = columnsOf(eventKeys, 'k');

/**
 * Looks up the ids of events that are about to be refused, since one may be a retry of a recorded
 * event: it gets its first answer, even if its definition has changed since.
 */
export async function findKnown(
  write: Connection,
  workspaceId: number,
  drafts: readonly Draft[],
): Promise<Map<Draft, Outcome>> {
  const byKey = new Map<string, Draft>();
  for (const draft of drafts) {
    if (draft.input.id != null && draft.event !== null) byKey.set(draft.event.key, draft);
  }
  if (byKey.size === 0) return new Map();
  const rows = await write.query<
    Row<typeof eventKeys, 'key' | 'position' | 'recorded_at' | 'hash'>
  >(
    sqlText`select ${k.key}, ${k.position}, ${k.recorded_at}, ${k.hash}
     from json_array_elements_text($2::text::json) as given (key)
     join event_keys k on ${k.workspace_id} = $1 and ${k.key} = given.key::uuid`,
    [workspaceId, JSON.stringify([...byKey.keys()])],
    { tenant: workspaceId },
  );
  return new Map(
    rows.map(({ key, hash, position, recorded_at }) => {
      const draft = byKey.get(key) as Draft;
      const status = hash === draft.event?.hash ? 'DUPLICATE' : 'CONFLICT';
      return [draft, { status, position, recordedAt: recorded_at }];
    }),
  );
}
