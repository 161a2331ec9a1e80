/** Keys: made, changed and ended. They are kept and looked up as SHA-256; a secret is shown once. */
import type { ApiKeyInfo } from '../core/api-key.ts';
import { changesOf, isAudit, type AuditEntry, type AuditType } from '../core/audit.ts';
import { GatewayError } from '../core/errors.ts';
import { tenantOfActor, type Actor, type Scope } from '../core/principal.ts';
import { checkQuota, NO_QUOTA, type KeyQuota } from '../core/quota.ts';
import { isStorableText, isWithinBytes } from '../core/text.ts';
import type { AuditedTransaction, Deed } from '../db/audit-log.ts';
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { apiKeys, keyUsage } from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import {
  API_KEY_COLUMNS,
  isValidKey,
  toApiKeyInfo,
  toQuota,
  type ApiKeyRow,
} from '../db/stored-api-key.ts';
import { checkRanges } from './address-ranges.ts';
import { insertKey, isWithin, lockKey, readMaker } from './key-rows.ts';
import { checkKept, mintSecret } from './key-secret.ts';

const KEY = columnsOf(apiKeys);
const USAGE = columnsOf(keyUsage);

export interface CreateKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null covers every workspace. */
  readonly workspaceId: number | null;
  /** Null: as late as the key that makes it, and the greatest age, allow. */
  readonly expiresAt: Date | null;
  /** CIDR ranges from which it may be used. Null: those of the key that makes it. */
  readonly addresses: readonly string[] | null;
  /** How much it may record. Absent: any number of events. */
  readonly quota?: KeyQuota;
  /** An existing credential to keep; one is made where none is given. */
  readonly secret?: string | undefined;
}

export interface MadeKey {
  readonly key: ApiKeyInfo;
  readonly secret: string;
}

/**
 * All throw UNAUTHENTICATED where the acting key was revoked or has expired before the commit. What
 * a key makes has no more than it has itself: it ends no later, and is used from no other address.
 * An actor of null is the gateway itself.
 */
export interface KeyAdmin {
  /** @throws GatewayError BAD_USER_INPUT, CONFLICT when the credential is in use, NOT_FOUND */
  create(key: CreateKey, actor: Actor | null): Promise<MadeKey>;
  /**
   * Changes the quotas that are given.
   * @throws GatewayError NOT_FOUND, BAD_USER_INPUT
   */
  update(id: number, quota: Partial<KeyQuota>, actor: Actor | null): Promise<ApiKeyInfo>;
  /**
   * Makes a key like this one, which ends after the overlap. What the old one has recorded is held
   * against the quota of the new one, too.
   * @throws GatewayError NOT_FOUND, BAD_USER_INPUT when it has ended already, FORBIDDEN when it may
   * be used from more addresses than the acting key
   */
  rotate(
    id: number,
    overlapMs: number,
    actor: Actor | null,
  ): Promise<MadeKey & { readonly previous: ApiKeyInfo }>;
  /**
   * @param force also the acting key itself, or the last ADMIN key of all workspaces
   * @throws GatewayError NOT_FOUND, FORCE_REQUIRED
   */
  revoke(id: number, force: boolean, actor: Actor | null): Promise<ApiKeyInfo>;
}

export interface KeyAdminOptions {
  readonly audited: AuditedTransaction;
  /** Takes kept credentials that are shorter than they should be. */
  readonly allowWeak: boolean;
  /** Days after which a key that is made from now on ends at the latest; 0: no end. */
  readonly ageDaysMax: number;
  /** Was given another quota, or ends. */
  readonly onChanged: (keyId: number) => void;
}

export function createKeyAdmin(write: Pool, options: KeyAdminOptions): KeyAdmin {
  const { audited, allowWeak, ageDaysMax, onChanged } = options;
  const port = { write, audited };
  return {
    async create(key, actor) {
      checkKey(key);
      if (key.secret !== undefined) checkKept(key.secret, allowWeak);
      const addresses = key.addresses === null ? null : checkRanges(key.addresses);
      const secret = key.secret ?? mintSecret();
      const given = { ...key, secret, addresses };
      const row = await committed(port, actor, (connection, deed) =>
        create(connection, given, { deed, actor, ageDaysMax }),
      );
      return { key: toApiKeyInfo(row), secret };
    },
    async update(id, quota, actor) {
      checkQuota(quota);
      const row = await committed(port, actor, (connection, deed) =>
        update(connection, { id, quota }, deed),
      );
      onChanged(id);
      return toApiKeyInfo(row);
    },
    async rotate(id, overlapMs, actor) {
      const secret = mintSecret();
      const { made, previous } = await committed(port, actor, (connection, deed) =>
        rotate(connection, { id, overlapMs, secret }, { deed, actor, ageDaysMax }),
      );
      onChanged(id);
      return { key: toApiKeyInfo(made), secret, previous: toApiKeyInfo(previous) };
    },
    async revoke(id, force, actor) {
      const row = await committed(port, actor, async (connection, deed) => {
        if (!force) await checkRevocable(connection, id, actor);
        return revoke(connection, id, deed);
      });
      onChanged(id);
      return toApiKeyInfo(row);
    },
  };
}

/** Who makes a key, and how old it may become. */
interface Making {
  readonly deed: Deed;
  readonly actor: Actor | null;
  readonly ageDaysMax: number;
}

async function create(
  connection: Connection,
  { secret, ...key }: CreateKey & { readonly secret: string },
  { deed, actor, ageDaysMax }: Making,
): Promise<ApiKeyRow> {
  const maker = await readMaker(connection, actor);
  const addresses = key.addresses ?? maker.addresses;
  if (!(await isWithin(connection, addresses, maker))) {
    const message = 'A key that is bound to addresses can only make keys for these addresses.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  const made = await insertKey(connection, secret, {
    ...key,
    addresses,
    lifeMs: null,
    ageDaysMax,
    maker,
  });
  await deed.record({ ...aboutKey('sluice.key.created', made), to: shownOf(made) });
  return made;
}

/** What stands in the audit beside what changed. */
export function aboutKey(
  type: AuditType,
  { id, name, workspace_id: workspaceId }: Pick<ApiKeyRow, 'id' | 'name' | 'workspace_id'>,
): AuditEntry {
  return { type, subject: `key ${id} ${name}`, workspaceId };
}

/** Nothing of its secret, and so no prefix. */
function shownOf({ scopes, addresses, expires_at: end, ...row }: ApiKeyRow) {
  return { scopes, addresses, expiresAt: end?.toISOString() ?? null, ...toQuota(row) };
}

interface QuotaChange {
  readonly id: number;
  readonly quota: Partial<KeyQuota>;
}

async function update(
  connection: Connection,
  { id, quota }: QuotaChange,
  deed: Deed,
): Promise<ApiKeyRow> {
  const before = await lockKey(connection, id);
  const { eventsPerDay, eventsPerMonth } = { ...toQuota(before), ...quota };
  const [updated] = await connection.query<ApiKeyRow>(
    sqlText`update api_keys set ${KEY.events_per_day} = $2, ${KEY.events_per_month} = $3
     where ${KEY.id} = $1 returning ${API_KEY_COLUMNS}`,
    [id, eventsPerDay, eventsPerMonth],
  );
  const changes = changesOf({ ...toQuota(before) }, { eventsPerDay, eventsPerMonth });
  if (Object.keys(changes.to).length > 0) {
    await deed.record({ ...aboutKey('sluice.key.updated', before), ...changes });
  }
  return updated as ApiKeyRow;
}

interface Rotation {
  readonly id: number;
  readonly overlapMs: number;
  readonly secret: string;
}

async function rotate(
  connection: Connection,
  { id, overlapMs, secret }: Rotation,
  { deed, actor, ageDaysMax }: Making,
): Promise<{ made: ApiKeyRow; previous: ApiKeyRow }> {
  const key = await lockKey(connection, id);
  if (!key.is_valid) {
    const message = 'This key was revoked or has expired: make a new one.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  const maker = await readMaker(connection, actor);
  if (!(await isWithin(connection, key.addresses, maker))) {
    const message = 'A key that is bound to addresses can only rotate keys of these addresses.';
    throw new GatewayError('FORBIDDEN', message);
  }
  const { name, scopes, workspace_id: workspaceId, addresses, expires_at: end } = key;
  const made = await insertKey(connection, secret, {
    name,
    scopes,
    workspaceId,
    addresses,
    quota: toQuota(key),
    expiresAt: null,
    ageDaysMax,
    maker,
    lifeMs: end === null ? null : end.getTime() - key.created_at.getTime(),
  });
  await connection.query(
    sqlText`insert into key_usage (${USAGE.key_id}, ${USAGE.day}, ${USAGE.recorded})
     select $2::int, ${USAGE.day}, ${USAGE.recorded} from key_usage where ${USAGE.key_id} = $1`,
    [id, made.id],
  );
  // Before the end of the old key, which may be the one that acts.
  await deed.require();
  const [previous] = await connection.query<ApiKeyRow>(
    sqlText`update api_keys set
       ${KEY.expires_at} = least(${KEY.expires_at}, now() + make_interval(secs => $2::float8 / 1000))
     where ${KEY.id} = $1 returning ${API_KEY_COLUMNS}`,
    [id, overlapMs],
  );
  const ended = (previous as ApiKeyRow).expires_at?.toISOString() ?? null;
  await deed.record({
    ...aboutKey('sluice.key.rotated', key),
    from: { expiresAt: end?.toISOString() ?? null },
    to: { expiresAt: ended },
    facts: { successor: { id: made.id, ...shownOf(made) } },
  });
  return { made, previous: previous as ApiKeyRow };
}

async function revoke(connection: Connection, id: number, deed: Deed): Promise<ApiKeyRow> {
  const before = await lockKey(connection, id);
  // Before the deed: a key may revoke itself.
  await deed.require();
  const [revoked] = await connection.query<ApiKeyRow>(
    sqlText`update api_keys set ${KEY.revoked_at} = coalesce(${KEY.revoked_at}, now()) where ${KEY.id} = $1
     returning ${API_KEY_COLUMNS}`,
    [id],
  );
  const at = (key: ApiKeyRow) => ({ revokedAt: key.revoked_at?.toISOString() ?? null });
  await deed.record({
    ...aboutKey('sluice.key.revoked', before),
    from: at(before),
    to: at(revoked as ApiKeyRow),
  });
  return revoked as ApiKeyRow;
}

/**
 * Whoever ends these by mistake is locked out. The keys stay locked until the commit, so that two
 * that end each other do not both pass.
 * @throws GatewayError FORCE_REQUIRED
 */
async function checkRevocable(
  connection: Connection,
  id: number,
  actor: Actor | null,
): Promise<void> {
  if (id === actor?.keyId) {
    const message = 'This is the key that you are using. Once revoked, it can do nothing more.';
    throw new GatewayError('FORCE_REQUIRED', message);
  }
  const admins = await connection.query<Row<typeof apiKeys, 'id'>>(
    sqlText`select ${KEY.id} from api_keys
     where 'ADMIN' = any (${KEY.scopes}) and ${KEY.workspace_id} is null and ${isValidKey(KEY)}
     order by ${KEY.id} for no key update`,
  );
  if (admins.length !== 1 || admins[0]?.id !== id) return;
  const message =
    'This is the last ADMIN key of all workspaces. Without one nobody can make keys or workspaces.';
  throw new GatewayError('FORCE_REQUIRED', message);
}

async function committed<T>(
  { write, audited }: { readonly write: Pool; readonly audited: AuditedTransaction },
  actor: Actor | null,
  work: (connection: Connection, deed: Deed) => Promise<T>,
): Promise<T> {
  try {
    return await audited(write, work, { actor, tenant: tenantOfActor(actor) });
  } catch (error) {
    throw toGatewayError(error, 'write', 'This secret is already in use. Choose another.');
  }
}

const NAME_BYTES_MAX = 256;

function checkKey({ name, scopes, workspaceId, quota = NO_QUOTA }: CreateKey): void {
  if (name.trim() === '' || !isStorableText(name) || !isWithinBytes(name, NAME_BYTES_MAX)) {
    const message = `A key's name has 1 to ${NAME_BYTES_MAX} bytes, without U+0000.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  checkQuota(quota);
  if (workspaceId !== null && isAudit(workspaceId)) {
    const message =
      'The audit is read with a key that has the scope ADMIN for all workspaces. It has no keys of its own.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  if (scopes.length === 0)
    throw new GatewayError('BAD_USER_INPUT', 'A key needs at least one scope.');
  if (scopes.includes('METRICS') && workspaceId !== null) {
    const message =
      'METRICS is only for keys of all workspaces, because metrics cover the whole ' +
      'process. Name no workspace, and use a key of all workspaces.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
}
