/**
 * Relay connections, once for all lists: a page of a reader becomes edges, nodes and pageInfo.
 * Cursors are written only where they are selected.
 */
import type { ObjectFieldsShape, ObjectRef } from '@pothos/core';
import type { Page } from '../core/page.ts';
import { builder } from './builder.ts';

export type ApiSchema = typeof builder.$inferSchemaTypes;

export interface Connection<T> {
  readonly page: Page<T>;
  cursorOf(item: T): string;
}

/**
 * For a field whose list is no page, but as long as a list that it is given: what its answer may
 * cost is told from that (`graphql-http/query-cost.ts`).
 */
export function sizedBy(...argument: readonly string[]) {
  return { sizedBy: argument };
}

/** For a field that answers with as many items as a number of its argument says. */
export function sizedByNumber(sizeByDefault: number, ...argument: readonly string[]) {
  return { sizedBy: argument, sizeByDefault };
}

interface Edge<T> {
  readonly connection: Connection<T>;
  readonly item: T;
}

interface ConnectionOptions<T, C extends Connection<T>> {
  readonly node: ObjectRef<ApiSchema, T>;
  /** What the items are, such as "events". */
  readonly items: string;
  readonly fields?: ObjectFieldsShape<ApiSchema, C>;
}

/** The type `<Node>Connection`, with its edges. */
export function connectionType<T extends object, C extends Connection<T> = Connection<T>>(
  options: ConnectionOptions<T, C>,
) {
  const { node, items, fields } = options;
  const edge = builder.objectRef<Edge<T>>(`${node.name}Edge`).implement({
    description: `An item of a list of ${items}, with its cursor.`,
    fields: t => ({
      cursor: t.string({
        description: 'The cursor of this item, for `after` and `before`.',
        resolve: ({ connection, item }) => connection.cursorOf(item),
      }),
      node: t.field({
        type: node,
        description: 'The item itself.',
        resolve: ({ item }) => item as never,
      }),
    }),
  });
  return builder.objectRef<C>(`${node.name}Connection`).implement({
    description: `A page of a list of ${items}.`,
    fields: t => ({
      edges: t.field({
        type: [edge],
        description: 'The items of this page with their cursors.',
        resolve: connection => connection.page.items.map(item => ({ connection, item })) as never,
      }),
      nodes: t.field({
        type: [node],
        description: 'The items of this page: the same as in `edges`, without cursors.',
        resolve: connection => connection.page.items as never,
      }),
      pageInfo: t.field({
        type: builder.pageInfoRef(),
        description: 'Whether the list continues, and at which cursors.',
        resolve: pageInfoOf,
      }),
      ...fields?.(t),
    }),
  });
}

function pageInfoOf<T>({ page, cursorOf }: Connection<T>) {
  const first = page.items[0];
  const last = page.items.at(-1);
  return {
    hasNextPage: page.hasNextPage,
    hasPreviousPage: page.hasPreviousPage,
    startCursor: first === undefined ? null : cursorOf(first),
    endCursor: last === undefined ? null : cursorOf(last),
  };
}
