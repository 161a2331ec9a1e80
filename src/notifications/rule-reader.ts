/** What is kept of notification rules, for those who look and for the worker. */
import { sql, type SQL } from 'drizzle-orm';
import { decodeCursor, encodeCursor } from '../core/cursor.ts';
import type { NotificationRule } from '../core/notification.ts';
import { checkPageArgs, type Page, type PageArgs } from '../core/page.ts';
import { isStorableText } from '../core/text.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { consumers, notificationRules, notifications } from '../db/schema.ts';
import { intArray } from '../db/sql-lists.ts';
import { readList, textPlace } from '../read/lists.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import { openChannels, thresholdOf } from './rule-state.ts';

const r = columnsOf(notificationRules, 'r');
const c = columnsOf(consumers, 'c');
const n = columnsOf(notifications, 'n');

export interface RuleReader {
  /** By name, in code point order. */
  page(workspaceId: number, args: PageArgs): Promise<Page<NotificationRule>>;
  /** In the order of what was asked, null where there is none. */
  byIds(workspaceId: number, consumerIds: readonly number[]): Promise<(NotificationRule | null)[]>;
  byName(workspaceId: number, name: string): Promise<NotificationRule | null>;
}

const NAME_FIELD = 'notificationRules.name';

export function ruleCursor({ workspaceId, name }: NotificationRule): string {
  return encodeCursor(NAME_FIELD, workspaceId, [name]);
}

type RuleRow = Row<
  typeof notificationRules,
  | 'workspace_id'
  | 'consumer_id'
  | 'channels'
  | 'quiet_ms'
  | 'threshold_comparison'
  | 'threshold_count'
  | 'threshold_ms'
  | 'last_notified_at'
  | 'last_error'
> & {
  readonly name: string;
  readonly filter_text: string | null;
  readonly is_enabled: boolean;
  readonly waiting: number;
};

const columns = sql`${r.workspace_id}, ${r.consumer_id}, ${r.channels}, ${r.quiet_ms},
  ${r.threshold_comparison}, ${r.threshold_count}, ${r.threshold_ms}, ${r.last_notified_at},
  ${r.last_error}, ${c.name}, ${c.filter} as filter_text, ${c.paused_at} is null as is_enabled,
  (select count(*)::int from notifications n where ${n.workspace_id} = ${r.workspace_id}
    and ${n.consumer_id} = ${r.consumer_id}) as waiting`;
const source = sql`notification_rules r join consumers c
  on ${c.workspace_id} = ${r.workspace_id} and ${c.id} = ${r.consumer_id}`;

export function createRuleReader(read: Connection, box: SecretCipher): RuleReader {
  const toRule = (row: RuleRow): NotificationRule => ({
    workspaceId: row.workspace_id,
    consumerId: row.consumer_id,
    name: row.name,
    isEnabled: row.is_enabled,
    filterText: row.filter_text,
    threshold: thresholdOf(row),
    channels: openChannels(box, row.workspace_id, row.channels),
    quietMs: row.quiet_ms,
    lastNotifiedAt: row.last_notified_at,
    waitingCount: row.waiting,
    lastError: row.last_error,
  });
  async function select(workspaceId: number, where: SQL): Promise<NotificationRule[]> {
    const statement = sql`select ${columns} from ${source}
      where ${r.workspace_id} = ${workspaceId} and ${where}`;
    return (await rows<RuleRow>(onBehalfOf(workspaceId, read), statement)).map(toRule);
  }

  return {
    async page(workspaceId, args) {
      const page = await readList<RuleRow>(onBehalfOf(workspaceId, read), {
        columns,
        from: source,
        where: sql`${r.workspace_id} = ${workspaceId}`,
        key: [sql`${c.name}`],
        placeOf: cursor => textPlace(decodeCursor(cursor, NAME_FIELD, workspaceId)),
        request: checkPageArgs(args),
      });
      return { ...page, items: page.items.map(toRule) };
    },
    async byIds(workspaceId, consumerIds) {
      const found = await select(
        workspaceId,
        sql`${r.consumer_id} = any(${intArray(consumerIds)})`,
      );
      const byId = new Map(found.map(rule => [rule.consumerId, rule]));
      return consumerIds.map(id => byId.get(id) ?? null);
    },
    async byName(workspaceId, name) {
      if (!isStorableText(name)) return null;
      const [found] = await select(workspaceId, sql`${c.name} = ${name}`);
      return found ?? null;
    },
  };
}
