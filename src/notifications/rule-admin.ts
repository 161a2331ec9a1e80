/** Makes and changes notification rules: the consumer and what is kept beside it, in one transaction. */
import { sql, type SQL } from 'drizzle-orm';
import type { Change, ConsumerAdmin } from '../consume/consumer-admin.ts';
import { changeSql, checkConsumer, type ConsumerChange } from '../consume/consumer-change.ts';
import { changesOf, type AuditEntry } from '../core/audit.ts';
import type { ConsumerPlace } from '../core/consumer.ts';
import { GatewayError } from '../core/errors.ts';
import type { EventFilter } from '../core/filter.ts';
import type { JsonObject } from '../core/json.ts';
import {
  checkChannels,
  checkQuietMs,
  checkThreshold,
  fail,
  type NotificationChannel,
  type NotificationSettings,
} from '../core/notification.ts';
import type { Actor } from '../core/principal.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { consumers, notificationRules, notifications } from '../db/schema.ts';
import { textArray } from '../db/sql-lists.ts';
import type { Outbound } from '../security/outbound.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import {
  addressesOf,
  digestOf,
  openChannels,
  ownRule,
  thresholdOf,
  type RuleName,
} from './rule-state.ts';

const RULE = columnsOf(notificationRules);
const CONSUMER = columnsOf(consumers);
const c = columnsOf(consumers, 'c');
const n = columnsOf(notifications, 'n');
const r = columnsOf(notificationRules, 'r');

export interface NewRule extends NotificationSettings {
  readonly name: string;
  readonly filter: EventFilter | null;
  readonly isEnabled: boolean;
}

/** Absent: unchanged. */
export type RuleChange = Partial<NotificationSettings> &
  Pick<ConsumerChange, 'newName' | 'filter'> & { readonly isEnabled?: boolean };

export interface Beginning {
  /** @default with new events */
  readonly from?: ConsumerPlace;
  /** In the transaction that makes it: where it throws, none is made. */
  readonly claim?: (connection: Connection) => Promise<void>;
}

/** All throw GatewayError as `ConsumerAdmin` does, and NOT_FOUND for a consumer of another kind. */
export interface RuleAdmin {
  /** @throws GatewayError URL_NOT_ALLOWED */
  create(
    workspaceId: number,
    rule: NewRule,
    actor: Actor | null,
    beginning?: Beginning,
  ): Promise<number>;
  /** @throws GatewayError URL_NOT_ALLOWED */
  update(change: Change, to: RuleChange): Promise<number>;
  remove(change: Change): Promise<void>;
  /** Changes nothing: for what is done with a rule elsewhere. */
  require(change: Change): Promise<void>;
}

/** What every consumer of a rule has. A lease, and its attempts, are for a transaction: sending has its own. */
const CONSUMER_OF_RULE = {
  description: null,
  kind: 'NOTIFICATION',
  orderedBy: null,
  leaseMs: 30_000,
  maxAttempts: 8,
} as const;

const FROM_NOW: ConsumerPlace = { start: 'NOW' };

export interface RuleAdminOptions {
  readonly consumerAdmin: Pick<ConsumerAdmin, 'create' | 'change' | 'remove'>;
  readonly outbound: Pick<Outbound, 'checkUrl'>;
  readonly box: SecretCipher;
  /** Whether there is a mail server. */
  readonly hasMail: boolean;
  /** Hears of new and changed ones. */
  readonly onChanged: () => void;
}

export function createRuleAdmin(options: RuleAdminOptions): RuleAdmin {
  const { consumerAdmin, box, onChanged } = options;
  const seal = (workspaceId: number, channels: readonly NotificationChannel[]) =>
    box.seal(workspaceId, JSON.stringify(channels));

  return {
    async create(workspaceId, rule, actor, { from = FROM_NOW, claim } = {}) {
      const { name, filter, isEnabled } = rule;
      const channels = check(options, rule);
      const consumerId = await consumerAdmin.create(
        workspaceId,
        { ...CONSUMER_OF_RULE, name, filter, from },
        actor,
        async (connection, id, _kind, deed) => {
          await claim?.(connection);
          const made = { workspaceId, consumerId: id };
          await insert(connection, made, rule, seal(workspaceId, channels));
          if (!isEnabled) await pause(connection, made, false);
          const to = shown({ ...rule, channels });
          await deed.record({ ...about('created', { name, workspaceId }), to });
        },
      );
      onChanged();
      return consumerId;
    },
    async update(change, to) {
      const { newName, filter, isEnabled, ...given } = to;
      const channels = check(options, given);
      checkConsumer({ ...(newName !== undefined && { name: newName }), ...(filter && { filter }) });
      const { workspaceId } = change;
      const id = await consumerAdmin.change(change, async (connection, consumerId, _kind, deed) => {
        const rule = { workspaceId, consumerId };
        const before = await lock(connection, box, rule, change.name);
        const settings = { ...given, ...(channels !== undefined && { channels }) };
        const sealed = channels === undefined ? undefined : seal(workspaceId, channels);
        await rows(
          connection,
          sql`update notification_rules set ${settingsSql(settings, sealed)} where ${ownRule(rule)}`,
        );
        if (channels !== undefined) await dropOthers(connection, rule, channels);
        // A threshold counts anew only where what it counts is another.
        const isOther = newName !== undefined || filter !== undefined || to.threshold !== undefined;
        if (isOther) await changeConsumer(connection, rule, to);
        if (isEnabled !== undefined) await pause(connection, rule, isEnabled);
        const after = await lock(connection, box, rule, change.name);
        await deed.record({
          ...about('updated', change),
          ...changesOf(shown(before), shown(after)),
        });
        return consumerId;
      });
      onChanged();
      return id;
    },
    async remove(change) {
      await consumerAdmin.remove(change, 'NOTIFICATION');
    },
    require: change =>
      consumerAdmin.change(change, async (_connection, _id, kind) => {
        if (kind !== 'NOTIFICATION') throw noRule(change.name);
      }),
  };
}

async function insert(
  connection: Connection,
  { workspaceId, consumerId }: RuleName,
  { quietMs, threshold }: Pick<NotificationSettings, 'quietMs' | 'threshold'>,
  channels: string,
): Promise<void> {
  await rows(
    connection,
    sql`insert into notification_rules (${RULE.workspace_id}, ${RULE.consumer_id},
        ${RULE.channels}, ${RULE.quiet_ms}, ${RULE.threshold_comparison},
        ${RULE.threshold_count}, ${RULE.threshold_ms}, ${RULE.counts_revision},
        ${RULE.counts_since}, ${RULE.judge_at})
      values (${workspaceId}, ${consumerId}, ${channels}, ${quietMs},
        ${threshold?.comparison ?? null}, ${threshold?.count ?? null},
        ${threshold?.withinMs ?? null}, 1, now(), ${threshold === null ? null : sql`now()`})`,
  );
}

type Checked<T> = T extends { readonly channels: readonly NotificationChannel[] }
  ? readonly NotificationChannel[]
  : readonly NotificationChannel[] | undefined;

/** The channels as they are kept. @throws GatewayError BAD_USER_INPUT, URL_NOT_ALLOWED */
function check<T extends Partial<NotificationSettings>>(
  { outbound, hasMail }: RuleAdminOptions,
  { channels, quietMs, threshold }: T,
): Checked<T> {
  if (quietMs !== undefined) checkQuietMs(quietMs);
  if (threshold != null) checkThreshold(threshold);
  if (channels === undefined) return undefined as Checked<T>;
  const kept = channels.map(channel => {
    if (channel.kind !== 'WEBHOOK') return channel;
    return { ...channel, url: outbound.checkUrl(channel.url, 'webhook.url') };
  });
  checkChannels(kept);
  if (!hasMail && kept.some(({ kind }) => kind === 'EMAIL')) {
    fail('email', 'a gateway with a mail server (SLUICE_SMTP_URL)', 'one without');
  }
  return kept as readonly NotificationChannel[] as Checked<T>;
}

function settingsSql(
  { quietMs, threshold }: Partial<NotificationSettings>,
  channels: string | undefined,
): SQL {
  const set = [sql`${RULE.revision} = ${RULE.revision} + 1`];
  if (channels !== undefined) set.push(sql`${RULE.channels} = ${channels}`);
  if (quietMs !== undefined) {
    set.push(sql`${RULE.quiet_ms} = ${quietMs}`);
    // What is pending is told when the next event comes, or now.
    set.push(sql`${RULE.flush_at} = case when ${RULE.pending_kind} is not null then now() end`);
  }
  if (threshold !== undefined) {
    set.push(
      sql`${RULE.threshold_comparison} = ${threshold?.comparison ?? null}`,
      sql`${RULE.threshold_count} = ${threshold?.count ?? null}`,
      sql`${RULE.threshold_ms} = ${threshold?.withinMs ?? null}`,
      sql`${RULE.counts_since} = null`,
      sql`${RULE.judge_at} = ${threshold === null ? null : sql`now()`}`,
    );
  }
  return sql.join(set, sql`, `);
}

async function changeConsumer(
  connection: Connection,
  { workspaceId, consumerId }: RuleName,
  { newName, filter }: RuleChange,
): Promise<void> {
  const set = changeSql({
    ...(newName !== undefined && { newName }),
    ...(filter !== undefined && { filter }),
  });
  await rows(
    connection,
    sql`update consumers c set ${set}, ${CONSUMER.turn} = ${c.turn} + 1,
        ${CONSUMER.updated_at} = now()
      where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${consumerId}`,
  );
}

/** What waits for a channel that the rule no longer has. */
async function dropOthers(
  connection: Connection,
  { workspaceId, consumerId }: RuleName,
  channels: readonly NotificationChannel[],
): Promise<void> {
  await rows(
    connection,
    sql`delete from notifications n where ${n.workspace_id} = ${workspaceId}
      and ${n.consumer_id} = ${consumerId} and ${n.channel} <> all(${textArray(addressesOf(channels).map(digestOf))})`,
  );
}

const DISABLED = 'The rule is disabled.';

async function pause(
  connection: Connection,
  { workspaceId, consumerId }: RuleName,
  isEnabled: boolean,
): Promise<void> {
  await rows(
    connection,
    sql`update consumers c set ${CONSUMER.turn} = ${c.turn} + 1,
        ${CONSUMER.paused_at} = case when ${isEnabled}::boolean then null
          else coalesce(${c.paused_at}, now()) end,
        ${CONSUMER.paused_reason} = case when ${isEnabled}::boolean then null else ${DISABLED}::text end
      where ${c.workspace_id} = ${workspaceId} and ${c.id} = ${consumerId}`,
  );
}

function about(
  what: 'created' | 'updated',
  { name, workspaceId }: Pick<Change, 'name' | 'workspaceId'>,
): AuditEntry {
  return { type: `sluice.notification-rule.${what}`, subject: name, workspaceId };
}

interface Shown extends NotificationSettings {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly revision?: number;
}

/** What the audit says of it: kinds of channels, and no address of a person. */
function shown({ name, isEnabled: enabled, quietMs, threshold, channels, revision = 1 }: Shown) {
  const facts: JsonObject = {
    name,
    enabled,
    quietMs,
    revision,
    threshold: threshold === null ? null : { ...threshold },
    channels: channels.map(channel =>
      channel.kind === 'WEBHOOK' ? `WEBHOOK ${new URL(channel.url).origin}` : channel.kind,
    ),
  };
  return facts;
}

type LockedRow = Row<
  typeof notificationRules,
  'channels' | 'quiet_ms' | 'threshold_comparison' | 'threshold_count' | 'threshold_ms' | 'revision'
> & { readonly name: string; readonly is_enabled: boolean };

/** @throws GatewayError NOT_FOUND for a consumer that is no rule */
async function lock(
  connection: Connection,
  box: SecretCipher,
  rule: RuleName,
  name: string,
): Promise<Shown> {
  const [row] = await rows<LockedRow>(
    connection,
    sql`select ${r.channels}, ${r.quiet_ms}, ${r.threshold_comparison}, ${r.threshold_count},
        ${r.threshold_ms}, ${r.revision}, ${c.name}, ${c.paused_at} is null as is_enabled
      from notification_rules r join consumers c
        on ${c.workspace_id} = ${r.workspace_id} and ${c.id} = ${r.consumer_id}
      where ${r.workspace_id} = ${rule.workspaceId} and ${r.consumer_id} = ${rule.consumerId}
      for update of r`,
  );
  if (row === undefined) throw noRule(name);
  return {
    name: row.name,
    isEnabled: row.is_enabled,
    quietMs: row.quiet_ms,
    threshold: thresholdOf(row),
    channels: openChannels(box, rule.workspaceId, row.channels),
    revision: row.revision,
  };
}

export function noRule(name: string): GatewayError {
  const text = JSON.stringify(name.slice(0, 100).toWellFormed());
  return new GatewayError('NOT_FOUND', `There is no notification rule ${text} in this workspace.`);
}
