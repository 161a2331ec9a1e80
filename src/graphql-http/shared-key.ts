import { Kind, print, visit, type DocumentNode, type OperationDefinitionNode } from 'graphql';
import { resolveOperation } from './measure.ts';

/** What decides over the result of a step: what is asked of it, with which variables. */
interface Question {
  readonly text: string;
  readonly variables: readonly string[];
}

const questions = new WeakMap<DocumentNode, Map<string, Question>>();

/**
 * The same for operations that make the same of a step. Which steps there are is decided before,
 * by the arguments of the root field: neither they nor their variables count here.
 */
export function sharedKey(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): string {
  const { text, variables: names } = questionOf(document, operationName);
  // A variable of null is another than one that is not given, which takes its default.
  return JSON.stringify([text, ...names.map(name => (name in variables ? [variables[name]] : []))]);
}

function questionOf(document: DocumentNode, operationName: string | null | undefined): Question {
  const name = operationName ?? '';
  const known = questions.get(document) ?? new Map<string, Question>();
  questions.set(document, known);
  const question = known.get(name) ?? findQuestion(document, operationName);
  known.set(name, question);
  return question;
}

function findQuestion(document: DocumentNode, operationName: string | null | undefined): Question {
  const operation = withoutRootArguments(resolveOperation(document, operationName));
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const parts = [operation.selectionSet, ...fragments];
  const names = new Set<string>();
  for (const part of [...parts, ...(operation.directives ?? [])]) {
    visit(part, { Variable: ({ name }) => void names.add(name.value) });
  }
  const definitions = operation.variableDefinitions ?? [];
  const used = definitions.filter(({ variable }) => names.has(variable.name.value));
  return {
    text: [...used, ...parts].map(print).join('\n'),
    variables: used.map(({ variable }) => variable.name.value),
  };
}

function withoutRootArguments(operation: OperationDefinitionNode): OperationDefinitionNode {
  const selections = operation.selectionSet.selections.map(selection =>
    selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection,
  );
  return { ...operation, selectionSet: { ...operation.selectionSet, selections } };
}
