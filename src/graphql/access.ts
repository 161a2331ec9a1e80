import type { ApiKeyInfo } from '../core/api-key.ts';
import { isAudit, seesAudit } from '../core/audit.ts';
import { GatewayError } from '../core/errors.ts';
import {
  hasScope,
  requireScope,
  unauthenticated,
  type Principal,
  type Scope,
} from '../core/principal.ts';

import type { GraphQLContext } from './context.ts';

/** Null for what is not there, or not for this key: where a field may be null. */
export async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/**
 * Whether the key covers the workspace of a global id.
 * @throws GatewayError UNAUTHENTICATED, FORBIDDEN without the scope
 */
export function covers({ principal }: GraphQLContext, workspaceId: number, scope: Scope): boolean {
  const caller = requireScope(principal, scope);
  if (isAudit(workspaceId)) return seesAudit(caller);
  const covered = caller.workspaceId;
  return covered === null || covered === workspaceId;
}

/** Whether the key administers another. A key of every workspace is covered by its like alone. */
export function coversKey(
  { principal }: GraphQLContext,
  { workspaceId }: Pick<ApiKeyInfo, 'workspaceId'>,
): boolean {
  if (principal === null || !hasScope(principal, 'ADMIN')) return false;
  return principal.workspaceId === null || principal.workspaceId === workspaceId;
}

/** @throws GatewayError UNAUTHENTICATED without a valid key. */
export function requireKey({ principal }: GraphQLContext): Principal {
  if (principal === null) throw unauthenticated();
  return principal;
}

/** `ANY` needs a valid key alone; `ADMIN_OF_ALL` needs ADMIN for all workspaces. */
export type FieldScope = Scope | 'ANY' | 'ADMIN_OF_ALL' | typeof SEES_CONSUMERS;
export const SEES_CONSUMERS = 'EVENTS_READ or EVENTS_CONSUME';

/** The one of the two that the key has. */
export function scopeToSeeConsumers({ principal }: GraphQLContext): Scope {
  const isWorker = principal !== null && hasScope(principal, 'EVENTS_CONSUME');
  return isWorker ? 'EVENTS_CONSUME' : 'EVENTS_READ';
}

/** @throws GatewayError UNAUTHENTICATED, FORBIDDEN without what the option `scope` of a field asks for */
export function requireScopeOf(context: GraphQLContext, scope: FieldScope): void {
  if (scope === 'ANY') requireKey(context);
  else if (scope === 'ADMIN_OF_ALL') requireInstallationAdmin(context);
  else if (scope === SEES_CONSUMERS) requireScope(context.principal, scopeToSeeConsumers(context));
  else requireScope(context.principal, scope);
}

/** @throws GatewayError UNAUTHENTICATED, FORBIDDEN for any but an ADMIN of every workspace. */
export function requireInstallationAdmin({ principal }: GraphQLContext): void {
  if (requireScope(principal, 'ADMIN').workspaceId === null) return;
  throw new GatewayError('FORBIDDEN', 'This needs a key with the scope ADMIN for all workspaces.');
}

export function notFound(what: string): GatewayError {
  return new GatewayError('NOT_FOUND', `There is no such ${what}, or the key does not cover it.`);
}
