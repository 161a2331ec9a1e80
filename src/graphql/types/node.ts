/** `node` and `nodes`. An object of a workspace that the key does not cover is not there. */
import type { GraphQLResolveInfo } from 'graphql';
import { GatewayError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { requireScope, type Scope } from '../../core/principal.ts';
import { covers } from '../access.ts';
import { builder } from '../builder.ts';
import { sizedBy } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { decodeId, markNode, type GlobalId, type NodeType } from '../global-id.ts';
import { contentShown } from '../shows-content.ts';

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

async function findNode(
  context: GraphQLContext,
  { type, parts }: GlobalId,
  info: GraphQLResolveInfo,
) {
  return markNode(type, await FIND[type](parts, context, info));
}

builder.queryFields(t => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    scope: 'ANY',
    description: 'An object by its id. Null if there is none, or the key does not cover it.',
    args: { id: t.arg.id({ required: true, description: 'The value of its field `id`.' }) },
    resolve: (_root, { id }, context, info) => findNode(context, decodeId(id), info),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    scope: 'ANY',
    description:
      'Objects by their ids, in the order given. Null for each one that does not exist or that ' +
      'the key does not cover.',
    extensions: sizedBy('ids'),
    args: {
      ids: t.arg.idList({
        required: true,
        description: `The values of their fields \`id\`, at most ${LIMITS.pageSizeMax}.`,
      }),
    },
    resolve: (_root, { ids }, context, info) => {
      if (ids.length > LIMITS.pageSizeMax) {
        const message = `ids expects at most ${LIMITS.pageSizeMax} ids, but got ${ids.length}.`;
        throw new GatewayError('BAD_USER_INPUT', message);
      }
      return ids.map(decodeId).map(id => findNode(context, id, info));
    },
  }),
}));
