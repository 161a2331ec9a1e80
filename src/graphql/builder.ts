/** Pothos with its plugin and the types of the scalars. Defines no types of the API. */
import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { LIMITS } from '../core/limits.ts';
import type { GraphQLContext } from './context.ts';
import { nodeTypeOf } from './global-id.ts';
import { ID_FIELD } from './words.ts';

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
    SafeInt: Scalar<number>;
    TimeZone: Scalar<string>;
    /** In ms. */
    Duration: Scalar<number>;
  };
}

const SIZES = `0 to ${LIMITS.pageSizeMax}. Without \`first\` and \`last\` a page has ${LIMITS.pageSizeDefault} items.`;

export const builder = new SchemaBuilder<ApiTypes>({
  plugins: [RelayPlugin],
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
