import { GatewayError } from '../../core/errors.ts';
import type { EventProblem, StoredEvent } from '../../core/event.ts';
import { requireScope } from '../../core/principal.ts';
import { builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { payloadProblems } from '../payload-check.ts';
import { EventRef } from '../refs.ts';
import { EventProblemRef } from './receipt.ts';

builder.objectField(EventRef, 'payloadProblems', t =>
  t.field({
    type: [EventProblemRef],
    description:
      'Problems of the payload with a JSON Schema, whatever the definition’s `validation`. ' +
      'Empty if it is valid. Not available in subscriptions.',
    args: {
      schema: t.arg({
        type: 'JSONObject',
        description:
          'A schema that is not defined yet, which needs the scope DEFINITIONS_WRITE. Default: the ' +
          'current schema of the event’s definition.',
      }),
    },
    resolve: (event, { schema }, context, { operation }) => {
      // The steps of a stream are shared by readers, whatever their scopes.
      if (operation.operation === 'subscription') {
        const message = 'payloadProblems is not available in subscriptions. Use a query.';
        throw new GatewayError('BAD_USER_INPUT', message);
      }
      if (schema != null) requireScope(context.principal, 'DEFINITIONS_WRITE');
      const unreadable = event.unreadable?.filter(({ pointer }) => pointer === '/payload') ?? [];
      if (unreadable.length > 0) return [...unreadable];
      if (schema == null) return problemsByDefinition(event, context);
      // Not later: what is too expensive for one event is then not begun for those that follow.
      return payloadProblems(context, event, schema);
    },
  }),
);

async function problemsByDefinition(
  event: StoredEvent,
  context: GraphQLContext,
): Promise<readonly EventProblem[]> {
  const { workspaceId, definitionId: id } = event;
  const definition = await context.loaders.definition.load({ workspaceId, id });
  const schema = definition?.payloadSchema;
  return schema == null ? [] : payloadProblems(context, event, schema);
}
