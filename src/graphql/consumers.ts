/** Consumers for resolvers: which one is meant, and by whom. */
import type { Change } from '../consume/consumer-admin.ts';
import type { Work } from '../consume/settler.ts';
import type { Consumer, ConsumerPlace } from '../core/consumer.ts';
import { GatewayError } from '../core/errors.ts';
import { actorOf, type Scope } from '../core/principal.ts';
import { cursorsOf, type GraphQLContext } from './context.ts';
import { decodeIdOf } from './global-id.ts';

interface Named {
  readonly workspace?: string | null | undefined;
  readonly consumer: string;
}

/** @throws GatewayError as `access` */
export async function workOn(
  context: GraphQLContext,
  { workspace, consumer }: Named,
  scope: Scope,
): Promise<Work & Change> {
  const { id: workspaceId } = await context.access(workspace, scope);
  return { workspaceId, name: consumer, actor: actorOf(context.principal, scope) };
}

/** A consumer of an answer, as it is now. */
export interface ShownConsumer {
  readonly workspaceId: number;
  readonly consumerId: number;
}

/** @throws GatewayError NOT_FOUND where it was deleted meanwhile */
export async function consumerNow(
  { services }: GraphQLContext,
  { workspaceId, consumerId }: ShownConsumer,
): Promise<Consumer> {
  const [found] = await services.consumers.byIds(workspaceId, [consumerId]);
  if (found == null) throw new GatewayError('NOT_FOUND', 'The consumer was deleted.');
  return found;
}

export interface PlaceInput {
  readonly start?: 'NOW' | 'BEGINNING' | null | undefined;
  readonly after?: string | null | undefined;
  readonly at?: Date | null | undefined;
}

/** @throws GatewayError CURSOR_INVALID, CURSOR_EPOCH */
export function placeOfInput(
  context: GraphQLContext,
  workspaceId: number,
  { start, after, at }: PlaceInput,
): ConsumerPlace {
  if (after != null) return { after: cursorsOf(context, workspaceId).decodePosition(after) };
  return at == null ? { start: start ?? 'NOW' } : { at };
}

/**
 * The positions that ids of parked deliveries name; null for all.
 * @throws GatewayError BAD_USER_INPUT, NOT_FOUND for one of another consumer
 */
export async function parkedPositions(
  { services }: GraphQLContext,
  { workspaceId, name }: Work,
  ids: readonly string[] | null | undefined,
): Promise<number[] | null> {
  if (ids == null) return null;
  if (ids.length === 0 || ids.length > 1_000) {
    const message = `ids expects 1 to 1000 ids, but got ${ids.length}.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  const places = ids.map(id => decodeIdOf('ParkedDelivery', id).map(Number));
  const plan = await services.consumers.planByName(workspaceId, name);
  return places.map(([workspace, consumer, position = 0]) => {
    if (workspace === workspaceId && consumer === plan?.id) return position;
    throw new GatewayError('NOT_FOUND', 'There is no such parked delivery of this consumer.');
  });
}
