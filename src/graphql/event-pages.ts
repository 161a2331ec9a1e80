/** Pages of events as connections: an edge's cursor follows the field of the list's order. */
import type { GraphQLResolveInfo } from 'graphql';
import type { StoredEvent } from '../core/event.ts';
import { checkPageArgs, cutPage, type PageArgs } from '../core/page.ts';
import type {
  EventJsonPage,
  EventJsonPageShape,
  EventPage,
  EventPageArgs,
} from '../read/event-reader.ts';
import type { Connection } from './connection.ts';
import { cursorsOf, type GraphQLContext } from './context.ts';
import type { RelatedPageKey } from './loaders.ts';
import { contentShown } from './shows-content.ts';

export interface EventConnection extends Connection<StoredEvent> {
  readonly liveCursor: string;
  count(): Promise<number | null> | number;
}

/** The page of a workspace's events that the arguments choose. */
export async function eventPage(
  context: GraphQLContext,
  workspaceId: number,
  args: EventPageArgs,
  info: GraphQLResolveInfo,
): Promise<EventConnection> {
  const { events } = context.services;
  const shown = contentShown(info);
  const page = await events.page(workspaceId, { ...args, content: shown > 0 });
  const count = () => events.count(workspaceId, args.filter, { goesOn: true });
  return toConnection(context, { workspaceId, page, args, shown, order: args.order, count });
}

/** A page as Postgres has written it. */
export interface EventPageJson {
  readonly page: EventJsonPage;
  /** Null where its head is not wanted. */
  readonly liveCursor: string | null;
}

/**
 * The same page as the field `events` answers with, for a selection that Postgres can write. Null
 * where `eventPage` must read it.
 */
export async function eventPageAsJson(
  context: GraphQLContext,
  { workspace, ...args }: EventPageArgs & { readonly workspace?: string | null },
  shape: EventJsonPageShape,
): Promise<EventPageJson | null> {
  const { id } = await context.access(workspace, 'EVENTS_READ');
  const page = await context.services.events.jsonPage(id, args, shape);
  if (page === null) return null;
  const liveCursor = page.head && cursorsOf(context, id).encodePosition(page.head);
  return { page, liveCursor };
}

/** The page of events of one parent, group or type; many such pages cost one statement. */
export async function relatedPage(
  context: GraphQLContext,
  key: Omit<RelatedPageKey, 'content'>,
  info: GraphQLResolveInfo,
): Promise<EventConnection> {
  const { workspaceId, order, args } = key;
  const shown = contentShown(info);
  const page = await context.loaders.relatedPage.load({ ...key, content: shown > 0 });
  const count = () => context.loaders.relatedCount.load(key);
  return toConnection(context, { workspaceId, page, args, shown, order, count });
}

/** Where nothing is related: an empty page, with the newest position as of now. */
export async function noPage(
  context: GraphQLContext,
  workspaceId: number,
): Promise<EventConnection> {
  const head = await context.loaders.head.load(workspaceId);
  const page = { items: [], hasNextPage: false, hasPreviousPage: false, isCut: false, head };
  const asked = { args: {}, shown: 0, order: null };
  return toConnection(context, { workspaceId, page, ...asked, count: async () => 0 });
}

interface ReadPage {
  readonly workspaceId: number;
  readonly page: EventPage;
  readonly args: PageArgs;
  /** See `contentShown`. */
  readonly shown: number;
  readonly order: EventPageArgs['order'];
  readonly count: () => Promise<number | null>;
}

function toConnection(
  context: GraphQLContext,
  { workspaceId, page: read, args, shown, order, count }: ReadPage,
): EventConnection {
  const page = shown === 0 ? read : fitted(context, read, args, shown);
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

/**
 * The page, where the answer has room for it. Else its first events, of half the room that is left;
 * at least one. @throws GatewayError QUERY_TOO_EXPENSIVE where there is no room for that one.
 */
function fitted(
  { answer }: GraphQLContext,
  page: EventPage,
  args: PageArgs,
  shown: number,
): EventPage {
  const { backward } = checkPageArgs(args);
  const sizes = page.items.map(sizeOf);
  const isRoomy = sumOf(sizes) * shown <= answer.bytesLeft;
  if (backward) sizes.reverse();
  let kept = isRoomy ? sizes.length : Math.min(1, sizes.length);
  let bytes = sumOf(sizes.slice(0, kept));
  for (const size of sizes.slice(kept)) {
    if ((bytes + size) * shown > answer.bytesLeft / 2) break;
    bytes += size;
    kept += 1;
  }
  answer.read(bytes);
  return cutPage(page, kept, backward);
}

/** Beside its payload an event has few texts, which are short. */
function sizeOf({ payload, description }: StoredEvent): number {
  return payload.length + (description?.length ?? 0);
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
