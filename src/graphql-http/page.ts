/** A page of events as Postgres writes it, for the selections that it can write. */
import {
  getArgumentValues,
  getNamedType,
  isObjectType,
  Kind,
  locatedError,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { AnswerBudget } from '../graphql/answer-budget.ts';
import type { GraphQLContext } from '../graphql/context.ts';
import { eventPageAsJson } from '../graphql/event-pages.ts';
import type { EventPageArgs } from '../read/event-reader.ts';
import { fragmentsOf, type Variables } from './executor/selection.ts';
import { pageSelectionOf } from './page-shape.ts';
import { WrittenResult } from './written-result.ts';

/** Null: the page is for the executor, which counts each text of the answer. */
export type AnswerPage = (
  context: GraphQLContext,
  variables: Variables,
  onRead: ((bytes: number) => void) | undefined,
) => Promise<WrittenResult | ExecutionResult | null>;

/** Null for an operation that is anything but one page of events. */
export function preparePage(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operation, directives, selectionSet }: OperationDefinitionNode,
  answerBytesMax: number,
): AnswerPage | null {
  const [node, ...others] = selectionSet.selections;
  if (operation !== OperationTypeNode.QUERY || directives?.length || others.length > 0) return null;
  if (node?.kind !== Kind.FIELD || node.name.value !== 'events' || node.directives?.length) {
    return null;
  }
  const field = schema.getQueryType()?.getFields()['events'];
  const type = getNamedType(field?.type);
  if (field === undefined || !isObjectType(type) || node.selectionSet === undefined) return null;
  const selection = pageSelectionOf(type, node.selectionSet, fragmentsOf(document));
  if (selection === null) return null;
  const { shape, write } = selection;
  const key = (node.alias ?? node.name).value;

  return async (context, variables, onRead) => {
    try {
      const args: EventPageArgs = getArgumentValues(field, node, variables);
      const page = await eventPageAsJson(context, args, shape);
      if (page === null) return null;
      const json = write(page);
      // Below the limit no count of the texts can exceed it. Above it the page is cut.
      if (json.length > answerBytesMax) return null;
      new AnswerBudget(answerBytesMax, onRead).read(json.length);
      return new WrittenResult(`{"data":{"${key}":${json}}}`);
    } catch (error) {
      return { data: null, errors: [locatedError(error, [node], [key])] };
    }
  };
}
