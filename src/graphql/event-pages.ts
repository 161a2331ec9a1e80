/** Pages of events as connections: an edge's cursor follows the field of the list's order. */
import type { StoredEvent } from '../core/event.ts';
import type { EventJsonPage, EventJsonPageShape } from '../read/event-json-page.ts';
import type { EventPage, EventPageArgs } from '../read/events.ts';
import type { Connection } from './connection.ts';
import { cursorsOf, type GraphQLContext } from './context.ts';
import type { RelatedPageKey } from './loaders.ts';

export interface EventConnection extends Connection<StoredEvent> {
  readonly liveCursor: string;
  count(): Promise<number | null> | number;
}

/** The page of a workspace's events that the arguments choose. */
export async function eventPage(
  context: GraphQLContext,
  workspaceId: number,
  args: EventPageArgs,
): Promise<EventConnection> {
  const { events } = context.services;
  const page = await events.page(workspaceId, args);
  const count = () => events.count(workspaceId, args.filter);
  return toConnection(context, { workspaceId, page, order: args.order, count });
}

/** A page as Postgres has written it. */
export interface EventPageJson {
  readonly page: EventJsonPage;
  /** Null where its head is not wanted. */
  readonly liveCursor: string | null;
}

/** The same page as the field `events` answers with, for a selection that Postgres can write. */
export async function eventPageAsJson(
  context: GraphQLContext,
  { workspace, ...args }: EventPageArgs & { readonly workspace?: string | null },
  shape: EventJsonPageShape,
  bytesMax: number,
): Promise<EventPageJson> {
  const { id } = await context.access(workspace, 'EVENTS_READ');
  const page = await context.services.events.jsonPage(id, args, shape, bytesMax);
  const liveCursor = page.head && cursorsOf(context, id).encodePosition(page.head);
  return { page, liveCursor };
}

/** The page of events of one parent, group or type; many such pages cost one statement. */
export async function relatedPage(
  context: GraphQLContext,
  key: RelatedPageKey,
): Promise<EventConnection> {
  const { workspaceId, order } = key;
  const page = await context.loaders.relatedPage.load(key);
  const count = () => context.loaders.relatedCount.load(key);
  return toConnection(context, { workspaceId, page, order, count });
}

/** Where nothing is related: an empty page, with the newest position as of now. */
export async function noPage(
  context: GraphQLContext,
  workspaceId: number,
): Promise<EventConnection> {
  const head = await context.loaders.head.load(workspaceId);
  const page = { items: [], hasNextPage: false, hasPreviousPage: false, head };
  return toConnection(context, { workspaceId, page, order: null, count: async () => 0 });
}

interface ReadPage {
  readonly workspaceId: number;
  readonly page: EventPage;
  readonly order: EventPageArgs['order'];
  readonly count: () => Promise<number | null>;
}

function toConnection(
  context: GraphQLContext,
  { workspaceId, page, order, count }: ReadPage,
): EventConnection {
  context.answer.read(bytesOf(page));
  const cursors = cursorsOf(context, workspaceId);
  const isWhole = !page.hasNextPage && !page.hasPreviousPage;
  return {
    page,
    cursorOf: order?.field === 'OCCURRED_AT' ? cursors.encodeOccurredAt : cursors.encodePosition,
    get liveCursor() {
      return cursors.encodePosition(page.head);
    },
    count: () => (isWhole ? page.items.length : count()),
  };
}

/** Beside its payload an event has no more than some thousands. */
function bytesOf({ items }: EventPage): number {
  return items.reduce((sum, { payload }) => sum + payload.length, 0);
}
