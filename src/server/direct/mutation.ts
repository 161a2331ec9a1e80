/** The two mutations that record, with the resolvers of the schema. */
import type { GraphQLResolveInfo } from 'graphql';
import type { Answer, RootField } from './plan.ts';
import { selectorOf } from './select.ts';

export function answerOfMutation({ node, field }: RootField): Answer | null {
  const { resolve } = field;
  const select = selectorOf(field.type, node.selectionSet);
  if (select === null || resolve === undefined) return null;
  const info = { fieldName: field.name } as GraphQLResolveInfo;
  return async (given, context) =>
    select(await resolve(undefined, given, context, info), context) as object;
}
