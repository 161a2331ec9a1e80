// A place is passed in parts: no object for each value.
/* eslint max-params: [error, 5] */
/**
 * Executes operations by the algorithms of the GraphQL specification, like `execute` of graphql-js,
 * but plans each operation once: which fields a type has, with which resolvers and arguments, and
 * how a value of each becomes part of the answer. An operation that comes again only runs its plan.
 * `test/unit/graphql-http/executor.test.ts` compares the results with those of graphql-js.
 * @see https://spec.graphql.org/October2021/#sec-Execution
 */
import {
  defaultTypeResolver,
  GraphQLError,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  locatedError,
  OperationTypeNode,
  responsePathAsArray,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLAbstractType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import {
  ObjectPlan,
  ResolveInfo,
  type Complete,
  type ExecutionInput,
  type FieldPlan,
  type Path,
  type PathAbove,
  type Run,
  type Shape,
} from './plan.ts';
import { fragmentsOf, hasVariableConditions, type Variables } from './selection.ts';

type MaybePromise<T> = T | Promise<T>;
type Answered = Record<string, unknown>;

/** Runs one operation. Every error of a resolver becomes part of the result. */
export type Execute = (input: ExecutionInput) => MaybePromise<ExecutionResult>;

/** Plans an operation of a valid document. Queries and mutations; of subscriptions each step. */
export function prepareExecution(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Execute {
  const shape: Shape = { schema, operation, fragments: fragmentsOf(document) };
  const type = schema.getRootType(operation.operation);
  if (type == null) throw new Error(`The schema has no ${operation.operation}.`);
  const planFor = (variables: Variables) =>
    new ObjectPlan({ ...shape, variables, completionOf }, type, [operation.selectionSet]);
  const shared = hasVariableConditions(document) ? undefined : planFor({});
  const isSerial = operation.operation === OperationTypeNode.MUTATION;
  return input => {
    const run = runOf(shape, input);
    try {
      const plan = shared ?? planFor(input.variables);
      const fields = isSerial ? runSerially : runFields;
      const data = fields(run, plan, input.rootValue, undefined);
      if (!isPromise(data)) return resultOf(run, data);
      return data.then(
        value => resultOf(run, value),
        (error: unknown) => failedResult(run, error),
      );
    } catch (error) {
      return failedResult(run, error);
    }
  };
}

function runOf({ schema, operation, fragments }: Shape, input: ExecutionInput): Run {
  const { rootValue, contextValue, variables } = input;
  return { schema, operation, fragments, rootValue, contextValue, variables, errors: [] };
}

function resultOf({ errors }: Run, data: unknown): ExecutionResult {
  return errors.length === 0 ? { data: data as Answered } : { errors, data: data as Answered };
}

/** An error reached the root through types that are never null. */
function failedResult(run: Run, error: unknown): ExecutionResult {
  run.errors.push(error as GraphQLError);
  return resultOf(run, null);
}

/** An answer's object: without a prototype, since an alias may be called `__proto__`. */
const Answer = function () {} as unknown as new () => Record<string, unknown>;
Answer.prototype = Object.create(null);

function runFields(
  run: Run,
  { fields }: ObjectPlan,
  source: unknown,
  path: PathAbove,
): MaybePromise<object> {
  const answer = new Answer();
  let waiting: Promise<unknown>[] | undefined;
  try {
    for (const field of fields) {
      const value = runField(run, field, source, path);
      answer[field.key] = value;
      if (!isPromise(value)) continue;
      waiting ??= [];
      // A promise settles into the place that its field already has in the answer.
      waiting.push(value.then(settled => void (answer[field.key] = settled)));
    }
  } catch (error) {
    // The fields that run must not be left with nobody to hear their errors.
    if (waiting === undefined) throw error;
    return Promise.allSettled(waiting).then(() => {
      throw error;
    });
  }
  return waiting === undefined ? answer : Promise.all(waiting).then(() => answer);
}

async function runSerially(
  run: Run,
  { fields }: ObjectPlan,
  source: unknown,
  path: PathAbove,
): Promise<object> {
  const answer = new Answer();
  for (const field of fields) answer[field.key] = await runField(run, field, source, path);
  return answer;
}

function runField(run: Run, field: FieldPlan, source: unknown, above: PathAbove): unknown {
  try {
    const value = field.resolve(run, source, above);
    const completed = isPromise(value)
      ? value.then(settled => field.complete(run, field, above, undefined, settled))
      : field.complete(run, field, above, undefined, value);
    if (!isPromise(completed)) return completed;
    return completed.then(undefined, (error: unknown) => fieldError(run, field, above, error));
  } catch (error) {
    return fieldError(run, field, above, error);
  }
}

/** Null in place of the field where it may be null. @throws the error where it may not */
function fieldError(run: Run, field: FieldPlan, above: PathAbove, error: unknown): null {
  return handled(run, locate(error, field, field.pathBelow(above)), field.type);
}

function locate(error: unknown, { nodes }: FieldPlan, path: Path): GraphQLError {
  return locatedError(error, nodes, responsePathAsArray(path));
}

function handled(run: Run, error: GraphQLError, type: GraphQLOutputType): null {
  if (isNonNullType(type)) throw error;
  run.errors.push(error);
  return null;
}

const completions = new WeakMap<GraphQLOutputType, Complete>();

function completionOf(type: GraphQLOutputType): Complete {
  let complete = completions.get(type);
  if (complete === undefined) {
    complete = isNonNullType(type)
      ? nonNullCompletion(completionOf(type.ofType))
      : nullableCompletion(type);
    completions.set(type, complete);
  }
  return complete;
}

function nonNullCompletion(inner: Complete): Complete {
  return (run, field, above, index, value) => {
    const completed = inner(run, field, above, index, value);
    return isPromise(completed)
      ? completed.then(settled => requireValue(settled, field))
      : requireValue(completed, field);
  };
}

function requireValue(value: unknown, { parentType, definition }: FieldPlan): unknown {
  if (value !== null) return value;
  throw new Error(
    `Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`,
  );
}

function nullableCompletion(type: GraphQLOutputType): Complete {
  const complete = completionOfKind(type);
  return (run, field, above, index, value) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Error) throw value;
    return complete(run, field, above, index, value);
  };
}

function completionOfKind(type: GraphQLOutputType): Complete {
  if (isLeafType(type)) return leafCompletion(type);
  if (isListType(type)) return listCompletion(type.ofType as GraphQLOutputType);
  if (isObjectType(type)) return objectCompletion(type);
  if (isAbstractType(type)) return abstractCompletion(type);
  throw new Error(`${String(type)} is not an output type.`);
}

function leafCompletion(type: GraphQLLeafType): Complete {
  return (_run, _field, _above, _index, value) => {
    const serialized: unknown = type.serialize(value);
    if (serialized === null || serialized === undefined) {
      throw new Error(`A value of ${type.name} was serialized to ${String(serialized)}.`);
    }
    return serialized;
  };
}

function listCompletion(itemType: GraphQLOutputType): Complete {
  const complete = completionOf(itemType);

  function completeItem(run: Run, field: FieldPlan, list: Path, at: number, item: unknown) {
    const onError = (error: unknown) =>
      handled(run, locate(error, field, { prev: list, key: at, typename: undefined }), itemType);
    try {
      const completed = isPromise(item)
        ? item.then(settled => complete(run, field, list, at, settled))
        : complete(run, field, list, at, item);
      return isPromise(completed) ? completed.then(undefined, onError) : completed;
    } catch (error) {
      return onError(error);
    }
  }

  return (run, field, above, index, value) => {
    const { parentType, definition } = field;
    if (!isIterable(value)) {
      const place = `${parentType.name}.${definition.name}`;
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${place}".`);
    }
    const path = pathOf(field, above, index);
    const answer: unknown[] = [];
    let isWaiting = false;
    try {
      for (const item of value) {
        const completed = completeItem(run, field, path, answer.length, item);
        isWaiting ||= isPromise(completed);
        answer.push(completed);
      }
    } catch (error) {
      if (!isWaiting) throw error;
      return Promise.allSettled(answer).then(() => {
        throw error;
      });
    }
    return isWaiting ? Promise.all(answer) : answer;
  };
}

function objectCompletion(type: GraphQLObjectType): Complete {
  return (run, field, above, index, value) => {
    const runBelow = () => runFields(run, field.planOf(type), value, pathOf(field, above, index));
    if (type.isTypeOf == null) return runBelow();
    const info = new ResolveInfo(run, field, aboveField(above, index));
    const fits = type.isTypeOf(value, run.contextValue, info);
    return isPromise(fits)
      ? fits.then(settled => requireFit(settled, type, field) && runBelow())
      : requireFit(fits, type, field) && runBelow();
  };
}

function requireFit(fits: boolean, type: GraphQLObjectType, { nodes }: FieldPlan): true {
  if (fits) return true;
  throw new GraphQLError(`Expected value of type "${type.name}", but got another.`, { nodes });
}

function abstractCompletion(type: GraphQLAbstractType): Complete {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  return (run, field, above, index, value) => {
    const info = new ResolveInfo(run, field, aboveField(above, index));
    const name = resolveType(value, run.contextValue, info, type);
    const runAs = (found: string | undefined) => {
      const object = found === undefined ? undefined : run.schema.getType(found);
      if (!isObjectType(object) || !run.schema.isSubType(type, object)) {
        throw new GraphQLError(`A value of "${type.name}" was resolved to no type of it.`);
      }
      return completionOf(object)(run, field, above, index, value);
    };
    return isPromise(name) ? name.then(runAs) : runAs(name);
  };
}

/** Where a value lies. */
function pathOf(field: FieldPlan, above: PathAbove, index: number | undefined): Path {
  if (index === undefined) return field.pathBelow(above);
  return { prev: above, key: index, typename: undefined };
}

/** The path above the field that a value belongs to, also where it lies in lists. */
function aboveField(above: PathAbove, index: number | undefined): PathAbove {
  if (index === undefined) return above;
  let path = above;
  while (typeof path?.key === 'number') path = path.prev;
  return path?.prev;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
