/**
 * The rule that every workspace begins with: events that ask for it (`notify: true`) go to all
 * browsers that may read them. It is made when there is a first such browser, and begins with the
 * events that were recorded since that was saved. Whoever deletes it is rid of it.
 */
import { type SQL, sql } from 'drizzle-orm';
import { AUDIT_WORKSPACE_ID } from '../core/audit.ts';
import { GatewayError } from '../core/errors.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { apiKeys, pushSubscriptions, workspaceMarks, workspaces } from '../db/schema.ts';
import type { NewRule, RuleAdmin } from './rule-admin.ts';
import { mayRead } from './subscriptions.ts';

const w = columnsOf(workspaces, 'w');
const m = columnsOf(workspaceMarks, 'm');
const s = columnsOf(pushSubscriptions, 's');
const k = columnsOf(apiKeys, 'k');
const MARKS = columnsOf(workspaceMarks);

const RULE: Omit<NewRule, 'name'> = {
  filter: { notify: true },
  channels: [{ kind: 'WEB_PUSH' }],
  quietMs: 0,
  threshold: null,
  isEnabled: true,
};
/** The second where somebody has the first. */
const NAMES = ['notify', 'notify browsers', 'notify browsers of events'];
/** At once. */
const WORKSPACES_MAX = 10;

interface DueRow {
  readonly id: number;
  readonly since: Date;
}

/** How many workspaces had theirs made. */
export async function makeDefaultRules(
  read: Connection,
  write: Connection,
  admin: Pick<RuleAdmin, 'create'>,
): Promise<number> {
  const due = await rows<DueRow>(
    read,
    sql`select ${w.id}, min(${s.created_at}) as since
      from push_subscriptions s join api_keys k on ${k.id} = ${s.key_id}
      join workspaces w on ${w.id} <> ${AUDIT_WORKSPACE_ID} and ${mayRead(sql`${w.id}`)}
      join workspace_marks m on ${m.workspace_id} = ${w.id} and not ${m.rules_begun}
      group by ${w.id} order by ${w.id} limit ${WORKSPACES_MAX}`,
  );
  const made = await Promise.allSettled(due.map(each => make(write, admin, each)));
  // The others have theirs all the same: this one is tried again at the next look.
  const failed = made.find(each => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return due.length;
}

/** One of several gateways makes it: whoever marks the workspace first. */
async function make(
  write: Connection,
  admin: Pick<RuleAdmin, 'create'>,
  { id, since }: DueRow,
): Promise<void> {
  const claim = async (connection: Connection) => {
    const marked = await rows(
      connection,
      sql`${markSql(id)} and not ${MARKS.rules_begun} returning 1`,
    );
    if (marked.length === 0) throw new MadeElsewhere();
  };
  for (const name of NAMES) {
    try {
      await admin.create(id, { ...RULE, name }, null, { from: { at: since }, claim });
      return;
    } catch (error) {
      if (error instanceof MadeElsewhere) return;
      const code = error instanceof GatewayError ? error.code : '';
      // It has as many consumers as it may: then it has none of ours.
      if (code === 'CONSUMER_LIMIT') return void (await rows(write, markSql(id)));
      // Deleted meanwhile.
      if (code === 'NOT_FOUND') return;
      if (code !== 'CONFLICT') throw error;
    }
  }
}

function markSql(workspaceId: number): SQL {
  return sql`update workspace_marks set ${MARKS.rules_begun} = true
    where ${MARKS.workspace_id} = ${workspaceId}`;
}

class MadeElsewhere extends Error {}
