/** The gateway's own audit: what administrative acts are recorded as, and where. Pure. */
import { GatewayError } from './errors.ts';
import type { EventInput } from './event.ts';
import type { JsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import type { Principal, Scope } from './principal.ts';
import { truncateBytes } from './text.ts';
import { workspaceNotFound } from './workspace.ts';

/**
 * The greatest id that a workspace can have. Locks of workspaces are taken in the order of ids, so
 * that whoever holds another one takes this one last, and no two wait for each other.
 */
export const AUDIT_WORKSPACE_ID = 2_147_483_647;
/** Its slug, unless a workspace had this one before there was an audit. */
export const AUDIT_SLUG = 'sluice';

/** What each type says, in a sentence. The table in docs/audit.md is made from it. */
export const AUDIT_TYPES = {
  'sluice.key.created': 'A key was made.',
  'sluice.key.updated': 'The quota of a key was changed.',
  'sluice.key.rotated': 'A key got a successor, and expires after the overlap.',
  'sluice.key.revoked': 'A key was revoked.',
  'sluice.workspace.created': 'A workspace was made.',
  'sluice.workspace.updated': 'Settings of a workspace were changed.',
  'sluice.workspace.deleted': 'A workspace was deleted with everything in it.',
  'sluice.definition.created': 'An event definition was made.',
  'sluice.definition.updated': 'An event definition was changed, deprecated or blocked.',
  'sluice.definition.deleted': 'An event definition was deleted.',
  'sluice.events.redacted': 'The events of one batch of a redaction were emptied.',
  'sluice.quarantine.resubmitted': 'Events were taken out of quarantine and recorded.',
  'sluice.quarantine.discarded': 'Events in quarantine were deleted.',
  'sluice.meter.created': 'A meter was made.',
  'sluice.meter.deleted': 'A meter was deleted.',
  'sluice.consumer.created': 'A consumer was made.',
  'sluice.consumer.updated': 'Settings of a consumer were changed.',
  'sluice.consumer.deleted': 'A consumer, a webhook or a notification rule was deleted.',
  'sluice.consumer.paused': 'A consumer, a webhook or a notification rule was paused.',
  'sluice.consumer.resumed': 'A consumer, a webhook or a notification rule was resumed.',
  'sluice.consumer.moved':
    'A consumer, a webhook or a notification rule was moved to another place in the log.',
  'sluice.consumer.redelivered': 'Parked deliveries of a consumer wait for delivery again.',
  'sluice.consumer.discarded': 'Parked deliveries of a consumer were deleted.',
  'sluice.webhook.created': 'A webhook was made.',
  'sluice.webhook.updated': 'Settings of a webhook were changed.',
  'sluice.webhook.secret-rotated': 'A webhook got a new signing secret.',
  'sluice.notification-rule.created': 'A notification rule was made.',
  'sluice.notification-rule.updated': 'A notification rule was changed, enabled or disabled.',
  'sluice.push-subscription.saved': 'A browser began to take Web Push with a key.',
  'sluice.push-subscription.deleted': 'A browser no longer takes Web Push with a key.',
  'sluice.epoch.renewed': 'After a restore, older cursors were made invalid, or kept.',
  'sluice.evidence-key.rotated': 'A new key signs checkpoints of evidence.',
} as const;
export type AuditType = keyof typeof AUDIT_TYPES;

/**
 * An administrative act. Nothing in it may be a secret, content of an event, or more of a URL than
 * its origin: the audit outlives them all.
 */
export interface AuditEntry {
  readonly type: AuditType;
  /** What it was done to, such as a name. Null: the workspace. */
  readonly subject: string | null;
  /** In which workspace: its slug is kept. Null: it is of the installation. */
  readonly workspaceId: number | null;
  /** Of a workspace that is no longer there. */
  readonly workspace?: string;
  /** Only what was changed. */
  readonly from?: JsonObject;
  readonly to?: JsonObject;
  /** What else is to be known, such as a count. */
  readonly facts?: JsonObject;
  /** The same for all events of one act. */
  readonly groupId?: string;
}

/** The key that acted. */
export interface AuditedKey {
  readonly id: number;
  readonly name: string;
}

export interface AuditedBy {
  /** Null: the gateway itself. */
  readonly key: AuditedKey | null;
  readonly clientIp: string | null;
}

export function auditEvent(
  { type, subject, workspace = null, from, to, facts, groupId }: WithSlug,
  { key, clientIp }: AuditedBy,
): EventInput {
  return {
    type,
    source: 'sluice',
    subject: truncateBytes(subject ?? workspace ?? '', LIMITS.indexedTextBytesMax),
    actor: truncateBytes(
      key === null ? 'sluice' : `key ${key.id} ${key.name}`,
      LIMITS.indexedTextBytesMax,
    ),
    description: AUDIT_TYPES[type],
    clientIp,
    groupId,
    payload: {
      workspace,
      key: key === null ? null : { ...key },
      ...(hasAny(from) && { from }),
      ...(hasAny(to) && { to }),
      ...facts,
    },
  };
}

function hasAny(members: JsonObject | undefined): boolean {
  return members !== undefined && Object.keys(members).length > 0;
}

type WithSlug = Omit<AuditEntry, 'workspaceId' | 'workspace'> & {
  readonly workspace: string | null;
};

/** Of two states of a thing, what differs: nothing more is kept of a change. */
export function changesOf(
  before: JsonObject,
  after: JsonObject,
): { readonly from: JsonObject; readonly to: JsonObject } {
  const isOther = (name: string) => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  const only = (state: JsonObject) =>
    Object.fromEntries(Object.entries(state).filter(([name]) => isOther(name)));
  return { from: only(before), to: only(after) };
}

export function isAudit(workspaceId: number): boolean {
  return workspaceId === AUDIT_WORKSPACE_ID;
}

/** Whether a key may know that the workspace of the audit is there. */
export function seesAudit({ scopes, workspaceId }: Principal): boolean {
  return workspaceId === null && scopes.includes('ADMIN');
}

/** @throws GatewayError NOT_FOUND for any but an ADMIN of every workspace, FORBIDDEN to write */
export function checkAuditAccess(
  principal: Principal,
  scope: Scope,
  slug: string | null | undefined,
): void {
  if (!seesAudit(principal)) throw workspaceNotFound(slug);
  if (scope === 'EVENTS_WRITE' || scope === 'DEFINITIONS_WRITE') throw auditIsKept('written to');
}

export function auditIsKept(deed: string): GatewayError {
  const message = `This workspace keeps the audit of the gateway. It can't be ${deed}.`;
  return new GatewayError('FORBIDDEN', message);
}
