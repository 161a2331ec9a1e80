/** What the audit says of redactions, for `verify-tree.ts`. */
import { AUDIT_WORKSPACE_ID } from '../core/audit.ts';
import { REDACTION_TYPE, RedactionActs } from '../core/redaction-acts.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { eventDefinitions, events, workspaceMarks } from '../db/schema.ts';

const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const MARKS = columnsOf(workspaceMarks);

/** Each holds up to a thousand positions. */
const ACTS_AT_ONCE = 500;

export interface KnownActs {
  readonly acts: RedactionActs;
  /** The audit is there, and retention removed nothing of it. */
  readonly isWhole: boolean;
}

export async function readActs(connection: Connection, workspaceId: number): Promise<KnownActs> {
  const acts = new RedactionActs();
  const audit = { workspaceId: AUDIT_WORKSPACE_ID, type: REDACTION_TYPE };
  for (let after = 0, isMore = true; isMore;) {
    const rows = await connection.query<Row<typeof events, 'position' | 'payload'>>(
      sqlText`select ${e.position}, ${e.payload} from event_definitions d join events e
         on ${e.workspace_id} = ${d.workspace_id} and ${e.definition_id} = ${d.id}
       where ${d.workspace_id} = $1 and ${d.name} = $2 and ${e.position} > $3
         and ${e.payload} ->> 'workspaceId' = $4
       order by ${e.position} limit ${ACTS_AT_ONCE}`,
      [AUDIT_WORKSPACE_ID, REDACTION_TYPE, after, String(workspaceId)],
    );
    for (const { position, payload } of rows) {
      acts.add(audit, JSON.parse(payload));
      after = position;
    }
    isMore = rows.length === ACTS_AT_ONCE;
  }
  const [marks] = await connection.query<Row<typeof workspaceMarks, 'tail'>>(
    sqlText`select ${MARKS.tail} from workspace_marks where ${MARKS.workspace_id} = $1`,
    [AUDIT_WORKSPACE_ID],
  );
  return { acts, isWhole: marks?.tail === 1 };
}
