import { GatewayError } from '../core/errors.ts';
import type { Receipt } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { actorOf, type Scope } from '../core/principal.ts';
import { workspaceNotFound } from '../core/workspace.ts';
import { covers, notFound } from './access.ts';
import type { GraphQLContext } from './context.ts';
import { decodeIdOf } from './global-id.ts';
import type { PlacedReceipt } from './refs.ts';

interface Chosen {
  readonly workspaceId: number;
  readonly id: string;
}

/**
 * One receipt for each id, in the order given; the ids may be of several workspaces.
 * @throws GatewayError NOT_FOUND, before anything is recorded, where one is not there
 */
export async function resubmitQuarantined(
  context: GraphQLContext,
  ids: readonly string[],
): Promise<{ receipts: PlacedReceipt[] }> {
  const chosen = choose(context, ids, 'EVENTS_WRITE');
  const kept = await Promise.all(chosen.map(each => context.loaders.quarantined.load(each)));
  if (kept.includes(null)) throw notFound('quarantined event');
  const actor = actorOf(context.principal, 'EVENTS_WRITE');
  const receipts = new Map<Chosen, Receipt>();
  for (const [workspaceId, group] of byWorkspace(chosen)) {
    const workspace = await context.loaders.workspace.load(workspaceId);
    if (workspace === null) throw workspaceNotFound();
    const groupIds = group.map(({ id }) => id);
    const answers = await context.services.quarantineAdmin.resubmit(workspace, groupIds, actor);
    for (const each of group) {
      const receipt = answers.get(each.id);
      if (receipt !== undefined) receipts.set(each, receipt);
    }
  }
  const placed = chosen.flatMap((each, index) => {
    const receipt = receipts.get(each);
    return receipt ? [{ workspaceId: each.workspaceId, receipt: { ...receipt, index } }] : [];
  });
  return { receipts: placed };
}

/** Counts those that were there. */
export async function discardQuarantined(
  context: GraphQLContext,
  ids: readonly string[],
): Promise<{ discardedCount: number }> {
  let discardedCount = 0;
  const actor = actorOf(context.principal, 'ADMIN');
  for (const [workspaceId, group] of byWorkspace(choose(context, ids, 'ADMIN'))) {
    const groupIds = group.map(({ id }) => id);
    const { quarantineAdmin } = context.services;
    discardedCount += await quarantineAdmin.discard(workspaceId, groupIds, actor);
  }
  return { discardedCount };
}

function choose(context: GraphQLContext, ids: readonly string[], scope: Scope): Chosen[] {
  if (ids.length === 0 || ids.length > LIMITS.pageSizeMax) {
    const message = `ids expects 1 to ${LIMITS.pageSizeMax} ids, but got ${ids.length}.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  return [...new Set(ids)].map(text => {
    const [workspace, id] = decodeIdOf('QuarantinedEvent', text) as [string, string];
    const workspaceId = Number(workspace);
    if (!covers(context, workspaceId, scope)) throw notFound('quarantined event');
    return { workspaceId, id };
  });
}

function byWorkspace(chosen: readonly Chosen[]): Map<number, Chosen[]> {
  const groups = new Map<number, Chosen[]>();
  for (const each of chosen) {
    const group = groups.get(each.workspaceId) ?? [];
    groups.set(each.workspaceId, group);
    group.push(each);
  }
  return groups;
}
