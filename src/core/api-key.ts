import type { Scope } from './principal.ts';
import type { KeyQuota } from './quota.ts';

/** A key as it may be shown: never its secret. */
export interface ApiKeyInfo {
  readonly id: number;
  readonly name: string;
  /** The public beginning of the key, to recognise it by. */
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  /** The one workspace that it covers; null covers every workspace. */
  readonly workspaceId: number | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** The id of the key that made it; null: the gateway itself, or an earlier version. */
  readonly createdBy: number | null;
  /** Where it may be used from, in CIDR notation; null: anywhere. */
  readonly addresses: readonly string[] | null;
  readonly quota: KeyQuota;
}

/**
 * Whether a secret is one that documents show, such as `change-me-to-something-long`: it is known
 * to everybody.
 */
export function isExampleSecret(secret: string): boolean {
  return /^change[-_ ]?(me|this|it)/i.test(secret);
}
