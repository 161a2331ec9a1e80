import { GraphQLError, type ASTNode } from 'graphql';

/** A value that a scalar does not take. */
export function inputError(message: string, node?: ASTNode): GraphQLError {
  const extensions = { code: 'BAD_USER_INPUT' };
  return new GraphQLError(message, { ...(node && { nodes: node }), extensions });
}
