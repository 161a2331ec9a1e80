import { sql } from 'drizzle-orm';
import type { NotificationSettings } from '../core/notification.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import {
  consumers,
  deliveries,
  notificationRules,
  notifications,
  workspaceHeads,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import { openChannels, thresholdOf, type RuleName } from './rule-state.ts';

const r = columnsOf(notificationRules, 'r');
const c = columnsOf(consumers, 'c');
const d = columnsOf(deliveries, 'd');
const h = columnsOf(workspaceHeads, 'h');
const m = columnsOf(workspaceMarks, 'm');
const n = columnsOf(notifications, 'n');
const w = columnsOf(workspaces, 'w');

/** A rule that has something to do. */
export interface ActiveRule extends RuleName {
  readonly name: string;
}

type ActiveRow = Row<typeof notificationRules, 'workspace_id' | 'consumer_id'> & {
  readonly name: string;
};

/** Whether there is a rule, or a browser for which one may have to be made. */
export async function hasRules(read: Connection): Promise<boolean> {
  const [row] = await rows<{ readonly any: boolean }>(
    read,
    sql`select exists (select from notification_rules) or exists (select from push_subscriptions) as any`,
  );
  return row?.any === true;
}

/**
 * Active rules that have something to do: events that they have not looked at, deliveries or
 * notifications that are due, or a time that has come. One that retention has passed waits for
 * somebody to seek.
 */
export async function readDueRules(read: Connection): Promise<ActiveRule[]> {
  const ofConsumer = sql`${d.workspace_id} = ${r.workspace_id} and ${d.consumer_id} = ${r.consumer_id}`;
  const ofRule = sql`${n.workspace_id} = ${r.workspace_id} and ${n.consumer_id} = ${r.consumer_id}`;
  const found = await rows<ActiveRow>(
    read,
    sql`select ${r.workspace_id}, ${r.consumer_id}, ${c.name}
      from notification_rules r join consumers c
        on ${c.workspace_id} = ${r.workspace_id} and ${c.id} = ${r.consumer_id}
      join workspaces w on ${w.id} = ${r.workspace_id}
      left join workspace_marks m on ${m.workspace_id} = ${r.workspace_id}
      left join lateral (
        select ${h.head} from workspace_heads h where ${h.workspace_id} = ${r.workspace_id}
        order by ${h.head} desc limit 1
      ) h on true
      where ${c.paused_at} is null and (
        ${h.head} > ${c.scanned} and ${c.scanned} + 1 >= coalesce(${m.tail}, 1)
        or ${r.flush_at} <= now() or ${r.judge_at} <= now()
        or exists (select from notifications n where ${ofRule} and ${n.due_at} <= now())
        or exists (select from deliveries d where ${ofConsumer} and ${d.position} > ${c.settled}
          and ${d.parked_at} is null and ${d.due_at} <= now()))`,
  );
  return found.map(({ workspace_id: workspaceId, consumer_id: consumerId, name }) => ({
    workspaceId,
    consumerId,
    name,
  }));
}

/** What is said and where it goes, as it is now. */
export interface RulePlan extends RuleName, NotificationSettings {
  readonly name: string;
  /** Slug of the workspace. */
  readonly workspace: string;
}

type PlanRow = Row<
  typeof notificationRules,
  'channels' | 'quiet_ms' | 'threshold_comparison' | 'threshold_count' | 'threshold_ms'
> & { readonly name: string; readonly slug: string };

/** Null where it is no more, or is disabled. */
export async function readRulePlan(
  read: Connection,
  box: SecretCipher,
  { workspaceId, consumerId }: RuleName,
): Promise<RulePlan | null> {
  const [row] = await rows<PlanRow>(
    read,
    sql`select ${r.channels}, ${r.quiet_ms}, ${r.threshold_comparison}, ${r.threshold_count},
        ${r.threshold_ms}, ${c.name}, ${w.slug}
      from notification_rules r join consumers c
        on ${c.workspace_id} = ${r.workspace_id} and ${c.id} = ${r.consumer_id}
      join workspaces w on ${w.id} = ${r.workspace_id}
      where ${r.workspace_id} = ${workspaceId} and ${r.consumer_id} = ${consumerId}
        and ${c.paused_at} is null`,
  );
  if (row === undefined) return null;
  return {
    workspaceId,
    consumerId,
    name: row.name,
    workspace: row.slug,
    channels: openChannels(box, workspaceId, row.channels),
    quietMs: row.quiet_ms,
    threshold: thresholdOf(row),
  };
}
