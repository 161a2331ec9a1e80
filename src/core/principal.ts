import { GatewayError } from './errors.ts';
import { NO_TENANT, type Tenant } from './fairness.ts';
import type { KeyQuota, LimitStanding } from './quota.ts';

/** What a key may do. ADMIN includes the others; METRICS is of the installation, of no workspace. */
export const SCOPES = [
  'EVENTS_WRITE',
  'EVENTS_READ',
  'EVENTS_CONSUME',
  'DEFINITIONS_WRITE',
  'METRICS',
  'ADMIN',
] as const;
export type Scope = (typeof SCOPES)[number];

/** Who is calling: an authenticated key. */
export interface Principal {
  readonly keyId: number;
  readonly scopes: readonly Scope[];
  /** The one workspace that the key covers; null covers every workspace. */
  readonly workspaceId: number | null;
  /** How much it may record. Absent: any number of events. */
  readonly quota?: KeyQuota | undefined;
  /** From where this request came; empty where its connection is gone. */
  readonly clientAddress?: (() => string) | undefined;
  /** Tells the caller how the key stands with its limits, beside the answer. */
  readonly tell?: ((standings: readonly LimitStanding[]) => void) | undefined;
}

/** By which key something is done, and with which of its scopes: checked again before the commit. */
export interface Actor {
  readonly keyId: number;
  readonly scope: Scope;
  /** As of the principal. */
  readonly clientAddress?: Principal['clientAddress'];
  readonly quota?: Principal['quota'];
  readonly tell?: Principal['tell'];
}

/** Whom a key acts for: its workspace, else itself. */
export function tenantOf({ workspaceId, keyId }: Principal): Tenant {
  return workspaceId ?? `key ${keyId}`;
}

/** Whom a change of keys and workspaces is made for: it may be of no workspace. */
export function tenantOfActor(actor: Actor | null): Tenant {
  return actor === null ? NO_TENANT : `key ${actor.keyId}`;
}

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes(scope) || principal.scopes.includes('ADMIN');
}

/** @throws GatewayError UNAUTHENTICATED without a key, FORBIDDEN without the scope. */
export function requireScope(principal: Principal | null, scope: Scope): Principal {
  if (principal === null) throw unauthenticated();
  if (!hasScope(principal, scope)) {
    throw new GatewayError('FORBIDDEN', `This needs a key with the scope ${scope}.`);
  }
  return principal;
}

/** @throws GatewayError as `requireScope` */
export function actorOf(principal: Principal | null, scope: Scope): Actor {
  const { keyId, clientAddress, quota, tell } = requireScope(principal, scope);
  return { keyId, scope, clientAddress, quota, tell };
}

/** The token of a header `Authorization: Bearer <token>`; null for any other header, and for none. */
export function bearerToken(authorization: string | null | undefined): string | null {
  return /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? '')?.[1] ?? null;
}

/** The one refusal of no key and of every wrong one. */
export function unauthenticated(): GatewayError {
  const message = 'A valid key is required: send it as "Authorization: Bearer <key>".';
  return new GatewayError('UNAUTHENTICATED', message);
}
