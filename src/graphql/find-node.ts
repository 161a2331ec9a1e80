/** Finds the object of a global id again. One of a workspace that the key does not cover is not there. */
import type { GraphQLResolveInfo } from 'graphql';
import { requireScope, type Scope } from '../core/principal.ts';
import { covers } from './access.ts';
import type { GraphQLContext } from './context.ts';
import { markNode, type GlobalId, type NodeType } from './global-id.ts';
import { contentShown } from './shows-content.ts';

type Find = (
  parts: readonly string[],
  context: GraphQLContext,
  info: GraphQLResolveInfo,
) => Promise<object | null> | null;

const FIND: Record<NodeType, Find> = {
  Workspace: ([id], context) =>
    within(context, id, 'EVENTS_READ', workspaceId => context.loaders.workspace.load(workspaceId)),
  ApiKey: ([id], context) => findKey(context, Number(id)),
  Event: ([workspace, position, recordedAtMs], context, info) =>
    within(context, workspace, 'EVENTS_READ', workspaceId => {
      const place = { position: Number(position), recordedAt: new Date(Number(recordedAtMs)) };
      const content = contentShown(info) > 0;
      return context.loaders.eventAt.load({ workspaceId, ...place, content });
    }),
  EventDefinition: ([workspace, id], context) =>
    within(context, workspace, 'EVENTS_READ', workspaceId =>
      context.loaders.definition.load({ workspaceId, id: Number(id) }),
    ),
  QuarantinedEvent: ([workspace, id = ''], context) =>
    within(context, workspace, 'EVENTS_READ', workspaceId =>
      context.loaders.quarantined.load({ workspaceId, id }),
    ),
  Consumer: ([workspace, id], context) =>
    within(context, workspace, 'EVENTS_READ', async workspaceId => {
      const [found] = await context.services.consumers.byIds(workspaceId, [Number(id)]);
      return found ?? null;
    }),
  ParkedDelivery: ([workspace, consumer, position], context) =>
    within(context, workspace, 'EVENTS_READ', workspaceId =>
      context.services.consumers.parkedAt(workspaceId, Number(consumer), Number(position)),
    ),
  NotificationRule: ([workspace, id], context) =>
    within(context, workspace, 'ADMIN', async workspaceId => {
      const [found] = await context.services.rules.byIds(workspaceId, [Number(id)]);
      return found ?? null;
    }),
  Meter: ([workspace, id], context) =>
    within(context, workspace, 'EVENTS_READ', async workspaceId => {
      const [found] = await context.services.meters.byIds(workspaceId, [Number(id)]);
      return found ?? null;
    }),
  // An answer, not a thing that is kept: ask the query again.
  EventAggregate: () => null,
};

function within(
  context: GraphQLContext,
  part: string | undefined,
  scope: Scope,
  find: (workspaceId: number) => Promise<object | null>,
): Promise<object | null> | null {
  const workspaceId = Number(part);
  return covers(context, workspaceId, scope) ? find(workspaceId) : null;
}

async function findKey({ principal, loaders }: GraphQLContext, id: number) {
  const covered = requireScope(principal, 'ADMIN').workspaceId;
  const key = await loaders.apiKey.load(id);
  return covered === null || key?.workspaceId === covered ? key : null;
}

/** By an id that was decoded; null where there is none, or the key does not cover it. */
export async function findNode(
  context: GraphQLContext,
  { type, parts }: GlobalId,
  info: GraphQLResolveInfo,
) {
  return markNode(type, await FIND[type](parts, context, info));
}
