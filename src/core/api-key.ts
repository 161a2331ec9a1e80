import type { Scope } from './principal.ts';

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
}
