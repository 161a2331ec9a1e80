/**
 * Documents typed by `schema.graphql`. The types are made by `npm run console:types`, which the
 * build and the checks run first.
 */
import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './schema-types.d.ts';

export type { ResultOf, VariablesOf } from 'gql.tada';

export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: {
    /** RFC 3339, in UTC with milliseconds. */
    DateTime: string;
    /** ISO 8601, such as PT15M. */
    Duration: string;
    JSON: unknown;
    JSONObject: Record<string, unknown>;
    SafeInt: number;
    TimeZone: string;
  };
}>();
