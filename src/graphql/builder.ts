/** Pothos with its plugin, the types of the scalars and the roots of the schema. */
import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { LIMITS } from '../core/limits.ts';
import type { GraphQLContext } from './context.ts';
import { nodeTypeOf } from './global-id.ts';
import './scope-plugin.ts';

/** Descriptions that stand in more than one place. */
export const WORKSPACE_ARGUMENT =
  'Slug of the workspace, in upper or lower case. Default: the workspace that the key ' +
  'covers. A key of all workspaces may omit it if there is only one.';
export const AT_LEAST_ARGUMENT =
  'A cursor by position, such as that of a receipt. The answer shows the log at least up to ' +
  'there, even if another gateway recorded it. CURSOR_AHEAD if the log does not reach it. By ' +
  'default, an answer may be a second old where the gateway reads from a standby.';
export const ID_FIELD = 'Globally unique and opaque, for `node` and for caches.';

interface Scalar<T> {
  Input: T;
  Output: T;
}

interface ApiTypes {
  Context: GraphQLContext;
  DefaultFieldNullability: false;
  Scalars: {
    ID: Scalar<string>;
    DateTime: Scalar<Date>;
    JSON: Scalar<ExactJson>;
    JSONObject: Scalar<ExactObject>;
    /** Of Apollo Federation. */
    _Any: Scalar<ExactObject>;
    SafeInt: Scalar<number>;
    TimeZone: Scalar<string>;
    /** In ms. */
    Duration: Scalar<number>;
  };
}

const SIZES = `0 to ${LIMITS.pageSizeMax}. Without \`first\` and \`last\` a page has ${LIMITS.pageSizeDefault} items.`;

export const builder = new SchemaBuilder<ApiTypes>({
  plugins: [RelayPlugin, 'scope'],
  defaultFieldNullability: false,
  relay: {
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: {
      description: 'An object that can be fetched again by its id, with `node`.',
      resolveType: node => nodeTypeOf(node as object),
    },
    idFieldOptions: { description: ID_FIELD },
    pageInfoTypeOptions: { description: 'The place of a page in its list.' },
    hasNextPageFieldOptions: { description: 'Whether items follow this page in the list.' },
    hasPreviousPageFieldOptions: { description: 'Whether items precede this page in the list.' },
    startCursorFieldOptions: {
      description:
        'Cursor of the first item, for the previous page (`before`). Null if there are no items.',
    },
    endCursorFieldOptions: {
      description:
        'Cursor of the last item, for the next page (`after`). Null if there are no items.',
    },
    firstArgOptions: {
      description: `The maximum number of items from the start of the list, ${SIZES} A page of large events has fewer: \`pageInfo\` says whether more follow.`,
    },
    lastArgOptions: {
      description: `The maximum number of items from the end of the list, ${SIZES} Not together with \`first\`.`,
    },
    afterArgOptions: {
      description: 'Only items after this cursor, which must be from the same list. Default: all.',
    },
    beforeArgOptions: {
      description: 'Only items before this cursor, which must be from the same list. Default: all.',
    },
  },
});

/** Every value of an enum with its description; none may be left out. */
export function enumValues<Name extends string>(
  descriptions: Readonly<Record<Name, string>>,
): Record<Name, { description: string }> {
  const values = Object.entries<string>(descriptions).map(([name, description]) => {
    return [name, { description }];
  });
  return Object.fromEntries(values) as Record<Name, { description: string }>;
}

builder.queryType({
  description: 'Reads. Each field says which scope it needs.',
});
builder.mutationType({
  description:
    'Writes. Each field says which scope it needs. The fields of a request run one after another.',
});
builder.subscriptionType({
  description: 'Live streams, over WebSocket or server-sent events.',
});
