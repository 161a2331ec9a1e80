/**
 * What comes by the thousand, recognised in a document that has been found valid: one field at its
 * root, either of the two mutations that record or a page of events, and of its answer what is there
 * at once. Null for any other document: nothing is lost, only slower.
 */
import {
  Kind,
  locatedError,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { GraphQLContext } from '../../graphql/context.ts';
import type { RawResult } from '../errors.ts';
import { Ready } from '../ready.ts';
import { argumentsOf, type Arguments, type ReadArguments } from './arguments.ts';
import { answerOfMutation } from './mutation.ts';
import { answerOfPage } from './page.ts';

export interface DirectPlan {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** @throws NotDirect for variables that graphql-js is to judge */
  readonly argumentsFrom: ReadArguments;
  /** The whole result. Null: after all it is for graphql-js. */
  readonly execute: (
    given: Arguments,
    context: GraphQLContext,
  ) => Promise<RawResult | Ready | null>;
}

/** The value of the field: as JSON where it is a text. Null: after all it is for graphql-js. */
export type Answer = (given: Arguments, context: GraphQLContext) => Promise<object | string | null>;

/** A field at the root of an operation that has no other. */
export interface RootField {
  readonly node: FieldNode;
  readonly field: GraphQLField<unknown, unknown>;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

/** By operation and field. */
const ANSWERS: Readonly<
  Record<string, (root: RootField, answerBytesMax: number) => Answer | null>
> = {
  'mutation recordEvent': answerOfMutation,
  'mutation recordEvents': answerOfMutation,
  'query events': answerOfPage,
};

export function planOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  answerBytesMax: number,
): DirectPlan | null {
  const [operation, ...more] = document.definitions.filter(
    each => each.kind === Kind.OPERATION_DEFINITION,
  );
  if (operation === undefined || more.length > 0 || operation.directives?.length) return null;
  const root = rootFieldOf(schema, document, operation);
  if (root === null) return null;
  const { node, field } = root;
  const answer = ANSWERS[`${operation.operation} ${field.name}`]?.(root, answerBytesMax) ?? null;
  const argumentsFrom = argumentsOf(operation, node, field);
  if (answer === null || argumentsFrom === null) return null;
  const key = (node.alias ?? node.name).value;
  return {
    ...{ document, operation, argumentsFrom },
    async execute(given, context) {
      try {
        const value = await answer(given, context);
        if (typeof value === 'string') return new Ready(`{"data":{"${key}":${value}}}`);
        return value && { data: { [key]: value } };
      } catch (error) {
        // Both operations answer with types that are never null.
        return { data: null, errors: [locatedError(error, [node], [key])] };
      }
    },
  };
}

function rootFieldOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operation, selectionSet }: OperationDefinitionNode,
): RootField | null {
  const [node, ...others] = selectionSet.selections;
  if (node?.kind !== Kind.FIELD || others.length > 0 || node.directives?.length) return null;
  const field = schema.getRootType(operation)?.getFields()[node.name.value];
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  }
  return field === undefined ? null : { node, field, fragments };
}
